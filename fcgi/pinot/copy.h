/*
 * copy.h - the deep-store copy: segments that a push names by file: URIs are taken into the blob
 * store, and servers fetch them from Sluice.
 */
#ifndef PINOT_COPY_H
#define PINOT_COPY_H

#include "db/pinot_store.h"
#include "pinot/upload.h"

#include <stddef.h>

/* FAULT_FORBIDDEN, naming the setting, when a segment's URI is not one that may be copied;
 * FAULT_MALFORMED when its file is not there.  Nothing is read or written. */
MUST_CHECK enum fault copy_check(struct upload *upload, const struct pinot_segment *segments,
                                 size_t count, struct problem *why);

/* Copies each segment, checks that the copy has as many bytes as the file had at first and that the
 * CRC in it is the one that is pushed, and seals it.  The segments then have blob, bytes and their
 * new url; nothing is flushed. */
MUST_CHECK enum fault copy_segments(struct upload *upload, struct pinot_segment *segments,
                                    size_t count, struct problem *why);

#endif
