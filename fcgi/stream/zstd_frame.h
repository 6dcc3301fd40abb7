/*
 * zstd_frame.h - Zstandard frames (RFC 8878) of pieces that lie in memory whole.
 */
#ifndef STREAM_ZSTD_FRAME_H
#define STREAM_ZSTD_FRAME_H

#include "base/problem.h"
#include "base/text.h"

#include <stddef.h>

struct zstd_frame;

/* What the frames of one file are made with; owned by the caller.  NULL when out of memory. */
struct zstd_frame *zstd_frame_create(void);
/* frame may be NULL. */
void zstd_frame_destroy(struct zstd_frame *frame);

/* Appends one frame of len bytes to out, compressed for speed.  FAULT_INTERNAL without memory. */
MUST_CHECK enum fault zstd_frame_add(struct zstd_frame *frame, const void *bytes, size_t len,
                                     struct text *out, struct problem *why);

#endif
