/* all_segments_metadata, and which URIs can be download URIs. */
#include "base/limits.h"
#include "pinot/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum fault add_pair(void *ctx, const char *segment, const char *uri, struct problem *why)
{
    struct text *out = ctx;
    (void)why;
    text_addf(out, "[%s|%s]", segment, uri);
    return FAULT_NONE;
}

static enum fault run(const char *text, size_t cut, struct text *out, struct problem *why)
{
    struct mapping mapping;
    const size_t len = strlen(text);
    mapping_init(&mapping, add_pair, out);
    enum fault f = mapping_feed(&mapping, text, cut, why);
    if (!f)
        f = mapping_feed(&mapping, text + cut, len - cut, why);
    if (!f)
        f = mapping_end(&mapping, why);
    mapping_release(&mapping);
    return f;
}

static const struct {
    const char *label;
    const char *text;
    enum fault fault;
    const char *trace;
} cases[] = {
    { "nothing", "", FAULT_NONE, "" },
    { "one pair", "a\nfile:/a\n", FAULT_NONE, "[a|file:/a]" },
    { "no end of the last line", "a\nu\nb\nv", FAULT_NONE, "[a|u][b|v]" },
    { "CRLF", "a\r\nu\r\n", FAULT_NONE, "[a|u]" },
    { "CR", "a\ru\rb\rv\r", FAULT_NONE, "[a|u][b|v]" },
    { "the last URI is missing", "a\nu\nb\n", FAULT_MALFORMED, "[a|u]" },
    { "the same without a line end", "a\nu\nb", FAULT_MALFORMED, "[a|u]" },
    { "an empty URI", "a\n\n", FAULT_MALFORMED, "" },
    { "a blank line behind", "a\nu\n\n", FAULT_MALFORMED, "[a|u]" },
    { "two blank lines behind", "a\nu\n\n\n", FAULT_MALFORMED, "[a|u]" },
};

static void test_every_cut_of_the_mapping_reads_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
            struct problem why = PROBLEM_NONE;
            struct text out;
            text_init(&out, KIB);
            const enum fault f = run(cases[i].text, cut, &out, &why);
            if (f != cases[i].fault || strcmp(text_string(&out), cases[i].trace) != 0)
                (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", cases[i].label, cut);
            assert_int_equal(f, cases[i].fault);
            assert_string_equal(text_string(&out), cases[i].trace);
            text_release(&out);
        }
    }
}

static void test_a_missing_uri_is_told_as_pinot_does(void **state)
{
    struct problem why = PROBLEM_NONE;
    struct text out;
    (void)state;
    text_init(&out, KIB);
    assert_int_equal(run("g\nu\ng2_f\n", 3, &out, &why), FAULT_MALFORMED);
    assert_string_equal(why.text, "Failed to find the segment download uri within the file: "
                                  "all_segments_metadata for segment: g2_f");
    text_release(&out);
}

static void test_a_line_has_a_limit_and_no_nul(void **state)
{
    static char endless[PINOT_URI_MAX + 2];
    struct problem why = PROBLEM_NONE;
    struct mapping mapping;
    struct text out;
    (void)state;
    memset(endless, 'a', sizeof endless - 1);
    text_init(&out, KIB);
    assert_int_equal(run(endless, 7, &out, &why), FAULT_MALFORMED);
    mapping_init(&mapping, add_pair, &out);
    assert_int_equal(mapping_feed(&mapping, "a\0b\nu\n", 6, &why), FAULT_MALFORMED);
    mapping_release(&mapping);
    text_release(&out);
}

static void test_a_download_uri_has_no_spaces_and_no_controls(void **state)
{
    static const char *const good[] = { "file:///a/b.tar.gz", "http://h/a", "just/a/path",
                                        "s3://b/\xC3\xA9" };
    static const char *const bad[] = { "", " ", "ht tp://bad uri", "a\tb", "a\x7F", "\xE9" };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(mapping_uri_check(good[i], "s", &why), FAULT_NONE);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(mapping_uri_check(bad[i], "s", &why), FAULT_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_of_the_mapping_reads_the_same),
        cmocka_unit_test(test_a_missing_uri_is_told_as_pinot_does),
        cmocka_unit_test(test_a_line_has_a_limit_and_no_nul),
        cmocka_unit_test(test_a_download_uri_has_no_spaces_and_no_controls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
