/*
 * source.h - a content as a contract's client sends it: its kind and coding by its name, its media
 * type, its header or its first bytes, decoded while it streams.
 */
#ifndef OPTERYX_SOURCE_H
#define OPTERYX_SOURCE_H

#include "base/arena.h"
#include "base/problem.h"
#include "stream/coding.h"
#include "tabular/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCE_MAGIC = 4 };

struct source {
    enum format_kind kind; /* FORMAT_UNKNOWN: the content will say it */
    enum coding coding;
    bool stated; /* the coding is no guess */
    uint64_t decoded_max;
    bytes_sink sink;
    void *ctx;
    struct decoder *decoder; /* once enough bytes have come */
    size_t held;
    unsigned char magic[SOURCE_MAGIC];
    uint64_t bytes; /* as sent */
};

/* Finds out what can be known before the first byte.  name: of the file, "events.csv.gz", may be
 * NULL; encoding: a Content-Encoding, which wins over the name, may be NULL.  source_release() ends
 * it, whatever this returned.  FAULT_UNSUPPORTED, FAULT_UNPROCESSABLE. */
MUST_CHECK enum fault source_init(struct source *source, struct arena *arena, const char *name,
                                  const char *type, const char *encoding, struct problem *why);
void source_release(struct source *source);

/* Feeding as a bytes_sink: source is a struct source whose decoded_max, sink and ctx are set. */
MUST_CHECK enum fault source_feed(void *source, const void *bytes, size_t len, struct problem *why);

/* The content is over.  cut: one that breaks off inside of its coding is no fault; *whole tells. */
MUST_CHECK enum fault source_end(struct source *source, bool cut, bool *whole, struct problem *why);

/* What a content is that nothing has named, by its first decoded bytes: NDJSON, or else Parquet, whose
 * reader says what is wrong. */
enum format_kind source_guess(const char *bytes, size_t len);

#endif
