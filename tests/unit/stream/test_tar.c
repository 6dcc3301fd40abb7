/*
 * Tar archives: what is in them, in every dialect that clients write, and what is refused.
 */
#include "tar_trial.h"

enum {
    LONG_NAME = 300,
    DESCRIPTION_BLOCKS = 2 * TAR_BLOCK, /* bytes of a short GNU name with its header */
    LETTERS = 26,
};

static void test_an_archive_lists_the_same_at_every_cut(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    char block[TAR_BLOCK + 1];
    for (size_t i = 0; i < TAR_BLOCK; i++)
        block[i] = (char)('a' + i % LETTERS);
    block[TAR_BLOCK] = '\0';
    put_entry(archive, '5', "d/", "");
    put_entry(archive, '0', "d/one", "1");
    put_entry(archive, '0', "d/empty", "");
    put_entry(archive, '0', "d/block", block);
    put_entry(archive, '2', "d/link", "");
    put_end(archive, 2);
    char want[2 * TAR_BLOCK];
    (void)snprintf(want, sizeof want,
                   "[folder d/ 0|][file d/one 1|1][file d/empty 0|][file d/block 512|%s]"
                   "[other d/link 0|]",
                   block);
    assert_listing(archive, FAULT_NONE, NULL, want);
    free(archive);
}

static void test_the_end_may_be_two_zero_blocks_one_or_none(void **state)
{
    (void)state;
    for (size_t blocks = 0; blocks <= 3; blocks++) {
        struct archive *archive = archive_create();
        put_end(archive, blocks);
        assert_listing(archive, FAULT_NONE, NULL, "");
        archive->len = 0;
        put_entry(archive, '0', "a", "x");
        put_end(archive, blocks);
        assert_listing(archive, FAULT_NONE, NULL, "[file a 1|x]");
        put(archive, "\0\0\0", blocks == 0 ? 0 : 3);
        assert_listing(archive, FAULT_NONE, NULL, "[file a 1|x]");
        free(archive);
    }
}

static void test_what_follows_the_end_must_be_zeros(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_end(archive, 1);
    put_entry(archive, '0', "hidden", "x");
    assert_listing(archive, FAULT_MALFORMED, "bytes after its end", "");
    archive->len = 0;
    put_end(archive, 2);
    put(archive, "\0\0x", 3);
    assert_listing(archive, FAULT_MALFORMED, "bytes after its end", "");
    free(archive);
}

/* Type letters, and what each is; with_content: a byte of content is accepted, too. */
static void test_types_are_read_as_posix_says(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *listing;
        char type;
        bool with_content;
    } types[] = {
        { "a", "[file a 0|]", '0', true },       { "a", "[file a 0|]", '\0', true },
        { "a", "[file a 0|]", '7', true },       { "a/", "[folder a/ 0|]", '0', false },
        { "a/", "[folder a/ 0|]", '\0', false }, { "a", "[folder a 0|]", '5', false },
        { "a", "[other a 0|]", '1', false },     { "a/", "[other a/ 0|]", '2', false },
        { "a", "[other a 0|]", '3', false },     { "a", "[other a 0|]", '4', false },
        { "a", "[other a 0|]", '6', false },     { "a", "[other a 0|]", 'S', false },
        { "a", "[other a 0|]", 'V', false },     { "a", "[other a 0|]", 'D', false },
        { "a", "[other a 0|]", 'M', false },     { "a", "[other a 0|]", '\xff', false },
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct archive *archive = archive_create();
        put_entry(archive, types[i].type, types[i].name, "");
        assert_listing(archive, FAULT_NONE, NULL, types[i].listing);
        archive->len = 0;
        put_entry(archive, types[i].type, types[i].name, "x");
        if (types[i].with_content)
            assert_listing(archive, FAULT_NONE, NULL, "[file a 1|x]");
        else
            assert_listing(archive, FAULT_MALFORMED, "only files may have content", "");
        free(archive);
    }
}

static void test_names_come_from_the_header_and_its_prefix(void **state)
{
    (void)state;
    char full[101];
    char prefix[156];
    char want[300];
    memset(full, 'n', sizeof full - 1);
    full[sizeof full - 1] = '\0';
    memset(prefix, 'p', sizeof prefix - 1);
    prefix[sizeof prefix - 1] = '\0';
    struct archive *archive = archive_create();
    put_entry(archive, '0', full, "");
    (void)snprintf(want, sizeof want, "[file %s 0|]", full);
    assert_listing(archive, FAULT_NONE, NULL, want);
    patch(archive, PREFIX_AT, prefix, sizeof prefix - 1);
    (void)snprintf(want, sizeof want, "[file %s/%s 0|]", prefix, full);
    assert_listing(archive, FAULT_NONE, NULL, want);
    /* GNU's magic: what stands there is a time, not a prefix */
    patch(archive, MAGIC_AT, "ustar  ", 8);
    (void)snprintf(want, sizeof want, "[file %s 0|]", full);
    assert_listing(archive, FAULT_NONE, NULL, want);
    /* before POSIX: no magic at all */
    patch(archive, MAGIC_AT, "\0\0\0\0\0\0\0", 8);
    assert_listing(archive, FAULT_NONE, NULL, want);
    free(archive);
}

static void test_an_entry_without_a_name_is_refused(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_entry(archive, '0', "", "");
    assert_listing(archive, FAULT_MALFORMED, "name is empty", "");
    free(archive);
}

/* What stands in the 12 bytes of the size, and what it says; UINT64_MAX: refused. */
static void test_sizes_are_octal_or_base_256(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        uint64_t bytes;
    } sizes[] = {
        { "00000000003\0", 3 },
        { "          3 ", 3 },
        { "3\0\0\0\0\0\0\0\0\0\0\0", 3 },
        { "3           ", 3 },
        { "000000000003", 3 },
        { "\x80\0\0\0\0\0\0\0\0\0\0\x03", 3 },
        { "777777777777", 0777777777777 },
        { "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", INT64_MAX },
        { "\x80\0\0\0\x80\0\0\0\0\0\0\0", UINT64_MAX },
        { "\x80\0\0\1\0\0\0\0\0\0\0\0", UINT64_MAX },
        { "\x80\1\0\0\0\0\0\0\0\0\0\0", UINT64_MAX },
        { "\xc0\0\0\0\0\0\0\0\0\0\0\0", UINT64_MAX },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", UINT64_MAX },
        { "\0\0\0\0\0\0\0\0\0\0\0\0", UINT64_MAX },
        { "            ", UINT64_MAX },
        { "00000000008\0", UINT64_MAX },
        { "-0000000003\0", UINT64_MAX },
        { "3\0003\0\0\0\0\0\0\0\0\0", UINT64_MAX },
        { "3x\0\0\0\0\0\0\0\0\0\0", UINT64_MAX },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char want[64];
        struct archive *archive = archive_create();
        put_entry(archive, '0', "a", "xyz");
        patch(archive, SIZE_AT, sizes[i].field, SIZE_LEN);
        if (sizes[i].bytes == 3) {
            assert_listing(archive, FAULT_NONE, NULL, "[file a 3|xyz]");
        } else if (sizes[i].bytes == UINT64_MAX) {
            assert_listing(archive, FAULT_MALFORMED, "size", "");
        } else {
            archive->len = TAR_BLOCK;
            (void)snprintf(want, sizeof want, "[file a %llu|", (unsigned long long)sizes[i].bytes);
            assert_listing(archive, FAULT_MALFORMED, "tar entry a: the archive ends inside it",
                           want);
        }
        free(archive);
    }
}

static void test_checksums_must_match(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_entry(archive, '0', "a", "");
    sign(archive, 1);
    assert_listing(archive, FAULT_MALFORMED, "wrong checksum", "");
    sign(archive, -1);
    assert_listing(archive, FAULT_MALFORMED, "wrong checksum", "");
    /* one byte of 0xE4 counts 228, or -28 where bytes are signed */
    patch(archive, 0, "\xe4", 1);
    assert_listing(archive, FAULT_NONE, NULL, "[file \xe4 0|]");
    sign(archive, -256);
    assert_listing(archive, FAULT_NONE, NULL, "[file \xe4 0|]");
    sign(archive, -255);
    assert_listing(archive, FAULT_MALFORMED, "wrong checksum", "");
    memset(archive->data + CHECKSUM_AT, 0, 8);
    assert_listing(archive, FAULT_MALFORMED, "wrong checksum", "");
    free(archive);
}

static void test_an_archive_that_ends_early_is_refused(void **state)
{
    (void)state;
    struct listing listing = { 0 };
    struct archive *archive = archive_create();
    text_init(&listing.text, ARCHIVE_MAX);
    put_entry(archive, 'L', "././@LongLink", "name");
    put_entry(archive, '0', "x", "content");
    const size_t whole = archive->len;
    for (size_t len = 0; len <= whole; len++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = list_run(archive->data, len, 0, whole, &listing, &why);
        assert_int_equal(f, len == 0 || len == whole ? FAULT_NONE : FAULT_MALFORMED);
    }
    /* a description of nothing */
    archive->len = DESCRIPTION_BLOCKS;
    assert_listing(archive, FAULT_MALFORMED, "ends inside", "");
    put_end(archive, 2);
    assert_listing(archive, FAULT_MALFORMED, "ends where an entry is described", "");
    text_release(&listing.text);
    free(archive);
}

static void test_gnu_long_names_are_read(void **state)
{
    (void)state;
    char name[LONG_NAME + 1];
    char want[LONG_NAME + 64];
    memset(name, 'n', LONG_NAME);
    name[LONG_NAME] = '\0';
    struct archive *archive = archive_create();
    put_header(archive, 'L', "././@LongLink", sizeof name);
    put_padded(archive, name, sizeof name);
    put_entry(archive, 'K', "././@LongLink", "a long target");
    put_entry(archive, '0', "cut", "x");
    put_entry(archive, '0', "next", "y");
    (void)snprintf(want, sizeof want, "[file %s 1|x][file next 1|y]", name);
    assert_listing(archive, FAULT_NONE, NULL, want);
    free(archive);
}

static void test_bad_long_names_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t len;
    } names[] = { { "", 0 }, { "\0\0", 2 }, { "a\0b", 3 }, { "a\0b\0", 4 } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct archive *archive = archive_create();
        put_header(archive, 'L', "././@LongLink", names[i].len);
        put_padded(archive, names[i].name, names[i].len);
        put_entry(archive, '0', "cut", "x");
        assert_listing(archive, FAULT_MALFORMED, "name is empty, too long or has a NUL", "");
        free(archive);
    }
}

/* Names are shown without what a terminal or a log could take for its own. */
static void test_texts_show_printable_names(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_header(archive, '0', "a\x1b[2J\xff\n", 1);
    assert_listing(archive, FAULT_MALFORMED, "tar entry a?[2J??: the archive ends inside it",
                   "[file a\x1b[2J\xff\n 1|");
    free(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_archive_lists_the_same_at_every_cut),
        cmocka_unit_test(test_the_end_may_be_two_zero_blocks_one_or_none),
        cmocka_unit_test(test_what_follows_the_end_must_be_zeros),
        cmocka_unit_test(test_types_are_read_as_posix_says),
        cmocka_unit_test(test_names_come_from_the_header_and_its_prefix),
        cmocka_unit_test(test_an_entry_without_a_name_is_refused),
        cmocka_unit_test(test_sizes_are_octal_or_base_256),
        cmocka_unit_test(test_checksums_must_match),
        cmocka_unit_test(test_an_archive_that_ends_early_is_refused),
        cmocka_unit_test(test_gnu_long_names_are_read),
        cmocka_unit_test(test_bad_long_names_are_refused),
        cmocka_unit_test(test_texts_show_printable_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
