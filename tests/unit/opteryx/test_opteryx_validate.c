/*
 * What the checks before a handler take for an integer, a name, a session's and a commit's body.
 * The bodies of their refusals are compared over HTTP (tests/http/test_opteryx_framework.py).
 */
#include "opteryx/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *type; /* of the error; NULL when it is an integer */
    int64_t value;
} integers[] = {
    { "0", NULL, 0 },
    { "999", NULL, 999 },
    { "-0", NULL, 0 },
    { "\t7\n", NULL, 7 },
    { "0_7", NULL, 7 },
    { "7.000", NULL, 7 },
    { "1000", "less_than_equal", 0 },
    { "-000_1", "greater_than_equal", 0 },
    { "9223372036854775808", "less_than_equal", 0 },
    { "", "int_parsing", 0 },
    { "+", "int_parsing", 0 },
    { "+-7", "int_parsing", 0 },
    { "_7", "int_parsing", 0 },
    { "7_", "int_parsing", 0 },
    { "1__0", "int_parsing", 0 },
    { "7.01", "int_parsing", 0 },
    { ".0", "int_parsing", 0 },
    { "1e2", "int_parsing", 0 },
    { "0x10", "int_parsing", 0 },
    { "7 7", "int_parsing", 0 },
    { "\xD9\xA7", "int_parsing", 0 }, /* an Arabic seven: pydantic reads ASCII digits only */
};

static void test_part_numbers_are_read_as_python_reads_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        struct validate v;
        int64_t value = 0;
        validate_init(&v);
        validate_part(&v, "query", integers[i].text, &value);
        if ((v.count == 0) != (integers[i].type == NULL))
            (void)fprintf(stderr, "case \"%s\":\n", integers[i].text);
        assert_int_equal(v.count, integers[i].type ? 1 : 0);
        assert_int_equal(value, integers[i].value);
        if (integers[i].type)
            assert_non_null(strstr(text_string(&v.detail), integers[i].type));
        validate_release(&v);
    }
}

static void test_more_than_4300_digits_are_too_many(void **state)
{
    (void)state;
    char nines[VALIDATE_DIGITS_MAX + 2];
    for (int extra = 0; extra <= 1; extra++) {
        struct validate v;
        int64_t value = 0;
        memset(nines, '9', sizeof nines);
        nines[VALIDATE_DIGITS_MAX + extra] = '\0';
        validate_init(&v);
        validate_part(&v, "query", nines, &value);
        assert_int_equal(v.count, 1);
        assert_non_null(
            strstr(text_string(&v.detail), extra ? "int_parsing_size" : "less_than_equal"));
        validate_release(&v);
    }
}

static const struct {
    const char *body;
    int errors;
    const char *dataset; /* "" without a target */
} sessions[] = {
    { "{}", 0, "" },
    { "null", 0, "" },
    { "{\"target\":null}", 0, "" },
    { "{\"target\":{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"d-1_X\"}}", 0, "d-1_X" },
    { "{\"target\":{}}", 3, "" },
    { "{\"target\":1}", 1, "" },
    { "[]", 1, "" },
    { "{\"target\":{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"a.b\"}}", 1, "" },
    { "{\"target\":{\"workspace\":\"\",\"collection\":\"c\",\"dataset\":\"\\u00e9\"}}", 2, "" },
    { "{\"target\":{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"d\\u0000\"}}", 1, "" },
};

static void test_a_session_may_name_its_target_or_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        struct validate v;
        struct opteryx_target target = { .dataset = "" };
        bool has_target = true;
        json_object *body = NULL;
        struct problem why = PROBLEM_NONE;
        validate_init(&v);
        assert_int_equal(validate_json(&v, "application/json", sessions[i].body,
                                       strlen(sessions[i].body), &body, &why),
                         FAULT_NONE);
        validate_session(&v, body, &target, &has_target);
        assert_int_equal(v.count, sessions[i].errors);
        assert_int_equal(has_target, sessions[i].dataset[0] != '\0');
        if (has_target)
            assert_string_equal(target.dataset, sessions[i].dataset);
        json_object_put(body);
        validate_release(&v);
    }
}

#define TARGET "{\"workspace\":\"w\",\"collection\":\"c\",\"dataset\":\"d\"}"

static const struct {
    const char *body;
    size_t errors;
    const char *message;
    enum opteryx_mode mode;
} commits[] = {
    { "{\"target\":" TARGET "}", 0, NULL, OPTERYX_FAIL },
    { "{\"target\":" TARGET ",\"snapshot_message\":null,\"conflict_resolution\":\"append\"}", 0,
      NULL, OPTERYX_APPEND },
    { "{\"target\":" TARGET ",\"snapshot_message\":\"\",\"conflict_resolution\":\"overwrite\"}", 0,
      "", OPTERYX_OVERWRITE },
    { "{\"target\":" TARGET ",\"snapshot_message\":\"\\u00e9\",\"more\":[1]}", 0, "\xC3\xA9",
      OPTERYX_FAIL },
    { "{}", 1, NULL, OPTERYX_FAIL },
    { "null", 1, NULL, OPTERYX_FAIL },
    { "{\"target\":[]}", 1, NULL, OPTERYX_FAIL },
    { "{\"target\":{}}", 3, NULL, OPTERYX_FAIL },
    { "{\"target\":{},\"snapshot_message\":1,\"conflict_resolution\":null}", 5, NULL,
      OPTERYX_FAIL },
    { "{\"target\":" TARGET ",\"conflict_resolution\":\"fail\\u0000\"}", 1, NULL, OPTERYX_FAIL },
};

static void test_a_commit_names_its_target_and_perhaps_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof commits / sizeof commits[0]; i++) {
        struct validate v;
        struct commit_request request = { .mode = OPTERYX_FAIL };
        json_object *body = NULL;
        struct problem why = PROBLEM_NONE;
        validate_init(&v);
        assert_int_equal(validate_json(&v, "application/json", commits[i].body,
                                       strlen(commits[i].body), &body, &why),
                         FAULT_NONE);
        validate_commit(&v, body, &request);
        assert_int_equal(v.count, commits[i].errors);
        assert_int_equal(request.mode, commits[i].mode);
        assert_true((request.message == NULL) == (commits[i].message == NULL));
        if (request.message)
            assert_string_equal(request.message, commits[i].message);
        json_object_put(body);
        validate_release(&v);
    }
}

static void test_a_name_has_at_most_128_characters(void **state)
{
    (void)state;
    char name[OPTERYX_NAME_MAX + 2];
    memset(name, 'n', sizeof name);
    name[OPTERYX_NAME_MAX + 1] = '\0';
    assert_false(validate_is_name(name));
    name[OPTERYX_NAME_MAX] = '\0';
    assert_true(validate_is_name(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part_numbers_are_read_as_python_reads_integers),
        cmocka_unit_test(test_more_than_4300_digits_are_too_many),
        cmocka_unit_test(test_a_session_may_name_its_target_or_not),
        cmocka_unit_test(test_a_commit_names_its_target_and_perhaps_more),
        cmocka_unit_test(test_a_name_has_at_most_128_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
