/*
 * segment_archive.h - the compressed tar (archive_decoder.h) of one segment, read while it streams: its
 * creation.meta and metadata.properties, of the folder v3 when they are there more than once.
 *
 * A METADATA push of one segment sends an archive of these two files alone, a SEGMENT push the whole
 * segment.
 */
#ifndef PINOT_SEGMENT_ARCHIVE_H
#define PINOT_SEGMENT_ARCHIVE_H

#include "base/problem.h"
#include "pinot/creation_meta.h"
#include "pinot/segment_metadata.h"

#include <stddef.h>
#include <stdint.h>

struct segment_archive;

/* decoded_max: bytes of the tar.  The caller owns *out. */
MUST_CHECK enum fault segment_archive_create(uint64_t decoded_max, struct segment_archive **out,
                                             struct problem *why);
void segment_archive_destroy(struct segment_archive *archive); /* may be NULL */

/* Feeds the archive; ctx is the archive.  FAULT_MALFORMED for what is no compressed tar and for
 * links and devices. */
MUST_CHECK enum fault segment_archive_feed(void *archive, const void *bytes, size_t len,
                                           struct problem *why);

/* The archive is over: FAULT_MALFORMED when a file is missing or does not parse.  *metadata is
 * borrowed until segment_archive_destroy(). */
MUST_CHECK enum fault segment_archive_end(struct segment_archive *archive,
                                          struct creation_meta *creation,
                                          const struct segment_metadata **metadata,
                                          struct problem *why);

#endif
