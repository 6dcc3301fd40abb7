#include "stream/coding_internal.h"

#include "base/text.h"

#include <stdlib.h>

static const struct {
    const char *name;
    enum coding coding;
} names[] = {
    { "identity", CODING_IDENTITY }, { "gzip", CODING_GZIP }, { "x-gzip", CODING_GZIP },
    { "deflate", CODING_DEFLATE },   { "br", CODING_BR },     { "zstd", CODING_ZSTD },
};

enum fault coding_named(const char *value, enum coding *out, struct problem *why)
{
    if (!value || !value[0]) {
        *out = CODING_IDENTITY;
        return FAULT_NONE;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_same(value, names[i].name)) {
            *out = names[i].coding;
            return FAULT_NONE;
        }
    }
    return problem_set(why, FAULT_UNSUPPORTED,
                       "the content encoding must be one of gzip, deflate, br, zstd");
}

const char *coding_name(enum coding coding)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].coding == coding)
            return names[i].name;
    }
    return "unknown";
}

enum fault decoder_bad_header(const struct decoder *decoder, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_BAD_HEADER, "invalid %s header",
                        coding_name(decoder->coding));
}

enum fault decoder_bad_checksum(const struct decoder *decoder, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_CHECKSUM,
                        "corrupt %s stream does not have a matching checksum",
                        coding_name(decoder->coding));
}

enum fault decoder_corrupt(const struct decoder *decoder, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_CORRUPT,
                        "corrupt %s stream after %llu decoded bytes", coding_name(decoder->coding),
                        (unsigned long long)decoder->decoded);
}

enum fault decoder_trailing(const struct decoder *decoder, struct problem *why)
{
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_TRAILING,
                        "bytes follow the end of the %s stream", coding_name(decoder->coding));
}

static enum fault check_size(const struct decoder *decoder, size_t len, struct problem *why)
{
    if (len > decoder->decoded_max - decoder->decoded)
        return problem_code(why, FAULT_TOO_LARGE, CODING_TOO_LARGE,
                            "Decompressed size %llu exceeds the %llu byte limit",
                            (unsigned long long)decoder->decoded_max + 1,
                            (unsigned long long)decoder->decoded_max);
    const uint64_t decoded = decoder->decoded + len;
    if (decoder->coding != CODING_IDENTITY && decoded > CODING_RATIO_FROM &&
        decoded / CODING_RATIO_MAX > decoder->encoded)
        return problem_code(why, FAULT_TOO_LARGE, CODING_RATIO,
                            "the %s stream decodes to more than %d times its size",
                            coding_name(decoder->coding), CODING_RATIO_MAX);
    return FAULT_NONE;
}

enum fault decoder_emit(struct decoder *decoder, size_t len, struct problem *why)
{
    if (len == 0)
        return FAULT_NONE;
    enum fault f = check_size(decoder, len, why);
    if (f)
        return f;
    decoder->decoded += len;
    return decoder->sink(decoder->sink_ctx, decoder->out, len, why);
}

static const struct codec *codec_of(enum coding coding)
{
    switch (coding) {
    case CODING_IDENTITY:
        return NULL;
    case CODING_GZIP:
        return &codec_gzip;
    case CODING_DEFLATE:
        return &codec_deflate;
    case CODING_BR:
        return &codec_br;
    case CODING_ZSTD:
        return &codec_zstd;
    }
    return NULL;
}

enum fault decoder_create(enum coding coding, uint64_t decoded_max, bytes_sink sink, void *ctx,
                          struct decoder **out, struct problem *why)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return problem_internal(why, "out of memory for a decoder");
    decoder->coding = coding;
    decoder->codec = codec_of(coding);
    decoder->decoded_max = decoded_max;
    decoder->sink = sink;
    decoder->sink_ctx = ctx;
    if (decoder->codec && !decoder->codec->open(decoder)) {
        decoder_destroy(decoder);
        return problem_internal(why, "out of memory for a %s decoder", coding_name(coding));
    }
    *out = decoder;
    return FAULT_NONE;
}

void decoder_destroy(struct decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->codec)
        decoder->codec->close(decoder);
    free(decoder);
}

void decoder_reset(struct decoder *decoder)
{
    decoder->state = DECODER_FRESH;
    decoder->encoded = 0;
    decoder->decoded = 0;
    decoder->head_len = 0;
    decoder->broken = decoder->codec && !decoder->codec->reset(decoder);
}

/* Identity has nothing to decode, but the same limit. */
static enum fault pass_on(struct decoder *decoder, const void *bytes, size_t len,
                          struct problem *why)
{
    enum fault f = check_size(decoder, len, why);
    if (f)
        return f;
    decoder->decoded += len;
    return decoder->sink(decoder->sink_ctx, bytes, len, why);
}

enum fault decoder_feed(struct decoder *decoder, const void *bytes, size_t len, struct problem *why)
{
    if (len == 0)
        return FAULT_NONE;
    if (decoder->broken)
        return problem_internal(why, "out of memory for a %s decoder",
                                coding_name(decoder->coding));
    decoder->encoded += len;
    if (!decoder->codec)
        return pass_on(decoder, bytes, len, why);
    return decoder->codec->feed(decoder, bytes, len, why);
}

enum fault decoder_end(struct decoder *decoder, struct problem *why)
{
    const bool whole = decoder->state == DECODER_BETWEEN || decoder->state == DECODER_DONE;
    if (!decoder->codec || whole)
        return FAULT_NONE;
    return problem_code(why, FAULT_UNPROCESSABLE, CODING_TRUNCATED, "unexpected end of file");
}

uint64_t decoder_bytes(const struct decoder *decoder)
{
    return decoder->decoded;
}

enum fault decoder_sink(void *decoder, const void *bytes, size_t len, struct problem *why)
{
    return decoder_feed(decoder, bytes, len, why);
}
