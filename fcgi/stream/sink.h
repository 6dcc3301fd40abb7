/*
 * sink.h - where a stage of a stream hands its bytes.
 */
#ifndef STREAM_SINK_H
#define STREAM_SINK_H

#include "base/problem.h"

#include <stddef.h>

/* Takes len bytes (borrowed; len may be any size, where the cuts fall means nothing).  A fault
 * ends the stream: the caller hands it up unchanged and calls no more. */
typedef enum fault (*bytes_sink)(void *ctx, const void *bytes, size_t len, struct problem *why);

#endif
