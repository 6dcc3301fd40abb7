/* test_range.c - Range, If-Range and If-None-Match as RFC 9110 reads them. */
#include "http/etag.h"
#include "http/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *value;
    uint64_t size;
    struct range want;
} ranges[] = {
    { NULL, 10, { RANGE_WHOLE, 0, 0 } },
    { "", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=0-0", 10, { RANGE_PART, 0, 1 } },
    { "bytes=0-9", 10, { RANGE_PART, 0, 10 } },
    { "bytes=2-5", 10, { RANGE_PART, 2, 4 } },
    { "Bytes=2-5", 10, { RANGE_PART, 2, 4 } },
    { "bytes=9-", 10, { RANGE_PART, 9, 1 } },
    { "bytes=0-", 10, { RANGE_PART, 0, 10 } },
    { "bytes=5-100", 10, { RANGE_PART, 5, 5 } },
    { "bytes=5-99999999999999999999999", 10, { RANGE_PART, 5, 5 } },
    { "bytes=-3", 10, { RANGE_PART, 7, 3 } },
    { "bytes=-10", 10, { RANGE_PART, 0, 10 } },
    { "bytes=-11", 10, { RANGE_PART, 0, 10 } },
    { "bytes=-99999999999999999999999", 10, { RANGE_PART, 0, 10 } },
    { "bytes=-0", 10, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=10-", 10, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=10-12", 10, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=99999999999999999999999-", 10, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=18446744073709551615-", UINT64_MAX, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=0-18446744073709551615", UINT64_MAX, { RANGE_PART, 0, UINT64_MAX } },
    { "bytes=0-", 0, { RANGE_UNSATISFIABLE, 0, 0 } },
    { "bytes=-5", 0, { RANGE_WHOLE, 0, 0 } },
    { "bytes=5-2", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=0-1,3-4", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=0-1,", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=-", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=a-b", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=1", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=--1", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=+1-2", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes= 1-2", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=1-2 ", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes=0x1-0x2", 10, { RANGE_WHOLE, 0, 0 } },
    { "lines=1-2", 10, { RANGE_WHOLE, 0, 0 } },
    { "bytes 1-2", 10, { RANGE_WHOLE, 0, 0 } },
};

static void test_one_range_is_served_and_every_other_form_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct range got = range_parse(ranges[i].value, ranges[i].size);
        if (got.kind != ranges[i].want.kind || got.first != ranges[i].want.first ||
            got.count != ranges[i].want.count)
            (void)fprintf(stderr, "case \"%s\"\n", ranges[i].value ? ranges[i].value : "(none)");
        assert_int_equal(got.kind, ranges[i].want.kind);
        assert_int_equal(got.first, ranges[i].want.first);
        assert_int_equal(got.count, ranges[i].want.count);
    }
}

static void test_a_list_of_tags_is_compared_weakly(void **state)
{
    static const struct {
        const char *list;
        bool want;
    } cases[] = {
        { NULL, false },
        { "", false },
        { "\"a\"", true },
        { "W/\"a\"", true },
        { "\"b\"", false },
        { "\"b\", \"a\"", true },
        { "\"b\",\"a\"", true },
        { "\"x,y\" , W/\"a\"", true },
        { "*", true },
        { " *", true },
        { "a", false },
        { "\"a", false },
        { "\"b\" a \"a\"", false },
        { "\"A\"", false },
        { "\"\"", false },
        { "\"aa\"", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(etag_listed(cases[i].list, "\"a\""), cases[i].want);
        assert_int_equal(etag_listed(cases[i].list, "W/\"a\""), cases[i].want);
    }
}

static void test_only_the_same_strong_tag_lets_a_range_stand(void **state)
{
    (void)state;
    assert_true(etag_allows_range(NULL, "\"a\""));
    assert_true(etag_allows_range(NULL, NULL));
    assert_true(etag_allows_range("\"a\"", "\"a\""));
    assert_false(etag_allows_range("\"b\"", "\"a\""));
    assert_false(etag_allows_range("W/\"a\"", "\"a\""));
    assert_false(etag_allows_range("W/\"a\"", "W/\"a\""));
    assert_false(etag_allows_range("\"a\"", NULL));
    assert_false(etag_allows_range("Sun, 06 Nov 1994 08:49:37 GMT", "\"a\""));
    assert_false(etag_allows_range("", "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_range_is_served_and_every_other_form_ignored),
        cmocka_unit_test(test_a_list_of_tags_is_compared_weakly),
        cmocka_unit_test(test_only_the_same_strong_tag_lets_a_range_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
