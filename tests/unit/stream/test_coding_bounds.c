/*
 * Content codings: how much may come out of a stream.
 */
#include "coding_trial.h"

/* Also where the maximum is a multiple of what goes to the sink at once. */
static void test_the_maximum_is_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 5, IO_CHUNK - 1, IO_CHUNK, IO_CHUNK + 1, TWO_CHUNKS };
    char text[128];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct bytes *plain = noise(sizes[i]);
        struct bytes *most = bytes_of(plain->data, plain->len - 1);
        struct bytes *gzip = bytes_of("", 0);
        struct bytes *zstd = bytes_of("", 0);
        put_deflated(gzip, WINDOW_GZIP, plain->data, plain->len);
        put_zstd(zstd, plain->data, plain->len);
        (void)snprintf(text, sizeof text, "Decompressed size %zu exceeds the %zu byte limit",
                       sizes[i], sizes[i] - 1);
        const struct trial exact[] = { { CODING_GZIP, sizes[i], NULL, NULL, NULL },
                                       { CODING_ZSTD, sizes[i], NULL, NULL, NULL },
                                       { CODING_IDENTITY, sizes[i], NULL, NULL, NULL } };
        const struct trial over[] = { { CODING_GZIP, sizes[i] - 1, CODING_TOO_LARGE, text, NULL },
                                      { CODING_ZSTD, sizes[i] - 1, CODING_TOO_LARGE, text, NULL },
                                      { CODING_IDENTITY, sizes[i] - 1, CODING_TOO_LARGE, text,
                                        NULL } };
        const struct bytes *encoded[] = { gzip, zstd, plain };
        for (size_t k = 0; k < sizeof encoded / sizeof encoded[0]; k++) {
            assert_every_cut(&exact[k], encoded[k], plain);
            assert_every_cut(&over[k], encoded[k], most);
        }
        free(plain);
        free(most);
        free(gzip);
        free(zstd);
    }
    struct bytes *br = bytes_of("\x0b\x02\x80hello\x03", 9);
    struct bytes *hello = bytes_of("hello", 5);
    const struct trial exact = { CODING_BR, 5, NULL, NULL, NULL };
    const struct trial over = { CODING_BR, 4, CODING_TOO_LARGE,
                                "Decompressed size 5 exceeds the 4 byte limit", NULL };
    assert_every_cut(&exact, br, hello);
    hello->len = 4;
    assert_every_cut(&over, br, hello);
    free(br);
    free(hello);
}

static enum fault count(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)bytes;
    (void)why;
    *(uint64_t *)ctx += len;
    return FAULT_NONE;
}

/* 40 MiB of zeros as br: 64 bytes. */
static const char br_bomb[] =
    "\xcb\xff\xff\x3f\x00\x24\x00\xe2\xb1\x40\x72\xef\xff\xf8\xff\xff\x07\x80\x04\x40\x1c\x16"
    "\x80\xee\xfd\x1f\xff\xff\xff\x00\x90\x00\x88\xc3\x02\xd0\xbd\xff\xe3\xff\xff\x1f\x00\x12"
    "\x00\x71\x58\x00\xba\xf7\x7f\xf9\xff\xff\x07\x40\x02\x20\x0e\x0b\x40\xf7\xfe\x0f";

static enum fault explode(enum coding coding, const void *bomb, size_t len, size_t step,
                          uint64_t *seen, struct problem *why)
{
    struct decoder *decoder = NULL;
    enum fault f = decoder_create(coding, UINT64_MAX, count, seen, &decoder, why);
    for (size_t at = 0; !f && at < len; at += step)
        f = decoder_feed(decoder, (const uint8_t *)bomb + at, len - at < step ? len - at : step,
                         why);
    if (!f)
        f = decoder_end(decoder, why);
    decoder_destroy(decoder);
    return f;
}

static void test_a_bomb_is_refused_by_its_ratio(void **state)
{
    (void)state;
    static const size_t steps[] = { 1, 7, SIZE_MAX / 2 };
    uint8_t *zeros = calloc(1, BOMB_BYTES);
    uint8_t *zstd = calloc(1, BOMB_BYTES);
    assert_true(zeros && zstd);
    const size_t zstd_len = ZSTD_compress(zstd, BOMB_BYTES, zeros, BOMB_BYTES, 1);
    assert_false(ZSTD_isError(zstd_len));
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct {
            enum coding coding;
            const void *bytes;
            size_t len;
        } bombs[] = { { CODING_BR, br_bomb, sizeof br_bomb - 1 }, { CODING_ZSTD, zstd, zstd_len } };
        for (size_t k = 0; k < sizeof bombs / sizeof bombs[0]; k++) {
            uint64_t seen = 0;
            struct problem why = PROBLEM_NONE;
            assert_int_equal(
                explode(bombs[k].coding, bombs[k].bytes, bombs[k].len, steps[i], &seen, &why),
                FAULT_TOO_LARGE);
            assert_string_equal(why.code, CODING_RATIO);
            assert_true(seen <= CODING_RATIO_FROM + IO_CHUNK);
        }
    }
    free(zeros);
    free(zstd);
}

/* Deflate cannot pass 1032 to 1, so what gzip makes of zeros is no bomb but for the maximum. */
static void test_the_most_that_deflate_can_pack_is_served(void **state)
{
    (void)state;
    uint8_t *zeros = calloc(1, BOMB_BYTES);
    struct bytes *gzip = bytes_of("", 0);
    uint64_t seen = 0;
    struct problem why = PROBLEM_NONE;
    assert_non_null(zeros);
    put_deflated(gzip, WINDOW_GZIP, zeros, BOMB_BYTES);
    assert_int_equal(explode(CODING_GZIP, gzip->data, gzip->len, gzip->len, &seen, &why),
                     FAULT_NONE);
    assert_int_equal(seen, BOMB_BYTES);
    free(zeros);
    free(gzip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_maximum_is_exact),
        cmocka_unit_test(test_a_bomb_is_refused_by_its_ratio),
        cmocka_unit_test(test_the_most_that_deflate_can_pack_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
