/* test_json.c - JSON is read to the letter of RFC 8259 and written so that it reads back. */
#include "base/limits.h"
#include "json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 4 * MIB, DEEP = 500000 };

/* The compact text of what bytes parse to, or the reason why they do not; in a static buffer. */
static const char *read_back(const char *bytes, size_t len, struct json_error *error)
{
    static char out[4096];
    json_object *value = NULL;
    struct problem why = PROBLEM_NONE;
    struct text text;
    *error = (struct json_error){ 0, NULL };
    if (json_parse(bytes, len, &value, error, &why) != FAULT_NONE) {
        assert_int_equal(why.fault, FAULT_MALFORMED);
        assert_null(value);
        return NULL;
    }
    text_init(&text, sizeof out - 1);
    json_write(&text, value);
    assert_false(text_failed(&text));
    memcpy(out, text_string(&text), text.len + 1);
    text_release(&text);
    json_object_put(value);
    return out;
}

static void test_what_is_json_is_read_and_written_back(void **state)
{
    static const char *const cases[][2] = {
        { "null", "null" },
        { " \t\r\n true \n", "true" },
        { "false", "false" },
        { "0", "0" },
        { "-0", "0" },
        { "12", "12" },
        { "-9223372036854775808", "-9223372036854775808" },
        { "9223372036854775807", "9223372036854775807" },
        { "9223372036854775808", "9223372036854775808" },
        { "18446744073709551616", "18446744073709551616" },
        { "1.5e+3", "1.5e+3" },
        { "1E5", "1E5" },
        { "-0.1", "-0.1" },
        { "\"\"", "\"\"" },
        { "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "\"a\\\"\\\\/\\b\\f\\n\\r\\tz\"" },
        { "\"\\u0041\\u00e9\\u20AC\"", "\"A\xC3\xA9\xE2\x82\xAC\"" },
        { "\"\\ud83d\\ude00\"", "\"\xF0\x9F\x98\x80\"" },
        { "\"\\ud800\"", "\"\xEF\xBF\xBD\"" },
        { "\"\\udc00x\"", "\"\xEF\xBF\xBDx\"" },
        { "\"\\ud800\\u0041\"", "\"\xEF\xBF\xBD"
                                "A\"" },
        { "\"\\ud800\\ud83d\\ude00\"", "\"\xEF\xBF\xBD\xF0\x9F\x98\x80\"" },
        { "\"a\\u0000b\"", "\"a\\u0000b\"" },
        { "\"\x7F\"", "\"\x7F\"" },
        { "[]", "[]" },
        { "[ ]", "[]" },
        { "{ }", "{}" },
        { "[1, [2, {\"a\": null}], \"b\"]", "[1,[2,{\"a\":null}],\"b\"]" },
        { "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}" },
        { "{\"\": {}}", "{\"\":{}}" },
        { "{\"a/b\": \"c/d\"}", "{\"a/b\":\"c/d\"}" },
    };
    struct json_error error;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = read_back(cases[i][0], strlen(cases[i][0]), &error);
        if (!got || strcmp(got, cases[i][1]) != 0)
            (void)fprintf(stderr, "case %s\n", cases[i][0]);
        assert_non_null(got);
        assert_string_equal(got, cases[i][1]);
    }
}

/* Reasons and offsets are CPython's, as FastAPI hands them on; where it reads more than RFC 8259
 * allows, or has no words, they are ours. */
static const struct {
    const char *text;
    const char *reason;
    size_t offset;
} refused[] = {
    { "", "Expecting value", 0 },
    { "  ", "Expecting value", 2 },
    { "{\"target\": ", "Expecting value", 11 },
    { "{\"a\": 1,}", "Expecting property name enclosed in double quotes", 8 },
    { "{'a': 1}", "Expecting property name enclosed in double quotes", 1 },
    { "{", "Expecting property name enclosed in double quotes", 1 },
    { "{a:1}", "Expecting property name enclosed in double quotes", 1 },
    { "{\"a\":1", "Expecting ',' delimiter", 6 },
    { "{} {}", "Extra data", 3 },
    { "not json", "Expecting value", 0 },
    { "\xFF\xFE{}", "Expecting value", 0 },
    { "\xEF\xBB\xBF{}", "Expecting value", 0 },
    { "{\"target\": \"a\nb\"}", "Invalid control character at", 13 },
    { "{\"a\": \"b", "Unterminated string starting at", 6 },
    { "\"a\\", "Unterminated string starting at", 0 },
    { "{\"a\" 1}", "Expecting ':' delimiter", 5 },
    { "{\"a\": 1 \"b\": 2}", "Expecting ',' delimiter", 8 },
    { "{\"a\": \"\\x\"}", "Invalid \\escape", 7 },
    { "\"\\u12G4\"", "Invalid \\uXXXX escape", 2 },
    { "\"\\u1234", "Invalid \\uXXXX escape", 2 },
    { "\"\\u12", "Invalid \\uXXXX escape", 2 },
    { "\"\\ud800\\u12\"", "Invalid \\uXXXX escape", 8 },
    { "{\"\xC3\xA9\": \xC3\xA9}", "Expecting value", 6 },
    { "[1,]", "Expecting value", 3 },
    { "[1 2]", "Expecting ',' delimiter", 3 },
    { "[", "Expecting value", 1 },
    { "[1", "Expecting ',' delimiter", 2 },
    { "]", "Expecting value", 0 },
    { "01", "Extra data", 1 },
    { "1.", "Extra data", 1 },
    { "1e", "Extra data", 1 },
    { "[.5]", "Expecting value", 1 },
    { "+1", "Expecting value", 0 },
    { "-", "Expecting value", 0 },
    { "0x10", "Extra data", 1 },
    { "1e400", "Number out of range", 0 },
    { "NaN", "Expecting value", 0 },
    { "nan", "Expecting value", 0 },
    { "Infinity", "Expecting value", 0 },
    { "-Infinity", "Expecting value", 0 },
    { "TRUE", "Expecting value", 0 },
    { "tru", "Expecting value", 0 },
    { "nullx", "Extra data", 4 },
    { "/* a */ 1", "Expecting value", 0 },
    { "1 // a", "Extra data", 2 },
    { "'a'", "Expecting value", 0 },
    { "\"\xC3\"", "Invalid UTF-8 in the string starting at", 0 },
    { "\"\xED\xA0\x80\"", "Invalid UTF-8 in the string starting at", 0 },
    { "\"\xC0\x80\"", "Invalid UTF-8 in the string starting at", 0 },
    { "{\"a\\u0000b\":1}", "Invalid NUL in the property name starting at", 1 },
    { "\v1", "Expecting value", 0 },
};

static void test_what_is_not_json_is_refused_where_it_goes_wrong(void **state)
{
    struct json_error error;
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *got = read_back(refused[i].text, strlen(refused[i].text), &error);
        if (got || !error.reason || strcmp(error.reason, refused[i].reason) != 0 ||
            error.offset != refused[i].offset)
            (void)fprintf(stderr, "case %s: %s, %s at %zu\n", refused[i].text, got ? got : "-",
                          error.reason ? error.reason : "-", error.offset);
        assert_null(got);
        assert_string_equal(error.reason, refused[i].reason);
        assert_int_equal(error.offset, refused[i].offset);
    }
}

/* No prefix of a text that closes itself is a text, and none is read past its end. */
static void test_every_prefix_of_an_object_is_refused(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e1,\"\\ud83d\\ude00\\n\",true,null],\"b\":{\"c\":\"\"}}";
    struct json_error error;
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = malloc(len ? len : 1); /* so that a sanitizer sees a byte too many */
        assert_non_null(exact);
        memcpy(exact, text, len);
        assert_null(read_back(exact, len, &error));
        free(exact);
    }
    assert_non_null(read_back(text, sizeof text - 1, &error));
}

static void test_a_nul_byte_ends_no_text(void **state)
{
    struct json_error error;
    (void)state;
    assert_null(read_back("1\0", 2, &error));
    assert_string_equal(error.reason, "Extra data");
    assert_null(read_back("\"a\0\"", 4, &error));
    assert_string_equal(error.reason, "Invalid control character at");
}

static enum fault parse_repeated(const char *piece, size_t times, const char *last,
                                 json_object **out)
{
    struct text text;
    struct problem why = PROBLEM_NONE;
    text_init(&text, TEXT_MAX);
    for (size_t i = 0; i < times; i++)
        text_adds(&text, piece);
    text_adds(&text, last);
    const enum fault f = json_parse(text_string(&text), text.len, out, NULL, &why);
    text_release(&text);
    return f;
}

static void test_depth_is_bounded(void **state)
{
    char closing[JSON_DEPTH_MAX + 1];
    json_object *value = NULL;
    (void)state;
    memset(closing, ']', JSON_DEPTH_MAX);
    closing[JSON_DEPTH_MAX] = '\0';
    assert_int_equal(parse_repeated("[", JSON_DEPTH_MAX, closing, &value), FAULT_NONE);
    json_object_put(value);
    value = NULL;
    assert_int_equal(parse_repeated("[", JSON_DEPTH_MAX + 1, closing, &value), FAULT_MALFORMED);
    assert_int_equal(parse_repeated("[", DEEP, "", &value), FAULT_MALFORMED);
    assert_int_equal(parse_repeated("{\"a\":", DEEP, "", &value), FAULT_MALFORMED);
    assert_null(value);
}

/* Texts that need much more memory than they are long. */
static void test_the_memory_of_the_values_is_bounded(void **state)
{
    static const struct {
        const char *piece;
        size_t fits; /* a JSON_TREE_MAX of these and not twice as many */
    } cases[] = {
        { "{},", JSON_TREE_MAX / 900 },         { "[],", JSON_TREE_MAX / 180 },
        { "1,", JSON_TREE_MAX / 90 },           { "\"0123456789\",", JSON_TREE_MAX / 120 },
        { "{\"a\":1},", JSON_TREE_MAX / 1200 }, { "true,", JSON_TREE_MAX / 90 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text list;
        json_object *value = NULL;
        text_init(&list, TEXT_MAX);
        text_addc(&list, '[');
        text_adds(&list, cases[i].piece);
        assert_int_equal(parse_repeated(text_string(&list), 1, "1]", &value), FAULT_NONE);
        json_object_put(value);
        value = NULL;
        for (size_t k = 1; k < cases[i].fits; k++)
            text_adds(&list, cases[i].piece);
        assert_int_equal(parse_repeated(text_string(&list), 1, "1]", &value), FAULT_NONE);
        json_object_put(value);
        value = NULL;
        for (size_t k = 0; k < cases[i].fits; k++)
            text_adds(&list, cases[i].piece);
        assert_int_equal(parse_repeated(text_string(&list), 1, "1]", &value), FAULT_TOO_LARGE);
        assert_null(value);
        text_release(&list);
    }
}

static void test_a_member_is_text_or_nothing(void **state)
{
    static const char text[] =
        "{\"a\":\"x\",\"n\":null,\"i\":1,\"o\":{},\"e\":\"\",\"z\":\"x\\u0000y\"}";
    json_object *object = NULL;
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(json_parse(text, sizeof text - 1, &object, NULL, &why), FAULT_NONE);
    assert_string_equal(json_text_of(object, "a"), "x");
    assert_string_equal(json_text_of(object, "e"), "");
    assert_null(json_text_of(object, "n"));
    assert_null(json_text_of(object, "i"));
    assert_null(json_text_of(object, "o"));
    assert_null(json_text_of(object, "z"));
    assert_null(json_text_of(object, "absent"));
    assert_null(json_text_of(NULL, "a"));
    json_object_put(object);
}

static void test_quoting_escapes_and_mends(void **state)
{
    static const char bytes[] = "a\"\\/\x01\n\x7F\xC3\xA9\xFF\xE2\x82z";
    struct text text;
    (void)state;
    text_init(&text, 1024);
    json_quote(&text, bytes, sizeof bytes - 1);
    assert_string_equal(
        text_string(&text),
        "\"a\\\"\\\\/\\u0001\\n\x7F\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
    text_release(&text);
    json_object *mended = json_string("ok\xFF");
    assert_string_equal(json_object_get_string(mended), "ok\xEF\xBF\xBD");
    json_object_put(mended);
    assert_null(json_string(NULL));
}

static void test_doubles_are_written_as_short_as_they_read_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.1, "0.1" },          { 1.0, "1" },
        { 1e21, "1e+21" },       { 1.0 / 3, "0.3333333333333333" },
        { -2.5, "-2.5" },        { 5e-324, "4.94065645841247e-324" },
        { (double)NAN, "null" }, { (double)INFINITY, "null" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text;
        text_init(&text, 64);
        json_object *value = json_object_new_double(cases[i].value);
        json_write(&text, value);
        assert_string_equal(text_string(&text), cases[i].text);
        json_object_put(value);
        text_release(&text);
    }
}

static void test_objects_are_built(void **state)
{
    struct text text;
    (void)state;
    text_init(&text, 256);
    json_object *object = json_object_new_object();
    assert_true(json_add(object, "a", json_string("x/y")));
    assert_true(json_add(object, "b", NULL));
    json_write(&text, object);
    assert_string_equal(text_string(&text), "{\"a\":\"x/y\",\"b\":null}");
    json_object_put(object);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_json_is_read_and_written_back),
        cmocka_unit_test(test_what_is_not_json_is_refused_where_it_goes_wrong),
        cmocka_unit_test(test_every_prefix_of_an_object_is_refused),
        cmocka_unit_test(test_a_nul_byte_ends_no_text),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_the_memory_of_the_values_is_bounded),
        cmocka_unit_test(test_a_member_is_text_or_nothing),
        cmocka_unit_test(test_quoting_escapes_and_mends),
        cmocka_unit_test(test_doubles_are_written_as_short_as_they_read_back),
        cmocka_unit_test(test_objects_are_built),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
