/*
 * The values that the text readers hand to who asks for them: a table of contents, at every cut.
 */
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/csv.h"
#include "tabular/ndjson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 40 }; /* bytes of a value */

/* trace: "(header)" of a CSV, then "column=value" of each row and "/" at its end; N is null, quotes
 * are around JSON strings, ! behind one with half a surrogate pair. */
static const struct {
    const char *label;
    const char *content;
    const char *trace; /* beginning with "the part" or "row": what is refused */
} csv_cases[] = {
    { "plain values", "a,b\n1,x\n,y\n", "(a,b)a=1 b=x / a=N b=y / " },
    { "quoted values", "a,b\n\"1\",\"x,\ny\"\n\"\",\"\"\n", "(a,b)a=1 b=x,\ny / a=N b=N / " },
    { "quotes in quotes", "a,b\n\"say \"\"x\"\"\",2\n\"\"\"\",\"a\"\"b\"\n",
      "(a,b)a=say \"x\" b=2 / a=\" b=a\"b / " },
    { "text behind a closing quote", "a,b\n\"1\"2,\"x\"y\"\n", "(a,b)a=12 b=xy\" / " },
    { "too few values", "a,b\n1\n2,3\n", "(a,b)a=1 / a=2 b=3 / " },
    { "too many values", "a\n1,\n2,3\n", "(a)a=1 ?=N / a=2 ?=3 / " },
    { "blank lines and no line end", "a\n\n1\r\n\r\n2", "(a)a=1 / a=2 / " },
    { "a line that names the separator", "sep=;\na;b\n1;2,5\n", "(a,b)a=1 b=2,5 / " },
    { "a quote left open", "a,b\n1,\"x\ny", "(a,b)a=1 b=x\ny / " },
    { "as long as there is room for",
      "a,b\n1234567890123456789012345678901234567890,"
      "1\n\"12345678901234567890123456789012345678\"\"0\","
      "2\n",
      "(a,b)a=1234567890123456789012345678901234567890 b=1 /"
      " a=12345678901234567890123456789012345678\"0 b=2 / " },
    { "one byte more", "a\n1\n12345678901234567890123456789012345678901\n",
      "row 2: value 1 has more than 40 bytes" },
    { "one byte more in quotes", "a\n\"1234567890123456789012345678901234567890\"\"\"\n",
      "row 1: value 1 has more than 40 bytes" },
};

static const struct {
    const char *label;
    const char *content;
    const char *trace;
} ndjson_cases[] = {
    { "all kinds", "{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false,\"e\":null}\n",
      "a=1 b=\"x\" c=True d=False e=N / " },
    { "nested values as they are written",
      "{\"a\":{\"b\" : [1, \"\\n}\"]},\"c\":[ ],\"d\":[{\"e\":{}}]}\n",
      "a={\"b\" : [1, \"\\n}\"]} c=[ ] d=[{\"e\":{}}] / " },
    { "escapes", "{\"a\":\"\\\"\\\\\\/\\t\\u0041\\u00e9\\ud83d\\ude00z\"}\n",
      "a=\"\"\\/\tA\xC3\xA9\xF0\x9F\x98\x80z\" / " },
    { "half a surrogate pair", "{\"a\":\"\\ud83dx\",\"b\":[\"\\ude00\"],\"c\":\"y\"}\n",
      "a=\"\xEF\xBF\xBDx\"! b=[\"\\ude00\"]! c=\"y\" / " },
    { "a name with half a pair below", "{\"a\":{\"\\ud83d\":1}}\n", "a={\"\\ud83d\":1}! / " },
    { "numbers of all shapes", "{\"a\":-0,\"b\":1.50,\"c\":1E+5,\"d\":12345678901234567890123}\n",
      "a=-0 b=1.50 c=1E+5 d=12345678901234567890123 / " },
    { "blanks around", " { \"a\" : 1 , \"b\" :\t\"x\" , \"c\" : [1] } \r\n",
      "a=1 b=\"x\" c=[1] / " },
    { "rows and members that are alike",
      "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{}\n{\"b\":null}\n",
      "a=1 b=\"x\" / a=2 b=\"y\" / / b=N / " },
    { "other orders and a name twice", "{\"a\":1}\n{\"b\":2,\"a\":3,\"a\":4}\n",
      "a=1 / b=2 a=3 a=4 / " },
    { "a name with an escape", "{\"a\\\"\":1}\n{\"a\\\"\":\"x\"}\n", "a\"=1 / a\"=\"x\" / " },
    { "an empty string and an empty name", "{\"\":\"\"}", "=\"\" / " },
    { "as long as there is room for",
      "{\"a\":\"1234567890123456789012345678901234567890\",\"b\":["
      "123456789012345678901234567890123456,1]}",
      "a=\"1234567890123456789012345678901234567890\" b=[123456789012345678901234567890123456,1] "
      "/ " },
    { "a string of one byte more",
      "{\"a\":1}\n{\"a\":\"12345678901234567890123456789012345678901\"}\n",
      "row 2: column 'a' has a value of more than 40 bytes" },
    { "an escape of one byte more", "{\"a\":\"1234567890123456789012345678901234567890\\n\"}\n",
      "row 1: column 'a' has a value of more than 40 bytes" },
    { "a list of one byte more", "{\"a\":[123456789012345678901234567890123456,12]}\n",
      "row 1: column 'a' has a value of more than 40 bytes" },
    { "what is wrong behind a value", "{\"a\":1}x\n",
      "the part is not NDJSON: row 1: more than an object in the row (byte 7)" },
};

struct trace {
    char text[TRACE_MAX];
    size_t len;
};

static void trace_add(struct trace *trace, const char *bytes, size_t len)
{
    assert_true(trace->len + len < sizeof trace->text);
    memcpy(trace->text + trace->len, bytes, len);
    trace->len += len;
    trace->text[trace->len] = '\0';
}

static enum fault take_value(void *ctx, size_t column, const char *name, const struct value *value,
                             struct problem *why)
{
    struct trace *trace = ctx;
    (void)why;
    (void)column;
    const bool string = value->form == VALUE_STRING;
    trace_add(trace, name ? name : "?", strlen(name ? name : "?"));
    trace_add(trace, "=\"", string ? 2 : 1);
    const char *word = value->form == VALUE_TRUE ? "True" : "False";
    if (value->form == VALUE_NULL)
        word = "N";
    if (value->form == VALUE_NULL || value->form == VALUE_TRUE || value->form == VALUE_FALSE)
        trace_add(trace, word, strlen(word));
    else
        trace_add(trace, value->bytes, value->len);
    trace_add(trace, "\"", string);
    trace_add(trace, "! ", value->half ? 2 : 0);
    trace_add(trace, " ", !value->half);
    return FAULT_NONE;
}

static enum fault take_row(void *ctx, struct problem *why)
{
    (void)why;
    trace_add(ctx, "/ ", 2);
    return FAULT_NONE;
}

static enum fault take_header(void *ctx, const struct columns *columns, struct problem *why)
{
    (void)why;
    for (size_t i = 0; i < columns->count; i++) {
        trace_add(ctx, i ? "," : "(", 1);
        trace_add(ctx, columns->list[i].name, strlen(columns->list[i].name));
    }
    trace_add(ctx, ")", 1);
    return FAULT_NONE;
}

/* Reads a content in two pieces; step: in pieces of that many bytes instead. */
static void run(struct arena *arena, bool json, const char *content, size_t cut, size_t step,
                struct trace *trace)
{
    char buffer[ROOM];
    const struct value_sink values = { trace,      buffer,   sizeof buffer,
                                       take_value, take_row, take_header };
    struct problem why = PROBLEM_NONE;
    struct reading reading;
    struct csv *csv = NULL;
    struct ndjson *ndjson = NULL;
    struct utf8_text text;
    const size_t len = strlen(content);
    arena_reset(arena);
    enum fault f = json ? ndjson_create(arena, &values, &ndjson, &why)
                        : csv_create(arena, &values, &csv, &why);
    if (json)
        trace_text(&text, content, "NDJSON", true, ndjson_take, ndjson);
    else
        trace_text(&text, content, "CSV", false, csv_take, csv);
    for (size_t at = 0; !f && at < len;) {
        const size_t piece = trace_piece(at, len, cut, step);
        char copy[TRACE_MAX]; /* of its own, so that what is kept of a piece shows */
        memcpy(copy, content + at, piece);
        f = utf8_text_feed(&text, copy, piece, &why);
        memset(copy, '#', piece);
        at += piece;
    }
    if (!f)
        f = utf8_text_end(&text, &why);
    if (!f)
        f = json ? ndjson_end(ndjson, &reading, &why) : csv_end(csv, &reading, &why);
    if (f)
        (void)snprintf(trace->text, sizeof trace->text, "%s", why.text);
}

static void try_cuts(bool json, const char *label, const char *content, const char *wanted)
{
    struct arena *arena = arena_create(ARENA_MAX);
    const size_t len = strlen(content);
    for (size_t cut = 0; cut <= len + 1; cut++) {
        struct trace trace = { .len = 0 };
        run(arena, json, content, cut, cut == len + 1 ? 1 : 0, &trace);
        if (strcmp(trace.text, wanted) != 0)
            (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", label, cut);
        assert_string_equal(trace.text, wanted);
    }
    arena_destroy(arena);
}

static void test_values_of_csv_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof csv_cases / sizeof csv_cases[0]; i++)
        try_cuts(false, csv_cases[i].label, csv_cases[i].content, csv_cases[i].trace);
}

/* Rows that lie whole in a piece are taken by the block: blank lines behind leave many. */
static void test_values_of_rows_in_blocks_of_csv(void **state)
{
    (void)state;
    enum { BEHIND = 150, CONTENT_MAX = 1024 };
    for (size_t i = 0; i < sizeof csv_cases / sizeof csv_cases[0]; i++) {
        char content[CONTENT_MAX];
        const size_t len = strlen(csv_cases[i].content);
        if (csv_cases[i].content[len - 1] != '\n')
            continue;
        memcpy(content, csv_cases[i].content, len);
        memset(content + len, '\n', BEHIND);
        content[len + BEHIND] = '\0';
        try_cuts(false, csv_cases[i].label, content, csv_cases[i].trace);
    }
}

static void test_values_of_ndjson_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ndjson_cases / sizeof ndjson_cases[0]; i++)
        try_cuts(true, ndjson_cases[i].label, ndjson_cases[i].content, ndjson_cases[i].trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_csv_at_every_cut),
        cmocka_unit_test(test_values_of_rows_in_blocks_of_csv),
        cmocka_unit_test(test_values_of_ndjson_at_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
