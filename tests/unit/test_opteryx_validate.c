/*
 * What FastAPI answered to 73 requests (tests/golden/opteryx/fastapi_422.json), and what this
 * program answers to the same.
 */
#include "http/json.h"
#include "http/uri.h"
#include "opteryx/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARENA_BYTES = 1 << 20, BODY_MAX = 64 * 1024 };

/* Where this program answers otherwise, and how.  NULL: not a request of these three kinds. */
static const struct {
    const char *name;
    const char *answer;
} differences[] = {
    { "put_part_underscore", /* 1_000 is an integer, and past 999 */
      "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"part\"],\"msg\":\"Input "
      "should be less than or equal to 999\",\"input\":\"1_000\",\"ctx\":{\"le\":999}}]}" },
    { "put_part_negative_ok_for_type",
      "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"part\"],\"msg\":\"Input "
      "should be greater than or equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}]}" },
    { "put_part_huge",
      "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"part\"],\"msg\":\"Input "
      "should be less than or equal to "
      "999\",\"input\":\"99999999999999999999999\",\"ctx\":{\"le\":999}}]}" },
    { "delete_part_negative_ok_for_type",
      "{\"detail\":[{\"type\":\"greater_than_equal\",\"loc\":[\"path\",\"part\"],\"msg\":\"Input "
      "should be greater than or equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}]}" },
    { "commit_json_nan", /* FastAPI fails with 500; NaN is no JSON */
      "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",11],\"msg\":\"JSON decode "
      "error\",\"input\":{},\"ctx\":{\"error\":\"Expecting value\"}}]}" },
    { "put_part_4301_digits", NULL }, /* the recording is abridged; a case of its own below */
};

/* The recordings hold bytes as characters below 256. */
static size_t bytes_of(const char *text, char out[BODY_MAX])
{
    size_t len = 0;
    for (; *text; text++) {
        const unsigned char lead = (unsigned char)*text;
        if (lead < 0x80)
            out[len++] = *text;
        else
            out[len++] = (char)((lead & 3) << 6 | ((unsigned char)*++text & 0x3F));
        assert_true(len < BODY_MAX);
    }
    return len;
}

/* Runs a request through the checks; what they answer, "" for nothing. */
static void answer(json_object *request, struct arena *arena, char out[BODY_MAX])
{
    struct validate v;
    struct uri uri = { .segment_count = 0 };
    struct problem why = PROBLEM_NONE;
    const char *method = json_text_of(request, "method");
    int64_t part = -1;

    validate_init(&v);
    assert_int_equal(uri_parse(json_text_of(request, "path"), arena, &uri, &why), FAULT_NONE);
    out[0] = '\0';
    if (strcmp(method, "PUT") == 0) {
        validate_part(&v, "query", uri_query(&uri, "part"), &part);
        assert_true(v.count == 1 || (part >= 0 && part < OPTERYX_PARTS_MAX));
    } else if (strcmp(method, "DELETE") == 0) {
        validate_part(&v, "path", uri.segments[4], &part);
        assert_true(v.count == 1 || (part >= 0 && part < OPTERYX_PARTS_MAX));
    } else {
        char body[BODY_MAX];
        size_t len = 0;
        const char *type = NULL;
        json_object *given = NULL;
        json_object *headers = NULL;
        json_object *parsed = NULL;
        struct commit_request commit = { .message = NULL };
        (void)json_object_object_get_ex(request, "body", &given);
        (void)json_object_object_get_ex(request, "headers", &headers);
        if (json_object_is_type(given, json_type_string)) {
            len = bytes_of(json_object_get_string(given), body);
            type = json_text_of(headers, "content-type");
        } else if (given) {
            len = (size_t)snprintf(body, sizeof body, "%s", json_object_to_json_string(given));
            type = "application/json";
        }
        if (validate_json(&v, type, body, len, &parsed, &why))
            (void)snprintf(out, BODY_MAX, "{\"detail\":\"%s\"}", why.text);
        else if (v.count == 0)
            validate_commit(&v, parsed, &commit);
        if (v.count == 0 && !why.fault)
            assert_true(commit.target.dataset[0] != '\0');
        json_object_put(parsed);
    }
    if (v.count) {
        size_t len = 0;
        const char *body = validate_body(&v, &len);
        assert_non_null(body);
        (void)snprintf(out, BODY_MAX, "%.*s", (int)len, body);
    }
    validate_release(&v);
}

/* Requests that the pure checks decide: parts and commits. */
static bool concerns(json_object *request)
{
    const char *method = json_text_of(request, "method");
    const char *path = json_text_of(request, "path");
    const size_t len = strlen(path);
    if (strcmp(method, "PUT") == 0)
        return strstr(path, "/inspect") == NULL;
    if (strcmp(method, "DELETE") == 0)
        return true;
    return strcmp(method, "POST") == 0 && len > 7 && strcmp(path + len - 7, "/commit") == 0;
}

static const char *expected(const char *name, json_object *one)
{
    json_object *status = NULL;
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (strcmp(differences[i].name, name) == 0)
            return differences[i].answer;
    }
    (void)json_object_object_get_ex(one, "status", &status);
    return json_object_get_int(status) < 400 ? "" : json_text_of(one, "raw_body");
}

static void test_the_recorded_requests_get_the_recorded_answers(void **state)
{
    (void)state;
    int looked_at = 0;
    json_object *file = json_object_from_file(SOURCE_DIR "/tests/golden/opteryx/fastapi_422.json");
    json_object *cases = NULL;
    struct arena *arena = arena_create(ARENA_BYTES);
    assert_true(file && arena && json_object_object_get_ex(file, "cases", &cases));
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        json_object *one = json_object_array_get_idx(cases, i);
        json_object *request = NULL;
        char got[BODY_MAX];
        const char *name = json_text_of(one, "name");
        const char *wanted = expected(name, one);
        (void)json_object_object_get_ex(one, "request", &request);
        if (!concerns(request) || !wanted)
            continue;
        answer(request, arena, got);
        if (strcmp(got, wanted) != 0)
            (void)fprintf(stderr, "case \"%s\":\n", name);
        assert_string_equal(got, wanted);
        looked_at++;
        arena_reset(arena);
    }
    assert_int_equal(looked_at, 61);
    json_object_put(file);
    arena_destroy(arena);
}

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
        cmocka_unit_test(test_the_recorded_requests_get_the_recorded_answers),
        cmocka_unit_test(test_part_numbers_are_read_as_python_reads_integers),
        cmocka_unit_test(test_more_than_4300_digits_are_too_many),
        cmocka_unit_test(test_a_session_may_name_its_target_or_not),
        cmocka_unit_test(test_a_name_has_at_most_128_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
