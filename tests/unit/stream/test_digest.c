/*
 * Checksums of a stream: published values, every cut, results that do not end the stream.
 */
#include "base/text.h"
#include "stream/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALL_KINDS = DIGEST_SHA256 | DIGEST_XXH3 | DIGEST_CRC32, PATTERN_BYTES = 1031 };

/* SHA-256: FIPS 180-4's examples.  CRC-32: the check value of the catalogues for "123456789".
 * XXH3: what xxhsum -H2 prints, less the zeros in front. */
static const struct {
    const char *bytes;
    const char *sha256;
    const char *xxh3;
    uint32_t crc32;
} cases[] = {
    { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "99aa06d3014798d86001c324468d497f", 0x00000000 },
    { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "6b05ab6733a618578af5f94892f3950", 0x352441C2 },
    { "123456789", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
      "33119477ede5dcd5e9716427681d5860", 0xCBF43926 },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", NULL, 0x171A3F5F },
};

static void assert_digest(struct digest *digest, const char *sha256, const char *xxh3,
                          uint32_t crc32)
{
    uint8_t raw[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    char xxh3_hex[DIGEST_XXH3_HEX_MAX];
    digest_sha256(digest, raw);
    text_hex(raw, sizeof raw, hex);
    assert_string_equal(hex, sha256);
    if (xxh3) {
        digest_xxh3_hex(digest, xxh3_hex);
        assert_string_equal(xxh3_hex, xxh3);
    }
    assert_int_equal(digest_crc32(digest), crc32);
}

static void test_published_values_come_out_at_every_cut(void **state)
{
    (void)state;
    struct digest *digest = digest_create(ALL_KINDS);
    assert_non_null(digest);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t len = strlen(cases[i].bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            digest_reset(digest);
            digest_add(digest, cases[i].bytes, cut);
            digest_add(digest, cases[i].bytes + cut, len - cut);
            assert_digest(digest, cases[i].sha256, cases[i].xxh3, cases[i].crc32);
        }
    }
    digest_destroy(digest);
}

static void test_an_empty_piece_changes_nothing(void **state)
{
    (void)state;
    struct digest *digest = digest_create(ALL_KINDS);
    assert_non_null(digest);
    digest_add(digest, NULL, 0);
    digest_add(digest, "abc", strlen("abc"));
    digest_add(digest, NULL, 0);
    digest_add(digest, "", 0);
    assert_digest(digest, cases[1].sha256, cases[1].xxh3, cases[1].crc32);
    digest_destroy(digest);
}

static void test_a_result_does_not_end_the_stream(void **state)
{
    (void)state;
    uint8_t pattern[PATTERN_BYTES];
    struct digest *asked = digest_create(ALL_KINDS);
    struct digest *once = digest_create(ALL_KINDS);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7);
    digest_add(once, pattern, sizeof pattern);
    for (size_t i = 0; i < sizeof pattern; i++) {
        uint8_t early[DIGEST_SHA256_BYTES];
        char hex[DIGEST_XXH3_HEX_MAX];
        digest_add(asked, pattern + i, 1);
        digest_sha256(asked, early);
        digest_xxh3_hex(asked, hex);
    }
    uint8_t a[DIGEST_SHA256_BYTES];
    uint8_t b[DIGEST_SHA256_BYTES];
    uint64_t high[2];
    uint64_t low[2];
    digest_sha256(asked, a);
    digest_sha256(once, b);
    assert_memory_equal(a, b, sizeof a);
    digest_sha256_of(pattern, sizeof pattern, b);
    assert_memory_equal(a, b, sizeof a);
    digest_xxh3(asked, &high[0], &low[0]);
    digest_xxh3(once, &high[1], &low[1]);
    assert_true(high[0] == high[1] && low[0] == low[1]);
    assert_int_equal(digest_crc32(asked), digest_crc32(once));
    digest_destroy(asked);
    digest_destroy(once);
}

/* The last has a zero at the seam of its halves, which must stay. */
static void test_xxh3_is_printed_without_zeros_in_front(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *hex;
    } named[] = {
        { "g1", "d8b4c6e34f0b8b7f97a340d42ed57c6" },
        { "n0", "b25e5fd0f55f09fdedd986ed91cf0e9" },
        { "pad", "14daf6a11bfb0c34a83fb354e8020c00" },
        { "n30", "130c7287849fca3f0eeec5fe77732349" },
    };
    struct digest *digest = digest_create(DIGEST_XXH3);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        char hex[DIGEST_XXH3_HEX_MAX];
        digest_reset(digest);
        digest_add(digest, named[i].bytes, strlen(named[i].bytes));
        digest_xxh3_hex(digest, hex);
        assert_string_equal(hex, named[i].hex);
    }
    digest_destroy(digest);
}

static void test_each_kind_works_alone(void **state)
{
    (void)state;
    uint8_t raw[DIGEST_SHA256_BYTES];
    uint8_t again[DIGEST_SHA256_BYTES];
    struct digest *sha256 = digest_create(DIGEST_SHA256);
    struct digest *crc32 = digest_create(DIGEST_CRC32);
    struct digest *none = digest_create(0);
    assert_true(sha256 && crc32 && none);
    digest_add(sha256, "abc", strlen("abc"));
    digest_add(crc32, "abc", strlen("abc"));
    digest_add(none, "abc", strlen("abc"));
    digest_sha256(sha256, raw);
    digest_sha256_of("abc", strlen("abc"), again);
    assert_memory_equal(raw, again, sizeof raw);
    assert_int_equal(digest_crc32(crc32), cases[1].crc32);
    digest_destroy(sha256);
    digest_destroy(crc32);
    digest_destroy(none);
    digest_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values_come_out_at_every_cut),
        cmocka_unit_test(test_an_empty_piece_changes_nothing),
        cmocka_unit_test(test_a_result_does_not_end_the_stream),
        cmocka_unit_test(test_xxh3_is_printed_without_zeros_in_front),
        cmocka_unit_test(test_each_kind_works_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
