/* Names of tables and segments. */
#include "pinot/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *given;
    const char *database;
    const char *raw; /* NULL: refused */
    const char *whole;
    enum fault fault;
    enum pinot_type type;
} cases[] = {
    { "t", NULL, "t", "t", FAULT_NONE, PINOT_NO_TYPE },
    { "t_OFFLINE", NULL, "t", "t_OFFLINE", FAULT_NONE, PINOT_OFFLINE },
    { "t_REALTIME", "", "t", "t_REALTIME", FAULT_NONE, PINOT_REALTIME },
    { "_OFFLINE", NULL, "_OFFLINE", "_OFFLINE", FAULT_NONE, PINOT_NO_TYPE },
    { "t_offline", NULL, "t_offline", "t_offline", FAULT_NONE, PINOT_NO_TYPE },
    { "t", "default", "t", "t", FAULT_NONE, PINOT_NO_TYPE },
    { "t", "db", "db.t", "db.t", FAULT_NONE, PINOT_NO_TYPE },
    { "db.t_OFFLINE", "db", "db.t", "db.t_OFFLINE", FAULT_NONE, PINOT_OFFLINE },
    { "db.t", NULL, "db.t", "db.t", FAULT_NONE, PINOT_NO_TYPE },
    { "a b", NULL, "a b", "a b", FAULT_NONE, PINOT_NO_TYPE },
    { "db1.t", "db2", NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "a.b.c", NULL, NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "", NULL, NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "a/b", NULL, NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "a\nb", NULL, NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "t", "d/b", NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
    { "t", "d.b", NULL, NULL, FAULT_MALFORMED, PINOT_NO_TYPE },
};

static void test_a_table_name_is_database_raw_name_and_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct table_name name;
        const enum fault f = table_name_parse(cases[i].given, cases[i].database, &name, &why);
        assert_int_equal(f, cases[i].fault);
        if (f)
            continue;
        assert_string_equal(name.raw, cases[i].raw);
        assert_string_equal(name.given, cases[i].whole);
        assert_int_equal(name.type, cases[i].type);
    }
}

static void test_a_name_that_is_too_long_is_refused_before_it_is_cut(void **state)
{
    char given[2 * NAME_MAX_BYTES];
    char full[NAME_MAX_BYTES];
    struct table_name name;
    size_t good = 0;
    (void)state;
    for (size_t len = 1; len < sizeof given; len++) {
        struct problem why = PROBLEM_NONE;
        memset(given, 'a', len);
        given[len] = '\0';
        if (table_name_parse(given, NULL, &name, &why))
            continue;
        good = len;
        table_name_full(name.raw, PINOT_REALTIME, full);
        assert_int_equal(strlen(full), len + strlen("_REALTIME"));
        struct table_name again; /* a table that can be made can be named in full */
        assert_int_equal(table_name_parse(full, NULL, &again, &why), FAULT_NONE);
        assert_string_equal(again.raw, name.raw);
        assert_int_equal(again.type, PINOT_REALTIME);
    }
    assert_in_range(good, 200, NAME_MAX_BYTES);
}

static void test_a_segment_name_is_one_path_segment(void **state)
{
    static const char *const bad[] = { "", ".", "..", "a/b", "a\\b", "a\nb", "\x7F", "\xE9" };
    static const char *const good[] = { "a", "a b", "uploaded__t__0__20260101T0000Z__x", "...",
                                        "\xC3\xA9" };
    char endless[NAME_MAX_BYTES + 1];
    struct problem why = PROBLEM_NONE;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct problem refused = PROBLEM_NONE;
        assert_int_equal(segment_name_check(bad[i], &refused), FAULT_MALFORMED);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(segment_name_check(good[i], &why), FAULT_NONE);
    memset(endless, 'a', sizeof endless - 1);
    endless[NAME_MAX_BYTES] = '\0';
    assert_int_equal(segment_name_check(endless, &why), FAULT_MALFORMED);
}

static void test_types_are_read_in_either_case(void **state)
{
    enum pinot_type type = PINOT_OFFLINE;
    (void)state;
    assert_true(pinot_type_parse("offline", &type));
    assert_int_equal(type, PINOT_OFFLINE);
    assert_true(pinot_type_parse("REALTIME", &type));
    assert_int_equal(type, PINOT_REALTIME);
    assert_true(pinot_type_parse(NULL, &type));
    assert_int_equal(type, PINOT_NO_TYPE);
    assert_false(pinot_type_parse("BOGUS", &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_name_is_database_raw_name_and_type),
        cmocka_unit_test(test_a_name_that_is_too_long_is_refused_before_it_is_cut),
        cmocka_unit_test(test_a_segment_name_is_one_path_segment),
        cmocka_unit_test(test_types_are_read_in_either_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
