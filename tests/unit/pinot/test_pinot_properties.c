/* Java .properties text, as Commons Configuration reads it. */
#include "pinot/properties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRACE_MAX = 1024 };

/* Every property unescaped, as "[key|value]". */
static void trace(const char *bytes, size_t len, struct text *out)
{
    struct properties lines;
    struct property p;
    properties_init(&lines, bytes, len);
    while (properties_next(&lines, &p)) {
        text_addc(out, '[');
        properties_unescape(out, p.key, p.key_len);
        text_addc(out, '|');
        properties_unescape(out, p.value, p.value_len);
        text_addc(out, ']');
    }
    properties_release(&lines);
}

static const struct {
    const char *label;
    const char *text;
    const char *trace;
} cases[] = {
    { "as Pinot writes them", "segment.name = a_0\nsegment.total.docs = 10\n",
      "[segment.name|a_0][segment.total.docs|10]" },
    { "no end of the last line", "a=1", "[a|1]" },
    { "all separators", "a=1\nb:2\nc 3\nd \t= 4\ne\t:5\nf == 6",
      "[a|1][b|2][c|3][d|4][e|5][f|= 6]" },
    { "CRLF and CR", "a=1\r\nb=2\rc=3\r\n", "[a|1][b|2][c|3]" },
    { "comments and blank lines", "# x\n\n  ! y\n\t \na=1\n", "[a|1]" },
    { "lines are trimmed", "  a = 1 2 \t\n", "[a|1 2]" },
    { "key alone", "a\nb=\n", "[a|][b|]" },
    { "escaped separators in a key", "a\\=b\\:c\\ d = 1\n", "[a=b:c d|1]" },
    { "control escapes", "a = x\\ty\\nz\\\\w\\r\\f\\b\n", "[a|x\ty\nz\\w\r\f\b]" },
    { "a backslash before anything else is dropped", "a = \\q\\,\\\"\n", "[a|q,\"]" },
    { "unicode", "a = \\u0041\\u00e9\\u20ac\\ud83d\\ude00\n",
      "[a|A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80]" },
    { "half a surrogate pair", "a = \\ud83dx\\ude00\n", "[a|\xEF\xBF\xBDx\xEF\xBF\xBD]" },
    { "a short unicode escape is none", "a = \\u12\n", "[a|u12]" },
    { "continuation", "a = 1\\\n   2\\\n3\nb = 4\n", "[a|123][b|4]" },
    { "an even number of backslashes continues nothing", "a = 1\\\\\nb = 2\n", "[a|1\\][b|2]" },
    { "a comment inside a continued line is passed over", "a = 1\\\n# x\n2\n", "[a|12]" },
    { "a continued line at the end", "a = 1\\\n", "[a|1]" },
    { "a lone backslash at the end of a value", "a = 1\\", "[a|1]" },
    { "UTF-8 as it stands", "a = \xC3\xA9\n", "[a|\xC3\xA9]" },
    { "ISO-8859-1", "a = \xE9t\xE9\n", "[a|\xC3\xA9t\xC3\xA9]" },
    { "nothing", "", "" },
};

static void test_properties_read_as_commons_configuration_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text out;
        text_init(&out, TRACE_MAX);
        trace(cases[i].text, strlen(cases[i].text), &out);
        if (strcmp(text_string(&out), cases[i].trace) != 0)
            (void)fprintf(stderr, "case \"%s\":\n", cases[i].label);
        assert_string_equal(text_string(&out), cases[i].trace);
        text_release(&out);
    }
}

static void test_a_value_with_a_nul_is_not_copied(void **state)
{
    char out[8];
    (void)state;
    assert_false(properties_copy(out, sizeof out, "a\\u0000b", 8));
    assert_false(properties_copy(out, sizeof out, "12345678", 8));
    assert_true(properties_copy(out, sizeof out, "1234567", 7));
    assert_string_equal(out, "1234567");
    assert_true(properties_copy(out, sizeof out, "\\u0041", 6));
    assert_string_equal(out, "A");
}

/* Reading it line by line is quick; searching the rest of it at every line takes longer than a test
 * may. */
static void test_a_file_of_line_ends_is_read_once(void **state)
{
    enum { LEN = 8 << 20 };
    struct properties lines;
    struct property p;
    char *bytes = malloc(LEN);
    (void)state;
    assert_non_null(bytes);
    memset(bytes, '\r', LEN);
    properties_init(&lines, bytes, LEN);
    assert_false(properties_next(&lines, &p));
    properties_release(&lines);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_properties_read_as_commons_configuration_does),
        cmocka_unit_test(test_a_value_with_a_nul_is_not_copied),
        cmocka_unit_test(test_a_file_of_line_ends_is_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
