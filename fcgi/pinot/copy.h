/*
 * copy.h - the deep-store copy: segments that a push names by file: URIs are taken into the blob
 * store, and servers fetch them from Sluice.
 */
#ifndef PINOT_COPY_H
#define PINOT_COPY_H

#include "db/pinot_store_push.h"
#include "http/exchange.h"
#include "pinot/deep_store.h"

#include <stddef.h>

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

#endif
