/*
 * copy.h - the deep-store copy: segments that a push names by file: URIs are taken into the blob
 * store, and servers fetch them from Sluice.
 */
#ifndef PINOT_COPY_H
#define PINOT_COPY_H

#include "db/pinot_store_push.h"
#include "http/exchange.h"
#include "pinot/deep_store.h"
#include "pinot/segment_archive.h"

#include <stdbool.h>

#include <stddef.h>
#include <stdint.h>

struct blob_writer;

/* FAULT_FORBIDDEN, naming the setting, when a segment's URI is not one that may be copied;
 * FAULT_MALFORMED when its file is not there.  Nothing is read or written. */
MUST_CHECK enum fault copy_check(const struct deep_store *store,
                                 const struct pinot_segment *segments, size_t count,
                                 struct problem *why);

/* Copies each segment, checks that the copy has as many bytes as the file had at first and that it is
 * the segment that is pushed (its table, its name and its CRC), and seals it.  The segments then have blob, bytes and their
 * new url; nothing is flushed. */
MUST_CHECK enum fault copy_segments(struct exchange *x, const struct deep_store *store,
                                    struct pinot_segment *segments, size_t count,
                                    struct problem *why);

/* Streams a file's bytes, as many as it had when it was opened, through the archive's reader into the
 * writer.  FAULT_MALFORMED when it has changed meanwhile; what names it in texts. */
MUST_CHECK enum fault copy_stream(int fd, int64_t bytes, struct segment_archive *archive,
                                  struct blob_writer *writer, const char *what,
                                  struct problem *why);

/* Whether an archive that says it is of the table own is of the table raw: own may have the type, and
 * lack the database. */
bool copy_is_of_table(const char *own, const char *raw);

#endif
