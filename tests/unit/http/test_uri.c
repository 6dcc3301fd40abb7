/* test_uri.c - a raw request address is split first and decoded once. */
#include "base/arena.h"
#include "base/text.h"
#include "http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ADDRESS_MAX = 256 * KIB, ASCII_END = 0x80 };

static struct arena *arena;

/* "[segment][segment]?name=value;name=value;" of a parsed address. */
static void describe(const struct uri *uri, struct text *out)
{
    for (size_t i = 0; i < uri->segment_count; i++)
        text_addf(out, "[%s]", uri->segments[i]);
    text_addc(out, '?');
    for (size_t i = 0; i < uri->pair_count; i++)
        text_addf(out, "%s=%s;", uri->pairs[i].name, uri->pairs[i].value);
}

static const struct {
    const char *raw;
    enum fault fault;
    const char *want;
} cases[] = {
    { "/", FAULT_NONE, "[]?" },
    { "/a", FAULT_NONE, "[a]?" },
    { "/a/", FAULT_NONE, "[a][]?" },
    { "//a", FAULT_NONE, "[][a]?" },
    { "/a/b%2Fc/d", FAULT_NONE, "[a][b/c][d]?" },
    { "/%61%4a%4A", FAULT_NONE, "[aJJ]?" },
    { "/a%2541", FAULT_NONE, "[a%41]?" },
    { "/a+b", FAULT_NONE, "[a+b]?" },
    { "/../%2e%2e/.", FAULT_NONE, "[..][..][.]?" },
    { "/a;b=c", FAULT_NONE, "[a;b=c]?" },
    { "/caf%C3%A9", FAULT_NONE, "[caf\xC3\xA9]?" },
    { "/caf\xC3\xA9", FAULT_NONE, "[caf\xC3\xA9]?" },
    { "/?", FAULT_NONE, "[]?" },
    { "/x?a=1&b=2", FAULT_NONE, "[x]?a=1;b=2;" },
    { "/x?a", FAULT_NONE, "[x]?a=;" },
    { "/x?a=", FAULT_NONE, "[x]?a=;" },
    { "/x?=v", FAULT_NONE, "[x]?=v;" },
    { "/x?&&a=1&", FAULT_NONE, "[x]?a=1;" },
    { "/x?a=b=c", FAULT_NONE, "[x]?a=b=c;" },
    { "/x?a=b?c/d", FAULT_NONE, "[x]?a=b?c/d;" },
    { "/x?a%3Db=c%26d", FAULT_NONE, "[x]?a=b=c&d;" },
    { "/x?a+b=c+d%2B", FAULT_NONE, "[x]?a b=c d+;" },
    { "", FAULT_MALFORMED, "?" },
    { "a/b", FAULT_MALFORMED, "?" },
    { "?a=1", FAULT_MALFORMED, "?" },
    { "http://host/a", FAULT_MALFORMED, "?" },
    { "*", FAULT_MALFORMED, "?" },
    { "/a/%", FAULT_NONE, "[a][%]?" },
    { "/a/%4", FAULT_NONE, "[a][%4]?" },
    { "/a/%4/41", FAULT_NONE, "[a][%4][41]?" },
    { "/a/%zz/b%41", FAULT_NONE, "[a][%zz][bA]?" },
    { "/%00", FAULT_NONE, "[%00]?" },
    { "/x?a=%0", FAULT_MALFORMED, "[x]?" },
    { "/x?%00=a", FAULT_MALFORMED, "[x]?" },
    { "/x?a=1&b=%ff", FAULT_MALFORMED, "[x]?a=1;" },
    { "/%ff", FAULT_MALFORMED, "[\xFF]?" },
    { "/%c0%af", FAULT_MALFORMED, "[\xC0\xAF]?" },
    { "/a/\x01", FAULT_MALFORMED, "[a][\x01]?" },
    { "/a\x7F", FAULT_MALFORMED, "[a\x7F]?" },
    { "/a\tb/c?d", FAULT_MALFORMED, "[a\tb][c]?" },
    { "/a?b=\n", FAULT_MALFORMED, "[a]?" },
    { "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/", FAULT_NONE,
      "[1][2][3][4][5][6][7][8][9][10][11][12][13][14][15][16][]?" },
};

static void test_addresses_are_split_and_decoded_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct uri uri;
        struct text got;
        struct problem why = PROBLEM_NONE;
        text_init(&got, 4096);
        const enum fault f = uri_parse(cases[i].raw, arena, &uri, &why);
        describe(&uri, &got);
        if (f != cases[i].fault || strcmp(text_string(&got), cases[i].want) != 0)
            (void)fprintf(stderr, "case \"%s\"\n", cases[i].raw);
        assert_int_equal(f, cases[i].fault);
        assert_string_equal(text_string(&got), cases[i].want);
        text_release(&got);
        arena_reset(arena);
    }
}

static void test_bad_escapes_in_the_path_are_told(void **state)
{
    static const struct {
        const char *raw;
        bool bad;
    } paths[] = {
        { "/a%20b", false }, { "/50%", true }, { "/%00/a", true }, { "/a?b=%20", false }
    };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct uri uri;
        struct problem why = PROBLEM_NONE;
        assert_int_equal(uri_parse(paths[i].raw, arena, &uri, &why), FAULT_NONE);
        assert_int_equal(uri.bad_escape, paths[i].bad);
        arena_reset(arena);
    }
}

static void test_a_path_has_so_many_segments_and_no_more(void **state)
{
    char raw[2 * PATH_SEGMENTS_MAX + 3] = "";
    struct uri uri;
    struct problem why = PROBLEM_NONE;
    (void)state;
    for (size_t i = 0; i < PATH_SEGMENTS_MAX; i++)
        memcpy(raw + 2 * i, "/s", 3);
    assert_int_equal(uri_parse(raw, arena, &uri, &why), FAULT_NONE);
    assert_int_equal(uri.segment_count, PATH_SEGMENTS_MAX);
    memcpy(raw + strlen(raw), "/", 2);
    assert_int_equal(uri_parse(raw, arena, &uri, &why), FAULT_MISSING);
    arena_reset(arena);
}

static void test_the_raw_forms_are_kept(void **state)
{
    struct uri uri;
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(uri_parse("/a%20b/c?d=%20e", arena, &uri, &why), FAULT_NONE);
    assert_string_equal(uri.path, "/a%20b/c");
    assert_string_equal(uri.query, "d=%20e");
    arena_reset(arena);
}

static void test_the_last_value_of_a_parameter_counts(void **state)
{
    struct uri uri;
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(uri_parse("/?a=1&b&a=2", arena, &uri, &why), FAULT_NONE);
    assert_string_equal(uri_query(&uri, "a"), "2");
    assert_string_equal(uri_query(&uri, "b"), "");
    assert_null(uri_query(&uri, "c"));
    arena_reset(arena);
}

/* An address of path_len and query_len bytes and pairs parameters. */
static enum fault parse_sized(size_t path_len, size_t query_len, size_t pairs)
{
    struct text raw;
    struct uri uri;
    struct problem why = PROBLEM_NONE;
    text_init(&raw, ADDRESS_MAX);
    text_addc(&raw, '/');
    for (size_t i = 1; i < path_len; i++)
        text_addc(&raw, 'p');
    text_addc(&raw, '?');
    for (size_t i = 0; i < pairs; i++)
        text_adds(&raw, i ? "&q" : "q");
    for (size_t i = pairs ? 2 * pairs - 1 : 0; i < query_len; i++)
        text_addc(&raw, 'r');
    const enum fault f = uri_parse(text_string(&raw), arena, &uri, &why);
    text_release(&raw);
    arena_reset(arena);
    return f;
}

static void test_lengths_and_counts_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(parse_sized(PATH_MAX_BYTES, 0, 0), FAULT_NONE);
    assert_int_equal(parse_sized(PATH_MAX_BYTES + 1, 0, 0), FAULT_MALFORMED);
    assert_int_equal(parse_sized(1, QUERY_MAX_BYTES, 0), FAULT_NONE);
    assert_int_equal(parse_sized(1, QUERY_MAX_BYTES + 1, 0), FAULT_MALFORMED);
    assert_int_equal(parse_sized(1, 0, QUERY_PAIRS_MAX), FAULT_NONE);
    assert_int_equal(parse_sized(1, 0, QUERY_PAIRS_MAX + 1), FAULT_MALFORMED);
}

/* Whose path it is decides in which dialect the client is told. */
static void test_a_too_long_address_is_still_split(void **state)
{
    struct text raw;
    struct uri uri;
    const char *const starts[] = { "/api/repos/", "/api/repos/a?" };
    (void)state;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct problem why = PROBLEM_NONE;
        text_init(&raw, ADDRESS_MAX);
        text_adds(&raw, starts[i]);
        for (size_t k = 0; k < QUERY_MAX_BYTES + 1; k++)
            text_addc(&raw, 'x');
        assert_int_equal(uri_parse(text_string(&raw), arena, &uri, &why), FAULT_MALFORMED);
        assert_string_equal(why.text, "the request address is too long");
        assert_int_equal(uri.segment_count, 3);
        assert_string_equal(uri.segments[0], "api");
        assert_string_equal(uri.segments[1], "repos");
        text_release(&raw);
        arena_reset(arena);
    }
}

static void test_an_escaped_segment_reads_back_as_it_was(void **state)
{
    enum { WORST = 3 };
    char every[UINT8_MAX + 1] = { 0 };
    char out[WORST * UINT8_MAX + 1];
    char path[sizeof out + 1] = "/";
    struct uri uri;
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_true(uri_escape("a b/c?d%\xC3\xA9~", out, sizeof out));
    assert_string_equal(out, "a%20b%2Fc%3Fd%25%C3%A9~");
    for (int i = 1; i < ASCII_END; i++)
        every[i - 1] = (char)i;
    assert_true(uri_escape(every, out, sizeof out));
    memcpy(path + 1, out, strlen(out) + 1);
    assert_int_equal(uri_parse(path, arena, &uri, &why), FAULT_NONE);
    assert_int_equal(uri.segment_count, 1);
    assert_string_equal(uri.segments[0], every);
    assert_true(uri_escape("a%", out, sizeof "a%25"));
    assert_false(uri_escape("a%", out, sizeof "a%25" - 1));
    arena_reset(arena);
}

static int make_arena(void **state)
{
    (void)state;
    arena = arena_create(ARENA_MAX);
    return arena ? 0 : -1;
}

static int free_arena(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_split_and_decoded_once),
        cmocka_unit_test(test_bad_escapes_in_the_path_are_told),
        cmocka_unit_test(test_a_path_has_so_many_segments_and_no_more),
        cmocka_unit_test(test_the_raw_forms_are_kept),
        cmocka_unit_test(test_the_last_value_of_a_parameter_counts),
        cmocka_unit_test(test_lengths_and_counts_are_bounded),
        cmocka_unit_test(test_a_too_long_address_is_still_split),
        cmocka_unit_test(test_an_escaped_segment_reads_back_as_it_was),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
