/*
 * format.h - which kind of content a part is, and the reader that goes with it.
 */
#ifndef TABULAR_FORMAT_H
#define TABULAR_FORMAT_H

#include "base/arena.h"
#include "base/problem.h"
#include "tabular/reading.h"
#include "tabular/thrift.h"
#include "tabular/value.h"

#include <stddef.h>

enum format_kind {
    FORMAT_UNKNOWN = 0, /* nothing said it: the first bytes will */
    FORMAT_CSV,
    FORMAT_NDJSON,
    FORMAT_PARQUET,
};

/* "csv", "ndjson", "parquet". */
const char *format_word(enum format_kind kind);

/* The media type that a file of a kind is served with; word as format_word() gives it. */
const char *format_media_type(const char *word);

/* The kind that a file name's extension says, in any case; without one that is served what the media
 * types say, the first that is known; FORMAT_UNKNOWN when nothing does.  Any of the three may be
 * NULL.  FAULT_UNPROCESSABLE for an extension that is not served where no media type is either. */
MUST_CHECK enum fault format_named(const char *file_name, const char *query_type,
                                   const char *header_type, enum format_kind *out,
                                   struct problem *why);

struct format;

/* A reader of that kind, in the arena.  values: who asks for the values of CSV and NDJSON; NULL:
 * nobody. */
MUST_CHECK enum fault format_create(enum format_kind kind, struct arena *arena,
                                    const struct value_sink *values, struct format **out,
                                    struct problem *why);

/* Feeding as a bytes_sink: format is a struct format.  FAULT_UNPROCESSABLE: not that kind. */
MUST_CHECK enum fault format_feed(void *format, const void *bytes, size_t len, struct problem *why);

/* The content is over and can be read back from source: Parquet's footer is. */
MUST_CHECK enum fault format_end(struct format *format, const struct thrift_source *source,
                                 struct reading *out, struct problem *why);

/* The kind, once content has come or format_end() was called. */
enum format_kind format_kind_of(const struct format *format);

#endif
