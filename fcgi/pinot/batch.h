/*
 * batch.h - the archive of a batch, read while it streams: a compressed tar (archive_decoder.h) with
 * the files <segment>.creation.meta and <segment>.metadata.properties of each segment, in any folders
 * and in any order, and all_segments_metadata (mapping.h).
 *
 * Each file is reduced to what a push needs as soon as it has ended, so the memory is bounded by
 * PINOT_BATCH_SEGMENTS_MAX and PINOT_BATCH_BYTES_MAX, whatever the archive unpacks to.  Files with
 * other names are passed over.
 */
#ifndef PINOT_BATCH_H
#define PINOT_BATCH_H

#include "base/problem.h"
#include "db/pinot_store_push.h"

#include <stddef.h>
#include <stdint.h>

struct batch;

/* decoded_max: bytes of the tar.  seed: any number that clients cannot foresee; it keeps them from
 * choosing names that collide.  The caller owns *out. */
MUST_CHECK enum fault batch_create(uint64_t decoded_max, uint64_t seed, struct batch **out,
                                   struct problem *why);

/* batch may be NULL. */
void batch_destroy(struct batch *batch);

/* Feeds the archive; ctx is the batch.  FAULT_MALFORMED for what is no compressed tar ("Failed
 * to unzip the segment metadata files. " and the cause), for links and devices, names with "..",
 * files or mapping lines of a segment that come twice, and files that do not parse or that name
 * another segment inside; FAULT_TOO_LARGE over a limit. */
MUST_CHECK enum fault batch_feed(void *batch, const void *bytes, size_t len, struct problem *why);

/* The archive is over.  FAULT_MALFORMED when a segment lacks a file or its URI.  The segments, in the
 * mapping's order, are borrowed until batch_destroy(); their bytes are unknown and they have no
 * blob. */
MUST_CHECK enum fault batch_end(struct batch *batch, struct pinot_segment **segments, size_t *count,
                                struct problem *why);

#endif
