/*
 * Content codings: what decodes, what is refused and in which words, and that the place where the
 * stream is cut never matters.
 */
#include "coding_trial.h"

static struct bytes *file_bytes(const char *name)
{
    char path[512];
    struct bytes *made = bytes_of("", 0);
    (void)snprintf(path, sizeof path, "%s/tests/golden/opteryx/files/%s", SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    made->len = fread(made->data, 1, sizeof made->data, file);
    assert_int_equal(fclose(file), 0);
    return made;
}

static void test_recorded_files_decode_at_every_cut(void **state)
{
    (void)state;
    static const struct {
        const char *encoded;
        const char *plain;
        enum coding coding;
    } files[] = {
        { "findings.ndjson.br", "findings.ndjson", CODING_BR },
        { "findings.ndjson.zst", "findings.ndjson", CODING_ZSTD },
        { "findings.ndjson.zz", "findings.ndjson", CODING_DEFLATE },
        { "findings.csv.gz", "findings.csv", CODING_GZIP },
        { "findings.csv", "findings.csv", CODING_IDENTITY },
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct bytes *encoded = file_bytes(files[i].encoded);
        struct bytes *plain = file_bytes(files[i].plain);
        const struct trial good = { files[i].coding, plain->len, NULL, NULL, NULL };
        assert_every_cut(&good, encoded, plain);
        free(encoded);
        free(plain);
    }
}

static void test_members_and_frames_follow_each_other(void **state)
{
    (void)state;
    struct bytes *want = bytes_of("abcabcabcdef", 12);
    struct bytes *gzip = bytes_of("", 0);
    struct bytes *zstd = bytes_of("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
    put_gzip_with_all_fields(gzip, true);
    put_deflated(gzip, WINDOW_GZIP, "abc", 3);
    put_deflated(gzip, WINDOW_GZIP, "", 0);
    put_deflated(gzip, WINDOW_GZIP, "abcdef", 6);
    put_zstd(zstd, "abcabc", 6);
    put(zstd, "\x5f\x2a\x4d\x18\x00\x00\x00\x00", 8);
    put_zstd(zstd, "", 0);
    put_zstd(zstd, "abcdef", 6);
    const struct trial gzip_good = { CODING_GZIP, 12, NULL, NULL, NULL };
    const struct trial zstd_good = { CODING_ZSTD, 12, NULL, NULL, NULL };
    assert_every_cut(&gzip_good, gzip, want);
    assert_every_cut(&zstd_good, zstd, want);
    free(want);
    free(gzip);
    free(zstd);
}

static void test_deflate_is_read_with_and_without_the_zlib_format(void **state)
{
    (void)state;
    struct bytes *want = noise(NOISE_BYTES);
    struct bytes *zlib = bytes_of("", 0);
    struct bytes *raw = bytes_of("", 0);
    struct bytes *empty = bytes_of("\x03\x00", 2);
    struct bytes *nothing = bytes_of("", 0);
    put_deflated(zlib, WINDOW_ZLIB, want->data, want->len);
    put_deflated(raw, WINDOW_RAW, want->data, want->len);
    const struct trial good = { CODING_DEFLATE, UINT64_MAX, NULL, NULL, NULL };
    assert_every_cut(&good, zlib, want);
    assert_every_cut(&good, raw, want);
    assert_every_cut(&good, empty, nothing);
    free(want);
    free(zlib);
    free(raw);
    free(empty);
    free(nothing);
}

/* What a stream says when something is wrong with it; the quoted texts are those of Oxen. */
static const struct {
    const char *label;
    enum coding coding;
    const char *bytes;
    size_t len;
    const char *code;
    const char *text;
} refused[] = {
    { "not gzip", CODING_GZIP, "this is not gzip", 16, CODING_BAD_HEADER, "invalid gzip header" },
    { "one byte that is not gzip", CODING_GZIP, "t", 1, CODING_BAD_HEADER, "invalid gzip header" },
    { "a wrong second byte", CODING_GZIP, "\x1f\x8c\x08\0\0\0\0\0\0\0", 10, CODING_BAD_HEADER,
      "invalid gzip header" },
    { "a method that is not deflate", CODING_GZIP, "\x1f\x8b\x07\0\0\0\0\0\0\0", 10,
      CODING_BAD_HEADER, "invalid gzip header" },
    { "a reserved flag", CODING_GZIP, "\x1f\x8b\x08\x20\0\0\0\0\0\0", 10, CODING_BAD_HEADER,
      "invalid gzip header" },
    { "no bytes of gzip", CODING_GZIP, "", 0, CODING_TRUNCATED, "unexpected end of file" },
    { "half a magic number", CODING_GZIP, "\x1f", 1, CODING_TRUNCATED, "unexpected end of file" },
    { "a block type that does not exist", CODING_GZIP, "\x1f\x8b\x08\0\0\0\0\0\0\0\x07", 11,
      CODING_CORRUPT, "corrupt deflate stream" },
    { "no bytes of deflate", CODING_DEFLATE, "", 0, CODING_TRUNCATED, "unexpected end of file" },
    { "one byte of deflate", CODING_DEFLATE, "\x78", 1, CODING_TRUNCATED, NULL },
    { "deflate with a dictionary", CODING_DEFLATE, "\x78\xbb\0\0\0\1", 6, CODING_DICTIONARY,
      "the deflate stream needs a dictionary, and none is known here" },
    { "a corrupt raw block", CODING_DEFLATE, "\x07", 1, CODING_CORRUPT, "corrupt deflate stream" },
    { "bytes after raw deflate", CODING_DEFLATE, "\x03\0x", 3, CODING_TRAILING, NULL },
    { "no bytes of br", CODING_BR, "", 0, CODING_TRUNCATED, "unexpected end of file" },
    { "a br stream in its middle", CODING_BR, "\x0b\x02\x80he", 5, CODING_TRUNCATED, NULL },
    { "bytes after br", CODING_BR, "\x0b\x02\x80hello\x03!", 10, CODING_TRAILING,
      "bytes after the end of the br stream" },
    { "a large window of br", CODING_BR, "\x11\x1e\x03", 3, CODING_WINDOW,
      "the window of the br stream is larger than the 16 MiB that are served" },
    { "not br", CODING_BR, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, CODING_CORRUPT,
      "corrupt br stream" },
    { "not zstd", CODING_ZSTD, "plain", 5, CODING_BAD_HEADER, "invalid zstd header" },
    { "no zstd after its first byte", CODING_ZSTD, "(plain)", 7, CODING_BAD_HEADER, NULL },
    { "zstd 0.7, of before the standard", CODING_ZSTD, "\x27\xb5\x2f\xfd\0\0\0\0", 8,
      CODING_BAD_HEADER, NULL },
    { "no bytes of zstd", CODING_ZSTD, "", 0, CODING_TRUNCATED, "unexpected end of file" },
    { "half a magic number of zstd", CODING_ZSTD, "\x28\xb5", 2, CODING_TRUNCATED, NULL },
    { "a zstd window of 16 MiB", CODING_ZSTD, "\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00", 9,
      CODING_WINDOW, "the window of the zstd stream is larger than the 8 MiB that are served" },
    { "a zstd dictionary", CODING_ZSTD, "\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00", 10,
      CODING_DICTIONARY, "the zstd stream needs a dictionary, and none is known here" },
    { "half a skippable frame", CODING_ZSTD, "\x50\x2a\x4d\x18\x03\0\0\0x", 9, CODING_TRUNCATED,
      NULL },
};

static void test_bad_streams_are_named_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct bytes *in = bytes_of(refused[i].bytes, refused[i].len);
        const struct trial bad = { refused[i].coding, UINT64_MAX, refused[i].code, refused[i].text,
                                   refused[i].label };
        assert_every_cut(&bad, in, NULL);
        free(in);
    }
}

/* A zstd window of exactly ZSTD_WINDOW_LOG_MAX is served: descriptor 0x68, one empty raw block. */
static void test_a_zstd_window_of_8_mib_is_served(void **state)
{
    (void)state;
    struct bytes *in = bytes_of("\x28\xb5\x2f\xfd\x00\x68\x01\x00\x00", 9);
    struct bytes *nothing = bytes_of("", 0);
    const struct trial good = { CODING_ZSTD, UINT64_MAX, NULL, NULL, NULL };
    assert_every_cut(&good, in, nothing);
    free(in);
    free(nothing);
}

static void test_what_follows_a_member_must_be_one(void **state)
{
    (void)state;
    static const struct {
        const char *after;
        size_t len;
        const char *code;
    } cases[] = {
        { "x", 1, CODING_TRAILING },
        { "\0x", 2, CODING_TRAILING },
        { "\0\0\0\0\x1f\x8b", 6, CODING_TRAILING },
        { "\x1f", 1, CODING_TRUNCATED },
        { "\x1f\x8b", 2, CODING_TRUNCATED },
        { "\x1f\x8b\x08\0\0\0\0\0\0\0", 10, CODING_TRUNCATED },
        { "\x1f\x8b\x09\0\0\0\0\0\0\0", 10, CODING_BAD_HEADER },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes *in = bytes_of("", 0);
        const struct trial bad = { CODING_GZIP, UINT64_MAX, cases[i].code, NULL, NULL };
        put_deflated(in, WINDOW_GZIP, "abc", 3);
        put(in, cases[i].after, cases[i].len);
        assert_every_cut(&bad, in, NULL);
        free(in);
    }
    struct bytes *zstd = bytes_of("", 0);
    const struct trial bad = { CODING_ZSTD, UINT64_MAX, CODING_TRAILING,
                               "bytes after the end of the zstd stream", NULL };
    put_zstd(zstd, "abc", 3);
    put(zstd, "x", 1);
    assert_every_cut(&bad, zstd, NULL);
    free(zstd);
}

/* What tar writes to a pipe, and what tapes hold, goes on with zeros. */
static void test_zeros_after_the_last_member_are_padding(void **state)
{
    (void)state;
    static const size_t paddings[] = { 1, 511, NOISE_BYTES };
    struct bytes *want = bytes_of("abcabc", 6);
    for (size_t i = 0; i < sizeof paddings / sizeof paddings[0]; i++) {
        const struct trial good = { CODING_GZIP, UINT64_MAX, NULL, NULL, NULL };
        struct bytes *in = bytes_of("", 0);
        put_deflated(in, WINDOW_GZIP, "abc", 3);
        put_deflated(in, WINDOW_GZIP, "abc", 3);
        for (size_t zeros = 0; zeros < paddings[i]; zeros++)
            put(in, "\0", 1);
        assert_every_cut(&good, in, want);
        free(in);
    }
    free(want);
}

/* One bit of each byte of a good stream: never a silent success with other bytes. */
static void assert_no_bit_flip_goes_unseen(enum coding coding, const struct bytes *good,
                                           const struct bytes *want)
{
    struct bytes *got = bytes_of("", 0);
    struct bytes *bad = bytes_of("", 0);
    struct decoder *decoder = NULL;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(decoder_create(coding, HELD_MAX, collect, got, &decoder, &why), FAULT_NONE);
    for (size_t bit = 0; bit < good->len * 8; bit++) {
        memcpy(bad, good, sizeof *bad);
        bad->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        got->len = 0;
        why = PROBLEM_NONE;
        decoder_reset(decoder);
        const enum fault f = feed_all(decoder, bad, 0, bad->len, &why);
        assert_true(f == FAULT_NONE || f == FAULT_UNPROCESSABLE || f == FAULT_TOO_LARGE);
        if (!f) {
            assert_int_equal(got->len, want->len);
            assert_memory_equal(got->data, want->data, want->len);
        }
    }
    decoder_destroy(decoder);
    free(got);
    free(bad);
}

static void test_checksums_are_checked(void **state)
{
    (void)state;
    struct bytes *want = bytes_of("the same words, the same words", 30);
    struct bytes *gzip = bytes_of("", 0);
    struct bytes *zlib = bytes_of("", 0);
    struct bytes *zstd = bytes_of("", 0);
    put_deflated(gzip, WINDOW_GZIP, want->data, want->len);
    put_deflated(zlib, WINDOW_ZLIB, want->data, want->len);
    put_zstd(zstd, want->data, want->len);
    assert_no_bit_flip_goes_unseen(CODING_GZIP, gzip, want);
    assert_no_bit_flip_goes_unseen(CODING_ZSTD, zstd, want);
    const struct trial bad_crc = { CODING_GZIP, HELD_MAX, CODING_CHECKSUM,
                                   "corrupt gzip stream does not have a matching checksum", NULL };
    gzip->data[gzip->len - 8] ^= 1;
    assert_every_cut(&bad_crc, gzip, NULL);
    gzip->data[gzip->len - 8] ^= 1;
    gzip->data[gzip->len - 1] ^= 1;
    assert_every_cut(&bad_crc, gzip, NULL);
    const struct trial bad_adler = { CODING_DEFLATE, HELD_MAX, CODING_CHECKSUM, NULL, NULL };
    zlib->data[zlib->len - 1] ^= 1;
    assert_every_cut(&bad_adler, zlib, NULL);
    const struct trial bad_xxh = { CODING_ZSTD, HELD_MAX, CODING_CHECKSUM, NULL, NULL };
    zstd->data[zstd->len - 1] ^= 1;
    assert_every_cut(&bad_xxh, zstd, NULL);
    struct bytes *header = bytes_of("", 0);
    const struct trial bad_header_crc = { CODING_GZIP, HELD_MAX, CODING_BAD_HEADER, NULL, NULL };
    put_gzip_with_all_fields(header, false);
    assert_every_cut(&bad_header_crc, header, NULL);
    free(want);
    free(gzip);
    free(zlib);
    free(zstd);
    free(header);
}

static void test_every_prefix_of_a_stream_is_truncated(void **state)
{
    (void)state;
    static const enum coding codings[] = { CODING_GZIP, CODING_DEFLATE, CODING_ZSTD };
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        struct bytes *in = bytes_of("", 0);
        if (codings[i] == CODING_ZSTD)
            put_zstd(in, "some words", 10);
        else
            put_deflated(in, codings[i] == CODING_GZIP ? WINDOW_GZIP : WINDOW_ZLIB, "some words",
                         10);
        const struct trial cut = { codings[i], UINT64_MAX, CODING_TRUNCATED,
                                   "unexpected end of file", NULL };
        while (in->len > 0) {
            in->len--;
            assert_every_cut(&cut, in, NULL);
        }
        free(in);
    }
}

static enum fault refuse(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    return problem_set(why, FAULT_STORAGE_FULL, "the storage is full");
}

static void test_the_sinks_fault_ends_the_stream(void **state)
{
    (void)state;
    static const enum coding codings[] = { CODING_IDENTITY, CODING_GZIP };
    struct bytes *gzip = bytes_of("", 0);
    put_deflated(gzip, WINDOW_GZIP, "abc", 3);
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        struct decoder *decoder = NULL;
        struct problem why = PROBLEM_NONE;
        assert_int_equal(decoder_create(codings[i], HELD_MAX, refuse, NULL, &decoder, &why),
                         FAULT_NONE);
        assert_int_equal(feed_all(decoder, gzip, 0, gzip->len, &why), FAULT_STORAGE_FULL);
        assert_string_equal(why.text, "the storage is full");
        decoder_destroy(decoder);
    }
    free(gzip);
}

/* A reset in the middle of one stream must leave nothing for the next. */
static void test_a_reset_forgets_the_stream_before_it(void **state)
{
    (void)state;
    static const struct {
        enum coding coding;
        const char *bytes;
        size_t len;
    } streams[] = {
        { CODING_GZIP, "\x1f\x8b\x08\0\0\0\0\0\0\x03\x4b\x4c\x4a\x06\0\xc2\x41\x24\x35\3\0\0\0",
          23 },
        { CODING_DEFLATE, "\x4b\x4c\x4a\x06\0", 5 },
        { CODING_BR, "\x0b\x01\x80\x61\x62\x63\x03", 7 },
        { CODING_ZSTD, "\x28\xb5\x2f\xfd\x20\x03\x19\0\0\x61\x62\x63", 12 },
    };
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct bytes *got = bytes_of("", 0);
        struct bytes *in = bytes_of(streams[i].bytes, streams[i].len);
        struct decoder *decoder = NULL;
        struct problem why = PROBLEM_NONE;
        assert_int_equal(decoder_create(streams[i].coding, HELD_MAX, collect, got, &decoder, &why),
                         FAULT_NONE);
        for (size_t left = 0; left <= in->len; left++) {
            struct bytes part = *in;
            why = PROBLEM_NONE;
            part.len = left;
            decoder_reset(decoder);
            if (left % 2 == 0)
                (void)!feed_all(decoder, &part, 0, 1, &why);
            else
                (void)!decoder_feed(decoder, part.data, part.len, &why);
            why = PROBLEM_NONE;
            got->len = 0;
            decoder_reset(decoder);
            assert_int_equal(feed_all(decoder, in, 0, 1, &why), FAULT_NONE);
            assert_int_equal(got->len, 3);
            assert_memory_equal(got->data, "abc", 3);
        }
        decoder_destroy(decoder);
        free(got);
        free(in);
    }
}

static void test_a_decoder_follows_another_stage_as_its_sink(void **state)
{
    (void)state;
    struct bytes *got = bytes_of("", 0);
    struct bytes *inner = bytes_of("", 0);
    struct bytes *outer = bytes_of("", 0);
    struct decoder *second = NULL;
    struct decoder *first = NULL;
    struct problem why = PROBLEM_NONE;
    put_zstd(inner, "abc", 3);
    put_deflated(outer, WINDOW_GZIP, inner->data, inner->len);
    assert_int_equal(decoder_create(CODING_ZSTD, HELD_MAX, collect, got, &second, &why),
                     FAULT_NONE);
    assert_int_equal(decoder_create(CODING_GZIP, HELD_MAX, decoder_sink, second, &first, &why),
                     FAULT_NONE);
    assert_int_equal(feed_all(first, outer, 1, 1, &why), FAULT_NONE);
    assert_int_equal(decoder_end(second, &why), FAULT_NONE);
    assert_int_equal(got->len, 3);
    assert_memory_equal(got->data, "abc", 3);
    decoder_destroy(first);
    decoder_destroy(second);
    free(got);
    free(inner);
    free(outer);
}

static void test_codings_are_named_as_http_names_them(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum fault fault;
        enum coding coding;
    } cases[] = {
        { NULL, FAULT_NONE, CODING_IDENTITY },
        { "", FAULT_NONE, CODING_IDENTITY },
        { "identity", FAULT_NONE, CODING_IDENTITY },
        { "gzip", FAULT_NONE, CODING_GZIP },
        { "GZip", FAULT_NONE, CODING_GZIP },
        { "x-gzip", FAULT_NONE, CODING_GZIP },
        { "deflate", FAULT_NONE, CODING_DEFLATE },
        { "br", FAULT_NONE, CODING_BR },
        { "ZSTD", FAULT_NONE, CODING_ZSTD },
        { "gzip, br", FAULT_UNSUPPORTED, CODING_IDENTITY },
        { "gzip gzip", FAULT_UNSUPPORTED, CODING_IDENTITY },
        { "compress", FAULT_UNSUPPORTED, CODING_IDENTITY },
        { "gzi", FAULT_UNSUPPORTED, CODING_IDENTITY },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum coding coding = CODING_IDENTITY;
        struct problem why = PROBLEM_NONE;
        assert_int_equal(coding_named(cases[i].value, &coding, &why), cases[i].fault);
        assert_int_equal(coding, cases[i].coding);
        if (cases[i].fault)
            assert_non_null(strstr(why.text, "gzip, deflate, br, zstd"));
    }
    assert_string_equal(coding_name(CODING_GZIP), "gzip");
    assert_string_equal(coding_name(CODING_DEFLATE), "deflate");
    assert_string_equal(coding_name(CODING_BR), "br");
    assert_string_equal(coding_name(CODING_ZSTD), "zstd");
    assert_string_equal(coding_name(CODING_IDENTITY), "identity");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_files_decode_at_every_cut),
        cmocka_unit_test(test_members_and_frames_follow_each_other),
        cmocka_unit_test(test_deflate_is_read_with_and_without_the_zlib_format),
        cmocka_unit_test(test_bad_streams_are_named_at_every_cut),
        cmocka_unit_test(test_a_zstd_window_of_8_mib_is_served),
        cmocka_unit_test(test_what_follows_a_member_must_be_one),
        cmocka_unit_test(test_zeros_after_the_last_member_are_padding),
        cmocka_unit_test(test_checksums_are_checked),
        cmocka_unit_test(test_every_prefix_of_a_stream_is_truncated),
        cmocka_unit_test(test_the_sinks_fault_ends_the_stream),
        cmocka_unit_test(test_a_reset_forgets_the_stream_before_it),
        cmocka_unit_test(test_a_decoder_follows_another_stage_as_its_sink),
        cmocka_unit_test(test_codings_are_named_as_http_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
