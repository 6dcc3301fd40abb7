#include "stream/coding.h"

#include "base/limits.h"
#include "base/text.h"
#include "stream/coding_internal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of input that a library sees at once.  Smaller ones cost: zlib keeps a copy of the last 32
 * KiB that it has made after every call. */
enum { SLICE = IO_CHUNK };

enum progress { BEFORE_FIRST, INSIDE, AFTER_ONE, IN_PADDING };

struct decoder {
    enum coding coding;
    enum progress progress;
    uint64_t decoded_max;
    uint64_t encoded; /* bytes that the library has been shown, up to the end of this slice */
    uint64_t decoded;
    bytes_sink sink;
    void *ctx;
    const struct coding_engine *kind; /* NULL for identity */
    void *engine;
    size_t held; /* bytes of slice[] */
    uint8_t slice[SLICE];
    uint8_t out[IO_CHUNK];
};

const char *coding_name(enum coding coding)
{
    switch (coding) {
    case CODING_IDENTITY:
        return "identity";
    case CODING_GZIP:
        return "gzip";
    case CODING_DEFLATE:
        return "deflate";
    case CODING_BR:
        return "br";
    case CODING_ZSTD:
        return "zstd";
    case CODING_LZ4:
        return "lz4";
    }
    return "unknown";
}

enum fault coding_named(const char *value, enum coding *out, struct problem *why)
{
    static const struct {
        const char *name;
        enum coding coding;
    } named[] = {
        { "", CODING_IDENTITY },   { "identity", CODING_IDENTITY }, { "gzip", CODING_GZIP },
        { "x-gzip", CODING_GZIP }, { "deflate", CODING_DEFLATE },   { "br", CODING_BR },
        { "zstd", CODING_ZSTD },
    };
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (text_same(value ? value : "", named[i].name)) {
            *out = named[i].coding;
            return FAULT_NONE;
        }
    }
    return problem_set(
        why, FAULT_UNSUPPORTED,
        "content coding is not served, send one of gzip, deflate, br, zstd, identity");
}

static const struct coding_engine *engine_of(enum coding coding)
{
    switch (coding) {
    case CODING_IDENTITY:
        return NULL;
    case CODING_GZIP:
        return &coding_gzip_engine;
    case CODING_DEFLATE:
        return &coding_deflate_engine;
    case CODING_BR:
        return &coding_br_engine;
    case CODING_ZSTD:
        return &coding_zstd_engine;
    case CODING_LZ4:
        return &coding_lz4_engine;
    }
    return NULL;
}

static enum fault too_large(const struct decoder *decoder, struct problem *why)
{
    return problem_code(why, FAULT_TOO_LARGE, CODING_TOO_LARGE,
                        "Decompressed size %llu exceeds the %llu byte limit",
                        (unsigned long long)decoder->decoded_max + 1,
                        (unsigned long long)decoder->decoded_max);
}

/* At the maximum one byte of room is left, so that the byte too many shows itself. */
static size_t room_for_step(const struct decoder *decoder)
{
    const uint64_t left = decoder->decoded_max - decoder->decoded;
    if (left == 0)
        return 1;
    return left < IO_CHUNK ? (size_t)left : IO_CHUNK;
}

static enum fault hand_on(struct decoder *decoder, size_t made, struct problem *why)
{
    uint64_t most = 0;
    if (made == 0)
        return FAULT_NONE;
    if (decoder->decoded == decoder->decoded_max)
        return too_large(decoder, why);
    decoder->decoded += made;
    if (__builtin_mul_overflow(decoder->encoded, (uint64_t)CODING_RATIO_MAX, &most))
        most = UINT64_MAX;
    if (decoder->decoded > CODING_RATIO_FROM && decoder->decoded > most) {
        return problem_code(why, FAULT_TOO_LARGE, CODING_RATIO,
                            "decompressed size exceeds %d times the %s stream", CODING_RATIO_MAX,
                            coding_name(decoder->coding));
    }
    return decoder->sink(decoder->ctx, decoder->out, made, why);
}

/* One call of the library.  *more: call again before the next slice. */
static enum fault decode_step(struct decoder *decoder, struct coding_step *step, bool *more,
                              struct problem *why)
{
    const struct coding_engine *kind = decoder->kind;
    const size_t before = step->in_len;
    enum fault f = FAULT_NONE;
    if (decoder->progress != INSIDE)
        f = kind->begin(decoder->engine, step, decoder->progress == AFTER_ONE, why);
    step->room = room_for_step(decoder);
    if (!f)
        f = kind->step(decoder->engine, step, why);
    if (!f)
        f = hand_on(decoder, step->made, why);
    decoder->progress = step->ended ? AFTER_ONE : INSIDE;
    const bool idle = step->made == 0 && step->in_len == before && !step->ended;
    *more = step->in_len > 0 || (!step->ended && step->made == step->room);
    if (!f && *more && idle)
        f = problem_internal(why, "%s: no progress", coding_name(decoder->coding));
    return f;
}

/* Passes over zeros behind a stream that may be padded; anything else behind them is refused, as
 * one reader of gzip drops it and another reads it. */
static enum fault padding_skip(struct decoder *decoder, struct coding_step *step,
                               struct problem *why)
{
    if (decoder->progress == AFTER_ONE && step->in_len > 0 && *step->in == 0)
        decoder->progress = IN_PADDING;
    if (decoder->progress != IN_PADDING)
        return FAULT_NONE;
    while (step->in_len > 0 && *step->in == 0) {
        step->in++;
        step->in_len--;
    }
    return step->in_len ? coding_trailing(coding_name(decoder->coding), why) : FAULT_NONE;
}

/* Decodes a slice with everything that can be made of the input up to its end. */
static enum fault decode_slice(struct decoder *decoder, const uint8_t *bytes, size_t len,
                               struct problem *why)
{
    struct coding_step step = { .in = bytes, .in_len = len, .out = decoder->out };
    bool more = len > 0;
    enum fault f = FAULT_NONE;
    decoder->encoded += len;
    while (!f && more) {
        if (decoder->kind->padded)
            f = padding_skip(decoder, &step, why);
        if (f || decoder->progress == IN_PADDING)
            break;
        f = decode_step(decoder, &step, &more, why);
    }
    return f;
}

enum fault decoder_create(enum coding coding, uint64_t decoded_max, bytes_sink sink, void *ctx,
                          struct decoder **out, struct problem *why)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return problem_internal(why, "decoder: out of memory");
    decoder->coding = coding;
    decoder->decoded_max = decoded_max;
    decoder->sink = sink;
    decoder->ctx = ctx;
    decoder->kind = engine_of(coding);
    if (decoder->kind)
        decoder->engine = decoder->kind->create();
    if (decoder->kind && !decoder->engine) {
        decoder_destroy(decoder);
        return problem_internal(why, "decoder: %s cannot begin", coding_name(coding));
    }
    *out = decoder;
    return FAULT_NONE;
}

void decoder_destroy(struct decoder *decoder)
{
    if (decoder && decoder->kind)
        decoder->kind->destroy(decoder->engine);
    free(decoder);
}

void decoder_reset(struct decoder *decoder)
{
    decoder->progress = BEFORE_FIRST;
    decoder->encoded = 0;
    decoder->decoded = 0;
    decoder->held = 0;
    if (decoder->kind)
        decoder->kind->reset(decoder->engine);
}

static enum fault pass_on(struct decoder *decoder, const uint8_t *bytes, size_t len,
                          struct problem *why)
{
    const uint64_t left = decoder->decoded_max - decoder->decoded;
    const size_t taken = len < left ? len : (size_t)left;
    enum fault f = FAULT_NONE;
    decoder->decoded += taken;
    if (taken > 0)
        f = decoder->sink(decoder->ctx, bytes, taken, why);
    if (!f && len > taken)
        f = too_large(decoder, why);
    return f;
}

enum fault decoder_feed(struct decoder *decoder, const void *bytes, size_t len, struct problem *why)
{
    const uint8_t *at = bytes;
    enum fault f = FAULT_NONE;
    if (!decoder->kind)
        return pass_on(decoder, at, len, why);
    while (!f && len > 0) {
        const size_t want = SLICE - decoder->held;
        const size_t taken = len < want ? len : want;
        if (taken == SLICE) {
            f = decode_slice(decoder, at, SLICE, why);
        } else {
            memcpy(decoder->slice + decoder->held, at, taken);
            decoder->held += taken;
        }
        if (decoder->held == SLICE) {
            decoder->held = 0;
            f = decode_slice(decoder, decoder->slice, SLICE, why);
        }
        at += taken;
        len -= taken;
    }
    return f;
}

enum fault decoder_end(struct decoder *decoder, struct problem *why)
{
    const size_t held = decoder->held;
    if (!decoder->kind)
        return FAULT_NONE;
    decoder->held = 0;
    enum fault f = decode_slice(decoder, decoder->slice, held, why);
    if (!f && decoder->progress != AFTER_ONE && decoder->progress != IN_PADDING)
        f = problem_code(why, FAULT_UNPROCESSABLE, CODING_TRUNCATED, "unexpected end of file");
    return f;
}

uint64_t decoder_bytes(const struct decoder *decoder)
{
    return decoder->decoded;
}

enum fault decoder_sink(void *decoder, const void *bytes, size_t len, struct problem *why)
{
    return decoder_feed(decoder, bytes, len, why);
}
