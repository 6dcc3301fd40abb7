/*
 * coding.h - content codings (RFC 9110 section 8.4), decoded while they stream.
 *
 * gzip (RFC 1952, any number of members, and zeros behind them: padding), deflate (RFC 9110: the zlib format, RFC 1950; raw RFC
 * 1951 is taken too, as clients send both), br (RFC 7932, no large windows), zstd (RFC 8878, any
 * number of frames, windows up to ZSTD_WINDOW_LOG_MAX; skippable frames are skipped), and for archives
 * alone, which no Content-Encoding names, lz4 (LZ4 frames, any number, padded as gzip is).
 *
 * Every cut of the stream gives the same bytes and the same verdict, also where a stream is bad in
 * two ways: the libraries always see the same slices of the input, whole ones while it is fed and
 * the rest at its end.  So the last bytes may reach the sink during decoder_end() alone.
 *
 * Input that ends early, bytes after the end and a bad checksum are FAULT_UNPROCESSABLE; a decoded
 * size past decoded_max, or past CODING_RATIO_MAX times the encoded size once CODING_RATIO_FROM is
 * passed, is FAULT_TOO_LARGE.  The texts are those of Oxen where it has one.
 *
 * Memory: two IO_CHUNK buffers at most, and: gzip and deflate under 64 KiB, br up to 16 MiB, zstd
 * up to 8 MiB plus its tables, lz4 up to 9 MiB.
 */
#ifndef STREAM_CODING_H
#define STREAM_CODING_H

#include "base/problem.h"
#include "stream/sink.h"

#include <stdint.h>

/* problem.code values */
#define CODING_BAD_HEADER "coding_bad_header" /* does not begin as this coding does */
#define CODING_TRUNCATED "coding_truncated"   /* ends early; an empty input, too */
#define CODING_CHECKSUM "coding_checksum"     /* the bytes are not those that were encoded */
#define CODING_CORRUPT "coding_corrupt"       /* anything else that does not decode */
#define CODING_TRAILING "coding_trailing"     /* bytes after the end */
#define CODING_DICTIONARY "coding_dictionary" /* was made with a dictionary */
#define CODING_WINDOW "coding_window"         /* would take more memory than we give */
#define CODING_TOO_LARGE "coding_too_large"   /* FAULT_TOO_LARGE: past decoded_max */
#define CODING_RATIO "coding_ratio"           /* FAULT_TOO_LARGE: a bomb by its ratio */

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD, CODING_LZ4 };

/* The coding that a Content-Encoding value names: NULL, "" and "identity" are CODING_IDENTITY,
 * "x-gzip" is gzip; case does not matter.  More than one coding, or an unknown one, is
 * FAULT_UNSUPPORTED with a text that lists what is served. */
MUST_CHECK enum fault coding_named(const char *value, enum coding *out, struct problem *why);

/* What a fault's text calls it: "gzip". */
const char *coding_name(enum coding coding);

struct decoder;

/* Decoded bytes go to sink(ctx), never more than decoded_max of them.  Owned by the caller, ended by decoder_destroy(). */
MUST_CHECK enum fault decoder_create(enum coding coding, uint64_t decoded_max, bytes_sink sink,
                                     void *ctx, struct decoder **out, struct problem *why);
void decoder_destroy(struct decoder *decoder);

/* Back to the start of a new stream with the same coding, limits and sink, whatever became of the
 * last one.  No allocation but for br, whose library cannot go back: its decoder is made anew, and
 * when that fails the next call that needs it is FAULT_INTERNAL. */
void decoder_reset(struct decoder *decoder);

MUST_CHECK enum fault decoder_feed(struct decoder *decoder, const void *bytes, size_t len,
                                   struct problem *why);

/* The input is over: decodes what is left of it, and a fault when it ended early.  An empty input is
 * an error for every coding but identity. */
MUST_CHECK enum fault decoder_end(struct decoder *decoder, struct problem *why);

/* Decoded bytes that the sink was given so far. */
uint64_t decoder_bytes(const struct decoder *decoder);

/* Feeding as a bytes_sink, so that a decoder can follow another stage: ctx is the decoder. */
MUST_CHECK enum fault decoder_sink(void *decoder, const void *bytes, size_t len,
                                   struct problem *why);

#endif
