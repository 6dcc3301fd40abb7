/*
 * fuzz_coding.c - every cut of a stream gives the same bytes and verdict, never more than the
 * maximum; what is decoded is what the library makes of the whole input in one call.
 *
 * Input: one byte that chooses the coding, one that seeds the cuts, one that chooses the maximum,
 * the stream.
 */
#include "fuzz_pieces.h"
#include "stream/coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

enum {
    CHOICE_BYTES = 3,
    DECODED_MAX = 1024 * 1024, /* bytes; the choice divides it */
    WINDOW_GZIP = 15 + 16,
};

static enum fault on_bytes(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)why;
    assert(len > 0);
    text_add(ctx, bytes, len);
    return FAULT_NONE;
}

/* The second of two runs with one decoder, so that a reset must forget the first. */
static void run(struct decoder *decoder, const uint8_t *bytes, size_t len,
                struct fuzz_pieces pieces, struct fuzz_result *result)
{
    enum fault f = FAULT_NONE;
    result->why = PROBLEM_NONE;
    decoder_reset(decoder);
    for (size_t at = 0; !f && at < len;) {
        const size_t size = fuzz_piece(&pieces, len - at);
        f = decoder_feed(decoder, bytes + at, size, &result->why);
        at += size;
    }
    if (!f)
        f = decoder_end(decoder, &result->why);
    assert(f != FAULT_INTERNAL);
    result->fault = f;
}

static size_t gunzip(const uint8_t *bytes, size_t len, uint8_t *out, size_t room)
{
    z_stream zlib = { 0 };
    uint8_t *copy = malloc(len + 1);
    assert(copy);
    memcpy(copy, bytes, len);
    zlib.next_in = copy;
    zlib.avail_in = (uInt)len;
    zlib.next_out = out;
    zlib.avail_out = (uInt)room;
    int result = inflateInit2(&zlib, WINDOW_GZIP);
    while (result == Z_OK && zlib.avail_in > 0) {
        result = inflate(&zlib, Z_FINISH);
        assert(result == Z_STREAM_END);
        if (zlib.avail_in > 0 && *zlib.next_in == 0) { /* padding, behind which nothing is taken */
            for (; zlib.avail_in > 0; zlib.avail_in--)
                assert(*zlib.next_in++ == 0);
        }
        if (zlib.avail_in > 0)
            result = inflateReset(&zlib);
    }
    (void)inflateEnd(&zlib);
    free(copy);
    return room - zlib.avail_out;
}

/* The library alone on the whole input; it must agree with what was taken. */
static void must_be_what_the_library_says(enum coding coding, const uint8_t *bytes, size_t len,
                                          const struct text *decoded)
{
    const size_t room = decoded->len + 1;
    uint8_t *out = malloc(room);
    size_t made = room;
    assert(out);
    if (coding == CODING_GZIP)
        made = gunzip(bytes, len, out, room);
    if (coding == CODING_ZSTD)
        made = ZSTD_decompress(out, room, bytes, len);
    if (coding == CODING_BR)
        assert(BrotliDecoderDecompress(len, bytes, &made, out) == BROTLI_DECODER_RESULT_SUCCESS);
    if (coding == CODING_GZIP || coding == CODING_ZSTD || coding == CODING_BR) {
        assert(made == decoded->len);
        assert(made == 0 || memcmp(out, decoded->data, made) == 0);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const enum coding codings[] = { CODING_GZIP, CODING_DEFLATE, CODING_BR, CODING_ZSTD,
                                           CODING_IDENTITY };
    if (len < CHOICE_BYTES)
        return 0;
    const enum coding coding = codings[bytes[0] % (sizeof codings / sizeof codings[0])];
    const uint8_t seed = bytes[1];
    const uint64_t most = bytes[2] == 0 ? DECODED_MAX : DECODED_MAX / bytes[2] / bytes[2];
    struct fuzz_result first;
    struct fuzz_result other;
    struct problem why = PROBLEM_NONE;
    struct decoder *a = NULL;
    struct decoder *b = NULL;
    bytes += CHOICE_BYTES;
    len -= CHOICE_BYTES;
    text_init(&first.events, FUZZ_TRACE_MAX);
    text_init(&other.events, FUZZ_TRACE_MAX);
    const enum fault made_a = decoder_create(coding, most, on_bytes, &first.events, &a, &why);
    const enum fault made_b = decoder_create(coding, most, on_bytes, &other.events, &b, &why);
    assert(!made_a && !made_b);
    run(a, bytes, len, (struct fuzz_pieces){ 0, seed }, &first);
    assert(first.events.len <= most && decoder_bytes(a) == first.events.len);
    for (size_t i = 1; i < FUZZ_RUNS; i++) {
        text_clear(&other.events);
        run(b, bytes, len, (struct fuzz_pieces){ i, seed }, &other);
        fuzz_must_agree(&first, &other);
    }
    if (first.fault == FAULT_NONE)
        must_be_what_the_library_says(coding, bytes, len, &first.events);
    decoder_destroy(a);
    decoder_destroy(b);
    text_release(&first.events);
    text_release(&other.events);
    return 0;
}
