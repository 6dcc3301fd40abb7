/*
 * archive_decoder.h - a compressed archive, decoded as its first bytes say: gzip, Zstandard or LZ4, as
 * Pinot's own tools read them whatever the file is called.
 */
#ifndef PINOT_ARCHIVE_DECODER_H
#define PINOT_ARCHIVE_DECODER_H

#include "base/problem.h"
#include "stream/coding.h"
#include "stream/sink.h"

#include <stddef.h>
#include <stdint.h>

enum { ARCHIVE_MAGIC_BYTES = 4 };

struct archive_decoder {
    uint64_t decoded_max;
    bytes_sink sink;
    void *ctx;
    struct decoder *decoder; /* NULL until the first bytes are there */
    uint8_t head[ARCHIVE_MAGIC_BYTES];
    size_t held;
};

/* Decoded bytes go to sink(ctx), at most decoded_max.  Ended by archive_decoder_release(). */
void archive_decoder_init(struct archive_decoder *archive, uint64_t decoded_max, bytes_sink sink,
                          void *ctx);
void archive_decoder_release(struct archive_decoder *archive);

/* The faults of decoder_feed() and decoder_end(); what begins as none of the three is taken for gzip. */
MUST_CHECK enum fault archive_decoder_feed(struct archive_decoder *archive, const void *bytes,
                                           size_t len, struct problem *why);
MUST_CHECK enum fault archive_decoder_end(struct archive_decoder *archive, struct problem *why);

#endif
