/*
 * gzip_out.h - gzip (RFC 1952), written while its input comes.
 */
#ifndef STREAM_GZIP_OUT_H
#define STREAM_GZIP_OUT_H

#include "base/problem.h"
#include "stream/sink.h"

#include <stddef.h>

struct gzip_out;

/* One member, compressed for speed, goes to sink(ctx).  Owned by the caller. */
MUST_CHECK enum fault gzip_out_create(bytes_sink sink, void *ctx, struct gzip_out **out,
                                      struct problem *why);
/* gzip may be NULL. */
void gzip_out_destroy(struct gzip_out *gzip);

MUST_CHECK enum fault gzip_out_write(struct gzip_out *gzip, const void *bytes, size_t len,
                                     struct problem *why);

/* Writes what is held back and the trailer. */
MUST_CHECK enum fault gzip_out_end(struct gzip_out *gzip, struct problem *why);

#endif
