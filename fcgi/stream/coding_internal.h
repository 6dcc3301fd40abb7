/*
 * coding_internal.h - what coding.c and the codecs share; nobody else includes it.
 */
#ifndef STREAM_CODING_INTERNAL_H
#define STREAM_CODING_INTERNAL_H

#include "base/limits.h"
#include "stream/coding.h"

#include <stdbool.h>
#include <stddef.h>

/* Where in its input a decoder is. */
enum decoder_state {
    DECODER_FRESH,   /* nothing was fed */
    DECODER_INSIDE,  /* inside a member or frame: more input must come */
    DECODER_BETWEEN, /* a member or frame has ended, another may follow */
    DECODER_DONE,    /* the stream has ended, nothing may follow */
};

/* One coding's library. */
struct codec {
    /* Makes and frees the library's state; false: out of memory. */
    bool (*open)(struct decoder *decoder);
    void (*close)(struct decoder *decoder);
    /* Back to the start of a stream; false: out of memory. */
    bool (*reset)(struct decoder *decoder);
    /* Decodes all of the input, through decoder_emit(), and moves decoder->state. */
    enum fault (*feed)(struct decoder *decoder, const unsigned char *bytes, size_t len,
                       struct problem *why);
};

struct decoder {
    enum coding coding;
    const struct codec *codec;
    uint64_t decoded_max;
    bytes_sink sink;
    void *sink_ctx;
    enum decoder_state state;
    bool broken; /* a reset failed */
    uint64_t encoded;
    uint64_t decoded;
    void *library;     /* the codec's own */
    unsigned head_len; /* of head[]: deflate decides by two bytes which form it is */
    unsigned char head[2];
    unsigned char out[IO_CHUNK];
};

extern const struct codec codec_gzip, codec_deflate, codec_br, codec_zstd;

/* Hands the first len bytes of decoder->out on, within the limits. */
MUST_CHECK enum fault decoder_emit(struct decoder *decoder, size_t len, struct problem *why);

/* The faults of a stream that does not decode. */
enum fault decoder_bad_header(const struct decoder *decoder, struct problem *why);
enum fault decoder_bad_checksum(const struct decoder *decoder, struct problem *why);
enum fault decoder_corrupt(const struct decoder *decoder, struct problem *why);
enum fault decoder_trailing(const struct decoder *decoder, struct problem *why);

#endif
