/*
 * Pax headers in tar archives: what they say of the next entry, and what they may not say.
 */
#include "tar_trial.h"

enum { BIG_NAME = TAR_NAME_MAX, RECORD_ROOM = TAR_NAME_MAX + 64 };

/* A record with its own length in front. */
static void put_record(struct text *records, const char *key, const char *value)
{
    const size_t pair = strlen(key) + strlen(value) + strlen(" =\n");
    size_t len = pair;
    char digits[32];
    do
        len = pair + (size_t)snprintf(digits, sizeof digits, "%zu", len);
    while (len != pair + (size_t)snprintf(digits, sizeof digits, "%zu", len));
    text_addf(records, "%zu %s=%s\n", len, key, value);
}

static void put_pax(struct archive *archive, char type, const char *key, const char *value)
{
    struct text records;
    text_init(&records, RECORD_ROOM);
    put_record(&records, key, value);
    put_entry(archive, type, "PaxHeaders/x", text_string(&records));
    text_release(&records);
}

static void test_a_pax_path_names_the_next_entry_alone(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_pax(archive, 'x', "path", "long\nname/\xc3\xa9");
    put_entry(archive, '0', "short", "x");
    put_entry(archive, '0', "next", "y");
    assert_listing(archive, FAULT_NONE, NULL, "[file long\nname/\xc3\xa9 1|x][file next 1|y]");
    archive->len = 0;
    put_pax(archive, 'x', "path", "folder/");
    put_entry(archive, '0', "file", "");
    assert_listing(archive, FAULT_NONE, NULL, "[folder folder/ 0|]");
    free(archive);
}

/* CVE-2025-62518: the header says 0, pax says that the next block is content.  Who believes the
 * header takes that block for an entry. */
static void test_a_pax_size_wins_over_the_header(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    struct archive *hidden = archive_create();
    put_entry(hidden, '0', "smuggled", "");
    put_pax(archive, 'x', "size", "512");
    put_header(archive, '0', "outer", 0);
    put(archive, hidden->data, hidden->len);
    put_entry(archive, '0', "next", "y");
    struct listing listing = { 0 };
    text_init(&listing.text, ARCHIVE_MAX);
    for (size_t cut = 0; cut <= archive->len; cut++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(list_run(archive->data, archive->len, cut, archive->len, &listing, &why),
                         FAULT_NONE);
        assert_int_equal(strncmp(listing.text.data, "[file outer 512|smuggled", 24), 0);
        assert_non_null(memmem(listing.text.data, listing.text.len, "][file next 1|y]", 16));
    }
    text_release(&listing.text);
    /* and the other way round: the header says more than there is */
    archive->len = 0;
    put_pax(archive, 'x', "size", "1");
    put_header(archive, '0', "outer", 700);
    put_padded(archive, "x", 1);
    put_entry(archive, '0', "next", "y");
    assert_listing(archive, FAULT_NONE, NULL, "[file outer 1|x][file next 1|y]");
    free(archive);
    free(hidden);
}

/* A pax size says nothing of a description that stands between it and its entry. */
static void test_a_pax_size_leaves_gnu_names_alone(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_pax(archive, 'x', "size", "3");
    put_entry(archive, 'L', "././@LongLink", "a name");
    put_header(archive, '0', "cut", 0);
    put_padded(archive, "xyz", 3);
    assert_listing(archive, FAULT_NONE, NULL, "[file a name 3|xyz]");
    free(archive);
}

static void test_other_keys_mean_nothing(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "ctime", "1700000000" }, { "mtime", "1700000000.123456789" },
        { "linkpath", "target" },  { "SCHILY.xattr.a", "" },
        { "sizes", "7" },          { "siz", "7" },
        { "paths", "p" },          { "k", "=" },
    };
    struct text records;
    struct archive *archive = archive_create();
    text_init(&records, RECORD_ROOM);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        put_record(&records, pairs[i][0], pairs[i][1]);
    put_pax(archive, 'g', "comment", "0123456789012345678901234567890123456789");
    put_entry(archive, 'x', "PaxHeaders/a", text_string(&records));
    put_entry(archive, '0', "a", "x");
    put_entry(archive, 'x', "PaxHeaders/b", "");
    put_entry(archive, '0', "b", "y");
    assert_listing(archive, FAULT_NONE, NULL, "[file a 1|x][file b 1|y]");
    text_release(&records);
    free(archive);
}

/* Descriptions that are refused; two: a second one that follows at once. */
static void test_bad_descriptions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        const char *records;
        const char *two;
        const char *text;
        char type;
        char two_type;
    } bad[] = {
        { "no length", "path=a\n", NULL, "wrong length", 'x', 0 },
        { "no blank", "9path=ab\n", NULL, "wrong length", 'x', 0 },
        { "too short", "8 path=a\n", NULL, "wrong length", 'x', 0 },
        { "too long", "11 path=a\n", NULL, "wrong length", 'x', 0 },
        { "a length of nothing", "2 \n", NULL, "wrong length", 'x', 0 },
        { "a length of zero", "0 path=a\n", NULL, "wrong length", 'x', 0 },
        { "a length past all numbers", "99999999999999999999 path=a\n", NULL, "wrong length", 'x',
          0 },
        { "a negative length", "-9 path=a\n", NULL, "wrong length", 'x', 0 },
        { "no line end", "9 path=ab", NULL, "wrong length", 'x', 0 },
        { "no equals sign", "8 patha\n", NULL, "not key=value", 'x', 0 },
        { "no pair", "3 \n", NULL, "not key=value", 'x', 0 },
        { "no key", "5 =a\n", NULL, "not key=value", 'x', 0 },
        { "an empty path", "8 path=\n", NULL, "path is empty", 'x', 0 },
        { "an empty size", "8 size=\n", NULL, "size is no number", 'x', 0 },
        { "a size of words", "9 size=x\n", NULL, "size is no number", 'x', 0 },
        { "a negative size", "11 size=-1\n", NULL, "size is no number", 'x', 0 },
        { "a hexadecimal size", "12 size=0x1\n", NULL, "size is no number", 'x', 0 },
        { "a size past INT64_MAX", "28 size=9223372036854775808\n", NULL, "size is no number", 'x',
          0 },
        { "a size past UINT64_MAX", "29 size=18446744073709551616\n", NULL, "size is no number",
          'x', 0 },
        { "a path twice", "9 path=a\n9 path=a\n", NULL, "twice", 'x', 0 },
        { "a size twice", "9 size=1\n9 size=1\n", NULL, "twice", 'x', 0 },
        { "paths in two headers", "9 path=a\n", "9 path=a\n", "named twice", 'x', 'x' },
        { "sizes in two headers", "9 size=1\n", "9 size=1\n", "two sizes", 'x', 'x' },
        { "a path beside a GNU name", "9 path=a\n", "b", "named twice", 'x', 'L' },
        { "a GNU name beside a path", "b", "9 path=a\n", "named twice", 'L', 'x' },
        { "two GNU names", "a", "b", "named twice", 'L', 'L' },
        { "a global path", "9 path=a\n", NULL, "global header", 'g', 0 },
        { "a global size", "9 size=1\n", NULL, "global header", 'g', 0 },
        { "a global header that is no record", "x", NULL, "wrong length", 'g', 0 },
        { "GNU sparse files", "22 GNU.sparse.major=1\n", NULL, "sparse", 'x', 0 },
        { "a name behind the end", "9 path=a\nx", NULL, "wrong length", 'x', 0 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct archive *archive = archive_create();
        put_entry(archive, bad[i].type, "description", bad[i].records);
        if (bad[i].two)
            put_entry(archive, bad[i].two_type, "description", bad[i].two);
        put_entry(archive, '0', "a", "");
        assert_listing_of(bad[i].label, archive, FAULT_MALFORMED, bad[i].text, "");
        free(archive);
    }
}

static void test_a_nul_in_a_pax_path_is_refused(void **state)
{
    (void)state;
    struct archive *archive = archive_create();
    put_header(archive, 'x', "PaxHeaders/a", 11);
    put_padded(archive, "11 path=a\0\n", 11);
    put_entry(archive, '0', "a", "");
    assert_listing(archive, FAULT_MALFORMED, "NUL inside", "");
    free(archive);
}

static void test_pax_sizes_of_what_has_no_content_are_refused(void **state)
{
    (void)state;
    static const char types[] = { '1', '2', '3', '5', '6' };
    for (size_t i = 0; i < sizeof types; i++) {
        struct archive *archive = archive_create();
        put_pax(archive, 'x', "size", "1");
        put_header(archive, types[i], "a", 0);
        put_padded(archive, "x", 1);
        assert_listing(archive, FAULT_MALFORMED, "only files may have content", "");
        free(archive);
    }
}

static enum fault run_once(const struct archive *archive, struct listing *listing,
                           struct problem *why)
{
    *why = PROBLEM_NONE;
    return list_run(archive->data, archive->len, archive->len, 1, listing, why);
}

static void test_names_and_descriptions_are_bounded(void **state)
{
    (void)state;
    struct problem why;
    struct listing listing = { 0 };
    struct archive *archive = archive_create();
    char *name = calloc(1, TAR_PAX_MAX + 2);
    assert_non_null(name);
    text_init(&listing.text, ARCHIVE_MAX);

    memset(name, 'n', BIG_NAME);
    put_pax(archive, 'x', "path", name);
    put_entry(archive, '0', "a", "");
    assert_int_equal(run_once(archive, &listing, &why), FAULT_NONE);
    assert_non_null(strstr(listing.text.data, name));

    archive->len = 0;
    name[BIG_NAME] = 'n';
    put_pax(archive, 'x', "path", name);
    put_entry(archive, '0', "a", "");
    assert_int_equal(run_once(archive, &listing, &why), FAULT_MALFORMED);
    archive->len = 0;
    put_entry(archive, 'L', "././@LongLink", name);
    assert_int_equal(run_once(archive, &listing, &why), FAULT_MALFORMED);
    assert_non_null(strstr(why.text, "too long"));

    /* a link's long target is read past: as much as fits is, one byte more is not */
    archive->len = 0;
    memset(name, 'n', TAR_PAX_MAX);
    put_entry(archive, 'K', "././@LongLink", name);
    put_entry(archive, '2', "a", "");
    assert_int_equal(run_once(archive, &listing, &why), FAULT_NONE);
    archive->len = 0;
    name[TAR_PAX_MAX] = 'n';
    put_entry(archive, 'K', "././@LongLink", name);
    put_entry(archive, '2', "a", "");
    assert_int_equal(run_once(archive, &listing, &why), FAULT_MALFORMED);
    assert_non_null(strstr(why.text, "too long"));
    text_release(&listing.text);
    free(name);
    free(archive);
}

static enum fault no_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    (void)head;
    (void)why;
    ++*(size_t *)ctx;
    return FAULT_NONE;
}

static enum fault no_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static void test_entries_are_bounded(void **state)
{
    (void)state;
    static const struct tar_sink sink = { no_begin, NULL, no_end };
    struct problem why = PROBLEM_NONE;
    struct archive *archive = archive_create();
    struct tar *tar = NULL;
    size_t entries = 0;
    enum fault f = tar_create(&sink, &entries, &tar, &why);
    put_header(archive, '0', "a", 0);
    for (size_t i = 0; !f && i < TAR_ENTRIES_MAX; i++)
        f = tar_feed(tar, archive->data, archive->len, &why);
    assert_int_equal(f, FAULT_NONE);
    assert_int_equal(tar_feed(tar, archive->data, archive->len, &why), FAULT_TOO_LARGE);
    assert_int_equal(entries, TAR_ENTRIES_MAX);
    tar_destroy(tar);
    free(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pax_path_names_the_next_entry_alone),
        cmocka_unit_test(test_a_pax_size_wins_over_the_header),
        cmocka_unit_test(test_a_pax_size_leaves_gnu_names_alone),
        cmocka_unit_test(test_other_keys_mean_nothing),
        cmocka_unit_test(test_bad_descriptions_are_refused),
        cmocka_unit_test(test_a_nul_in_a_pax_path_is_refused),
        cmocka_unit_test(test_pax_sizes_of_what_has_no_content_are_refused),
        cmocka_unit_test(test_names_and_descriptions_are_bounded),
        cmocka_unit_test(test_entries_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
