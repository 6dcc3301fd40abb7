/* test_archive_out.c - what gzip_out and tar_out write, the readers of this folder read back. */
#include "base/text.h"
#include "stream/coding.h"
#include "stream/gzip_out.h"
#include "stream/tar.h"
#include "stream/tar_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4 * 1024 * 1024 };

static enum fault collect(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    text_add(ctx, bytes, len);
    return text_failed(ctx) ? problem_internal(why, "the test's text is full") : FAULT_NONE;
}

/* Compresses bytes in pieces of a size, decodes the result, and compares. */
static void round_trip(const char *bytes, size_t len, size_t piece)
{
    struct problem why = PROBLEM_NONE;
    struct gzip_out *gzip = NULL;
    struct decoder *gunzip = NULL;
    struct text zipped;
    struct text back;
    text_init(&zipped, TEXT_MAX);
    text_init(&back, TEXT_MAX);
    assert_int_equal(gzip_out_create(collect, &zipped, &gzip, &why), FAULT_NONE);
    for (size_t at = 0; at < len; at += piece) {
        const size_t take = len - at < piece ? len - at : piece;
        assert_int_equal(gzip_out_write(gzip, bytes + at, take, &why), FAULT_NONE);
    }
    assert_int_equal(gzip_out_end(gzip, &why), FAULT_NONE);
    assert_int_equal(decoder_create(CODING_GZIP, TEXT_MAX, collect, &back, &gunzip, &why),
                     FAULT_NONE);
    assert_int_equal(decoder_feed(gunzip, zipped.data, zipped.len, &why), FAULT_NONE);
    assert_int_equal(decoder_end(gunzip, &why), FAULT_NONE);
    assert_int_equal(back.len, len);
    if (len > 0)
        assert_memory_equal(back.data, bytes, len);
    decoder_destroy(gunzip);
    gzip_out_destroy(gzip);
    text_release(&zipped);
    text_release(&back);
}

static void test_what_is_compressed_in_any_pieces_reads_back(void **state)
{
    enum { LEN = 300000, STEP = 7, MODULUS = 251 };
    static const size_t pieces[] = { 1, 511, 65536, LEN };
    static char bytes[LEN];
    (void)state;
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (char)(i * STEP % MODULUS * (i >> 10));
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        round_trip(bytes, LEN, pieces[i]);
    round_trip(bytes, 0, 1);
}

struct seen {
    char name[128];
    uint64_t bytes;
    int entries;
};

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    struct seen *seen = ctx;
    (void)why;
    assert_int_equal(head->kind, TAR_FILE);
    assert_true(head->name_len < sizeof seen->name);
    memcpy(seen->name, head->name, head->name_len + 1);
    seen->bytes = head->bytes;
    seen->entries++;
    return FAULT_NONE;
}

static enum fault entry_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)why;
    return FAULT_NONE;
}

static enum fault entry_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static void test_every_size_stands_in_a_header_that_reads_back(void **state)
{
    static const uint64_t sizes[] = {
        0, 1, 511, 512, 10485760, (UINT64_C(1) << 33) - 1, UINT64_C(1) << 33, UINT64_C(1) << 40,
    };
    static const struct tar_sink sink = { entry_begin, entry_body, entry_end };
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct seen seen = { "", 0, 0 };
        struct tar *tar = NULL;
        uint8_t header[TAR_OUT_BLOCK];
        assert_true(tar_out_header("4af7ab1f253ed36ce0b3ff0fbc5c9df8", sizes[i], header));
        assert_int_equal(tar_create(&sink, &seen, &tar, &why), FAULT_NONE);
        assert_int_equal(tar_feed(tar, header, sizeof header, &why), FAULT_NONE);
        assert_int_equal(seen.entries, 1);
        assert_int_equal(seen.bytes, sizes[i]);
        assert_string_equal(seen.name, "4af7ab1f253ed36ce0b3ff0fbc5c9df8");
        assert_int_equal((sizes[i] + tar_out_padding(sizes[i])) % TAR_OUT_BLOCK, 0);
        assert_true(tar_out_padding(sizes[i]) < TAR_OUT_BLOCK);
        tar_destroy(tar);
    }
}

static void test_a_name_that_does_not_fit_is_refused(void **state)
{
    char name[128];
    uint8_t header[TAR_OUT_BLOCK];
    (void)state;
    memset(name, 'n', sizeof name);
    name[100] = '\0';
    assert_true(tar_out_header(name, 1, header));
    name[100] = 'n';
    name[101] = '\0';
    assert_false(tar_out_header(name, 1, header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_compressed_in_any_pieces_reads_back),
        cmocka_unit_test(test_every_size_stands_in_a_header_that_reads_back),
        cmocka_unit_test(test_a_name_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
