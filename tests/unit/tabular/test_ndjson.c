/*
 * The NDJSON reader: a table of contents and what is read from them, each at every cut.
 */
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/ndjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *label;
    const char *content;
    const char *trace; /* beginning with "the part": what is refused */
} cases[] = {
    { "nothing", "", "0" },
    { "blank lines", "\n \r\n\t\n", "0" },
    { "one row", "{\"a\":1}\n", "1 a:INT64" },
    { "the last line end is optional", "{\"a\":1}", "1 a:INT64" },
    { "an empty object is a row", "{}\n{ }\n", "2" },
    { "white space anywhere", " { \"a\" : 1 , \"b\" :\t[ ] } \r\n", "1 a:INT64 b:NVARCHAR" },
    { "a byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", "1 a:INT64" },
    { "all types",
      "{\"i\":1,\"f\":1.5,\"b\":true,\"s\":\"x\",\"n\":null,\"o\":{\"x\":1},\"l\":[1,2]}\n",
      "1 i:INT64 f:FLOAT64 b:BOOL s:VARCHAR n:NULL o:NVARCHAR l:NVARCHAR" },
    { "members in any order, and absent ones",
      "{\"a\":1,\"b\":2}\n{\"b\":1,\"c\":\"x\"}\n{\"a\":3}\n", "3 a:INT64 b:INT64 c:VARCHAR" },
    { "nulls do not change a type", "{\"a\":null}\n{\"a\":false}\n", "2 a:BOOL" },
    { "integers and decimals widen", "{\"a\":1}\n{\"a\":1e2}\n", "2 a:FLOAT64" },
    { "the bounds of 64 bits", "{\"a\":-9223372036854775808,\"b\":9223372036854775807}\n",
      "1 a:INT64 b:INT64" },
    { "past 64 bits", "{\"a\":-9223372036854775809,\"b\":9223372036854775808}\n",
      "1 a:FLOAT64 b:FLOAT64" },
    { "far past 64 bits", "{\"a\":123456789012345678901234567890}\n", "1 a:FLOAT64" },
    { "numbers of all shapes", "{\"a\":-0,\"b\":0.5,\"c\":1E+5,\"d\":-1.25e-3,\"e\":0e0}\n",
      "1 a:INT64 b:FLOAT64 c:FLOAT64 d:FLOAT64 e:FLOAT64" },
    { "text that is not ASCII", "{\"a\":\"\xC3\xA9\",\"b\":\"\\u00e9\",\"c\":\"\\u0041\"}\n",
      "1 a:NVARCHAR b:NVARCHAR c:VARCHAR" },
    { "escapes in values", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\"}\n",
      "1 a:NVARCHAR" },
    { "escapes in names",
      "{\"a\\n\\u00e9\\ud83d\\ude00\":1}\n{\"a\\n\xC3\xA9\xF0\x9F\x98\x80\":2}\n",
      "2 a\n\xC3\xA9\xF0\x9F\x98\x80:INT64" },
    { "the first half of a surrogate pair in a name", "{\"a\":1}\n{\"\\ud83dx\":1}\n",
      "the part is not NDJSON: row 2: half a surrogate pair in a name (byte 17)" },
    { "the second half in a name", "{\"\\ude00\":1}\n",
      "the part is not NDJSON: row 1: half a surrogate pair in a name (byte 8)" },
    { "the first half at a name's end", "{\"x\\ud83d\":1}\n",
      "the part is not NDJSON: row 1: half a surrogate pair in a name (byte 9)" },
    { "half a surrogate pair in a value", "{\"a\":\"ok\"}\n{\"b\":1,\"a\":\"x\\ud83d\"}\n",
      "2 a:NVARCHAR b:INT64 !row 2 holds half a surrogate pair in column 'a', which is no "
      "character" },
    { "several in values and below",
      "{\"a\":\"\\ude00\"}\n{\"b\":{\"\\ud83d\":[\"\\ud83d\\ud83d\"]}}\n",
      "2 a:NVARCHAR b:NVARCHAR !row 1 holds half a surrogate pair in column 'a', which is no "
      "character,"
      " and 3 more are like it" },
    { "two halves in the wrong order", "{\"a\":\"\\ude00\\ud83d\"}\n",
      "1 a:NVARCHAR !row 1 holds half a surrogate pair in column 'a', which is no character, and 1 "
      "more"
      " are like it" },
    { "an empty name", "{\"\":1}\n", "1 :INT64" },
    { "the last of two members of one name has no special part", "{\"a\":1,\"a\":1.5}\n",
      "1 a:FLOAT64" },
    { "braces, brackets and commas in strings", "{\"a\":\"}],{\",\"b\":\"\\\\\"}\n",
      "1 a:VARCHAR b:VARCHAR" },
    { "members below the row are no columns", "{\"a\":{\"b\":{\"c\":[{\"d\":1}]}}}\n",
      "1 a:NVARCHAR" },
    { "text beside objects is told", "{\"a\":\"x\"}\n{\"a\":{}}\n",
      "2 a:NVARCHAR !column 'a' holds values of different types" },
    { "lists beside text are told", "{\"a\":[]}\n{\"a\":\"x\"}\n",
      "2 a:NVARCHAR !column 'a' holds values of different types" },
    { "lists beside objects are told", "{\"a\":[1]}\n{\"a\":{\"b\":1}}\n",
      "2 a:NVARCHAR !column 'a' holds values of different types" },
    { "booleans beside objects are told", "{\"a\":true}\n{\"a\":{}}\n",
      "2 a:NVARCHAR !column 'a' holds values of different types" },
    { "objects and nulls are alike", "{\"a\":{}}\n{\"a\":null}\n{\"a\":{\"b\":[]}}\n",
      "3 a:NVARCHAR" },
    { "two byte order marks", "\xEF\xBB\xBF\xEF\xBB\xBF{\"a\":1}\n", "1 a:INT64" },
    { "a 0x1A at the end", "{\"a\":1}\n\x1A", "1 a:INT64" },
    { "a 0x1A before the end", "{\"a\":1}\n\x1A\n",
      "the part is not NDJSON: row 2: the row is not an object (byte 8)" },
    { "numbers beside text are told", "{\"a\":\"x\"}\n{\"a\":1}\n",
      "2 a:VARCHAR !column 'a' holds values of different types" },
    { "booleans beside numbers are told", "{\"a\":true}\n{\"a\":1}\n",
      "2 a:VARCHAR !column 'a' holds values of different types" },
    { "numbers beside lists are told", "{\"a\":1}\n{\"a\":[]}\n",
      "2 a:NVARCHAR !column 'a' holds values of different types" },
    { "a row that is no object", "{\"a\":1}\n[1]\n",
      "the part is not NDJSON: row 2: the row is not an object (byte 8)" },
    { "a text row", "x\n", "the part is not NDJSON: row 1: the row is not an object (byte 0)" },
    { "two objects in a row", "{} {}\n",
      "the part is not NDJSON: row 1: more than an object in the row (byte 3)" },
    { "an object over two lines", "{\"a\":\n1}\n",
      "the part is not NDJSON: row 1: a line end inside the object (byte 5)" },
    { "a line end in a string", "{\"a\":\"x\ny\"}\n",
      "the part is not NDJSON: row 1: a control character in a string (byte 7)" },
    { "cut off", "{\"a\":1",
      "the part is not NDJSON: row 1: the content ends inside the object (byte 6)" },
    { "cut off in a string", "{\"a",
      "the part is not NDJSON: row 1: the content ends inside the object (byte 3)" },
    { "a trailing comma", "{\"a\":1,}\n",
      "the part is not NDJSON: row 1: a name expected (byte 7)" },
    { "no colon", "{\"a\" 1}\n", "the part is not NDJSON: row 1: ':' expected (byte 5)" },
    { "no comma", "{\"a\":1 \"b\":2}\n", "the part is not NDJSON: row 1: ',' expected (byte 7)" },
    { "no value", "{\"a\":}\n", "the part is not NDJSON: row 1: a value expected (byte 5)" },
    { "a bracket that does not fit", "{\"a\":[1}\n",
      "the part is not NDJSON: row 1: a bracket that does not fit (byte 7)" },
    { "leading zeros", "{\"a\":01}\n", "the part is not NDJSON: row 1: ',' expected (byte 6)" },
    { "a lone sign", "{\"a\":-}\n", "the part is not NDJSON: row 1: a broken number (byte 6)" },
    { "a lone point", "{\"a\":1.}\n", "the part is not NDJSON: row 1: a broken number (byte 7)" },
    { "an exponent without digits", "{\"a\":1e+}\n",
      "the part is not NDJSON: row 1: a broken number (byte 8)" },
    { "a plus sign", "{\"a\":+1}\n", "the part is not NDJSON: row 1: a value expected (byte 5)" },
    { "NaN", "{\"a\":NaN}\n", "the part is not NDJSON: row 1: a value expected (byte 5)" },
    { "an unknown word", "{\"a\":trua}\n",
      "the part is not NDJSON: row 1: an unknown word (byte 8)" },
    { "an unknown escape", "{\"a\":\"\\x\"}\n",
      "the part is not NDJSON: row 1: a broken escape (byte 7)" },
    { "a broken unicode escape", "{\"a\":\"\\u00g0\"}\n",
      "the part is not NDJSON: row 1: a broken \\u escape (byte 10)" },
    /* where the column is known the member is read by another way */
    { "a known name before a blank", "{\"a\":1}\n{\"a\" :2}\n{ \"a\":3 }\n{  \"a\":4}\n",
      "4 a:INT64" },
    { "fewer, more and other members than before",
      "{\"a\":1,\"b\":2}\n{\"a\":1}\n{\"b\":1,\"a\":2}\n{\"a\":1,\"b\":2,\"c\":3}\n{}\n",
      "5 a:INT64 b:INT64 c:INT64" },
    { "a known member twice", "{\"a\":1}\n{\"a\":1,\"a\":true}\n",
      "2 a:VARCHAR !column 'a' holds values of different types" },
    { "a known column gets a longer name's beginning", "{\"ab\":1}\n{\"a\":2}\n{\"abc\":3}\n",
      "3 ab:INT64 a:INT64 abc:INT64" },
    { "known numbers of all shapes",
      "{\"a\":1,\"b\":1,\"c\":1,\"d\":1}\n{\"a\":-5,\"b\":0.25,\"c\":1e5,\"d\":9223372036854775808}"
      "\n",
      "2 a:INT64 b:FLOAT64 c:FLOAT64 d:FLOAT64" },
    { "known values of all kinds",
      "{\"a\":1,\"b\":1,\"c\":1,\"d\":1}\n{\"a\":null,\"b\":[1],\"c\":{\"a\":2},\"d\":\"\\n\"}\n",
      "2 a:INT64 b:NVARCHAR c:NVARCHAR d:VARCHAR !column 'b' holds values of different types"
      " !column 'c' holds values of different types !column 'd' holds values of different types" },
    { "known text that is not ASCII", "{\"a\":\"x\"}\n{\"a\":\"\xC3\xA9\"}\n", "2 a:NVARCHAR" },
    { "a known name with a quote", "{\"a\\\"b\":1}\n{\"a\\\"b\":true}\n",
      "2 a\"b:VARCHAR !column 'a\"b' holds values of different types" },
    { "a known name with a quote that is not escaped", "{\"a\\\"b\":1}\n{\"a\"b\":2}\n",
      "the part is not NDJSON: row 2: ':' expected (byte 15)" },
    { "a known number with a leading zero", "{\"a\":1}\n{\"a\":01}\n",
      "the part is not NDJSON: row 2: ',' expected (byte 14)" },
    { "a known number with a lone point", "{\"a\":1}\n{\"a\":1.}\n",
      "the part is not NDJSON: row 2: a broken number (byte 15)" },
    { "a known number with a lone sign", "{\"a\":1}\n{\"a\":-}\n",
      "the part is not NDJSON: row 2: a broken number (byte 14)" },
    { "a known word that is none", "{\"a\":true}\n{\"a\":trux}\n",
      "the part is not NDJSON: row 2: an unknown word (byte 19)" },
    { "a known member and a comma", "{\"a\":1}\n{\"a\":1,}\n",
      "the part is not NDJSON: row 2: a name expected (byte 15)" },
    { "a known row and more", "{\"a\":1}\n{\"a\":1}{\"a\":1}\n",
      "the part is not NDJSON: row 2: more than an object in the row (byte 15)" },
    { "a line end in a known row", "{\"a\":1}\n{\"a\":1\n,\"b\":2}\n",
      "the part is not NDJSON: row 2: a line end inside the object (byte 14)" },
    { "no UTF-8", "{\"a\":\"\xFF\"}\n", "the part is not NDJSON: byte 6 is not UTF-8" },
};

static void run(struct arena *arena, const char *content, size_t len, size_t cut, size_t step,
                char trace[TRACE_MAX])
{
    struct ndjson *ndjson = NULL;
    struct utf8_text text;
    struct reading reading = { .rows = 0 };
    struct problem why = PROBLEM_NONE;
    arena_reset(arena);
    assert_int_equal(ndjson_create(arena, NULL, &ndjson, &why), FAULT_NONE);
    trace_text(&text, content, "NDJSON", true, ndjson_take, ndjson);
    enum fault f = FAULT_NONE;
    for (size_t at = 0; !f && at < len;) {
        const size_t piece = trace_piece(at, len, cut, step);
        f = utf8_text_feed(&text, content + at, piece, &why);
        at += piece;
    }
    if (!f)
        f = utf8_text_end(&text, &why);
    if (!f)
        f = ndjson_end(ndjson, &reading, &why);
    if (!f)
        trace_write(&reading, trace);
    else
        (void)snprintf(trace, TRACE_MAX, "%s", why.text);
    assert_true(f == FAULT_NONE || f == FAULT_UNPROCESSABLE);
}

static void test_every_cut_reads_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t len = strlen(cases[i].content);
        for (size_t cut = 0; cut <= len + 1; cut++) {
            char trace[TRACE_MAX] = "";
            run(arena, cases[i].content, len, cut, cut == len + 1 ? 1 : 0, trace);
            if (strcmp(trace, cases[i].trace) != 0)
                (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", cases[i].label, cut);
            assert_string_equal(trace, cases[i].trace);
        }
    }
    arena_destroy(arena);
}

static void test_a_nul_in_a_name_is_refused(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    static const char content[] = "{\"a\\u0000b\":1}\n";
    for (size_t cut = 0; cut < sizeof content; cut++) {
        char trace[TRACE_MAX];
        run(arena, content, sizeof content - 1, cut, 0, trace);
        assert_string_equal(trace, "the part is not NDJSON: column 1 has a NUL in its name");
    }
    arena_destroy(arena);
}

/* NDJSON_DEPTH_MAX levels in the object of a row are read; one more is refused. */
static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t depth = NDJSON_DEPTH_MAX; depth <= NDJSON_DEPTH_MAX + 1; depth++) {
        char content[4 * NDJSON_DEPTH_MAX];
        char trace[TRACE_MAX];
        size_t len = (size_t)snprintf(content, sizeof content, "{\"a\":");
        memset(content + len, '[', depth);
        memset(content + len + depth, ']', depth);
        len += 2 * depth;
        content[len++] = '}';
        run(arena, content, len, 0, 0, trace);
        if (depth == NDJSON_DEPTH_MAX)
            assert_string_equal(trace, "1 a:NVARCHAR");
        else
            assert_non_null(strstr(trace, "nested too deep"));
    }
    arena_destroy(arena);
}

static void test_names_and_columns_are_bounded(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t len = OPTERYX_COLUMN_NAME_MAX; len <= OPTERYX_COLUMN_NAME_MAX + 1; len++) {
        for (size_t step = 0; step <= 100; step += 50) {
            char name[OPTERYX_COLUMN_NAME_MAX + 2];
            char content[OPTERYX_COLUMN_NAME_MAX + 16];
            char trace[TRACE_MAX];
            memset(name, 'n', len);
            name[len] = '\0';
            const int made = snprintf(content, sizeof content, "{\"%s\":1}\n", name);
            run(arena, content, (size_t)made, 0, step, trace);
            if (len > OPTERYX_COLUMN_NAME_MAX)
                assert_non_null(strstr(trace, "has a name of more than"));
            else
                assert_int_equal(trace[0], '1');
        }
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_reads_the_same),
        cmocka_unit_test(test_a_nul_in_a_name_is_refused),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_names_and_columns_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
