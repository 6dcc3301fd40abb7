/*
 * The CSV reader: a table of contents and what is read from them, each at every cut of the stream.
 */
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* trace: rows, then name:type of each column, then the issues. */
static const struct {
    const char *label;
    const char *content;
    enum fault fault;
    const char *trace;
} cases[] = {
    { "one column, one row", "a\n1\n", FAULT_NONE, "1 a:INT64" },
    { "the last line end is optional", "a,b\n1,x", FAULT_NONE, "1 a:INT64 b:VARCHAR" },
    { "a header alone", "a,b\n", FAULT_NONE, "0 a:NULL b:NULL" },
    { "a header alone without a line end", "a,b", FAULT_NONE, "0 a:NULL b:NULL" },
    { "CRLF, CR and LF end rows", "a,b\r\n1,2\r3,4\n5,6\r\n", FAULT_NONE, "3 a:INT64 b:INT64" },
    { "blank lines are no rows", "\r\n\na\n\n1\n\r\n\n2\n\n", FAULT_NONE, "2 a:INT64" },
    { "a quoted empty value is a row", "a\n\"\"\n1\n", FAULT_NONE, "2 a:INT64" },
    { "a byte order mark is skipped",
      "\xEF\xBB\xBF"
      "a\n1\n",
      FAULT_NONE, "1 a:INT64" },
    { "so are two",
      "\xEF\xBB\xBF\xEF\xBB\xBF"
      "a\n1\n",
      FAULT_NONE, "1 a:INT64" },
    { "the 0x1A of old programs at the end is passed over", "a\n1\n\x1A", FAULT_NONE, "1 a:INT64" },
    { "so it is behind a value", "a\n1\x1A", FAULT_NONE, "1 a:INT64" },
    { "but not before the end", "a\n1\x1A\n\x1A\x1A", FAULT_NONE, "2 a:VARCHAR" },
    { "what begins like a mark is content", "\xEF\xBB\x80,b\n1,2\n", FAULT_NONE,
      "1 \xEF\xBB\x80:INT64 b:INT64" },
    { "quotes hold commas, line ends and quotes", "a,b\n\"x,\ny\r\n\"\"z\"\"\",2\n", FAULT_NONE,
      "1 a:VARCHAR b:INT64" },
    { "quoted names", "\"a,b\",\"c\"\"d\"\n1,2\n", FAULT_NONE, "1 a,b:INT64 c\"d:INT64" },
    { "quotes do not change a type", "a,b\n\"1\",\"true\"\n", FAULT_NONE, "1 a:INT64 b:BOOL" },
    { "text behind a closing quote belongs to the value", "a,b\n\"1\"2,x\n", FAULT_NONE,
      "1 a:INT64 b:VARCHAR" },
    { "text behind a closing quote makes text of a number", "a,b\n\"1\"x,\"2\"\"\"\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR" },
    { "quotes in quotes make text of a number", "a,b,c\n\"1\"\"2\",\"\"\"1\",\"\"\"\"\n",
      FAULT_NONE, "1 a:VARCHAR b:VARCHAR c:VARCHAR" },
    { "a quote inside a value stands for itself", "a\nx\"y\n", FAULT_NONE, "1 a:VARCHAR" },
    { "integers that fit 64 bits", "a\n-9223372036854775808\n9223372036854775807\n0\n-0\n",
      FAULT_NONE, "4 a:INT64" },
    { "numbers with a leading zero name something",
      "a,b,c,d,e,f\n00501,-01,00,00.5,01e5,0123456789\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR e:VARCHAR f:VARCHAR" },
    { "numbers with a plus sign name something", "a,b,c,d\n+49301234,+1,+.5,+1e5\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR" },
    { "zeros that lead to nothing else", "a,b,c,d,e,f\n0,-0,0.5,-0.25,0e5,1e+05\n", FAULT_NONE,
      "1 a:INT64 b:INT64 c:FLOAT64 d:FLOAT64 e:FLOAT64 f:FLOAT64" },
    { "one such number makes names of all", "a,b\n1234,1\n01234,2\n", FAULT_NONE,
      "2 a:VARCHAR b:INT64" },
    { "what is no finite number",
      "a,b,c,d,e\nnan,inf,-Inf,+INF,Infinity\nNaN,-infinity,1,2.5,-NAN\n", FAULT_NONE,
      "2 a:FLOAT64 b:FLOAT64 c:FLOAT64 d:FLOAT64 e:FLOAT64" },
    { "what only begins like it", "a,b,c,d\nnano,info,-,--inf\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR" },
    { "one past 64 bits", "a\n9223372036854775808\n", FAULT_NONE, "1 a:FLOAT64" },
    { "one below 64 bits", "a\n-9223372036854775809\n", FAULT_NONE, "1 a:FLOAT64" },
    { "many leading zeros", "a\n0000000000000000000000001\n", FAULT_NONE, "1 a:VARCHAR" },
    { "decimals", "a\n1.5\n", FAULT_NONE, "1 a:FLOAT64" },
    { "decimals of all shapes", "a\n.5\n5.\n-1e5\n1E+05\n1.5e-3\n", FAULT_NONE, "5 a:FLOAT64" },
    { "integers and decimals widen", "a\n1\n1.5\n", FAULT_NONE, "2 a:FLOAT64" },
    { "no numbers", "a,b,c,d,e,f,g\n.,-,1e,e5,1.2.3,0x1,1 \n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR e:VARCHAR f:VARCHAR g:VARCHAR" },
    { "booleans in any case", "a\ntrue\nFALSE\nTrue\n", FAULT_NONE, "3 a:BOOL" },
    { "booleans beside numbers are text, and told", "a\ntrue\n1\n", FAULT_NONE,
      "2 a:VARCHAR !column 'a' holds booleans and numbers" },
    { "a number beside text is text", "a\n1\nx\n", FAULT_NONE, "2 a:VARCHAR" },
    { "nothing but nulls", "a,b\n,1\n,2\n", FAULT_NONE, "2 a:NULL b:INT64" },
    { "nulls do not change a type", "a,b\n,x\n1,\n", FAULT_NONE, "2 a:INT64 b:VARCHAR" },
    { "dates and addresses are text", "a,b\n2026-01-02,10.0.0.1\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR" },
    { "text that is not ASCII", "a,b,c\nx,\xC3\xA9,1\n\"\xC3\xA9\",y,2\n", FAULT_NONE,
      "2 a:NVARCHAR b:NVARCHAR c:INT64" },
    { "a name that is not ASCII", "\xC3\xA9\n1\n", FAULT_NONE, "1 \xC3\xA9:INT64" },
    { "quotes of all kinds in one row", "a,b,c,d,e\n\"x,y\",\"\",\"1\",\"p\"\"q\",\"t\"u\n",
      FAULT_NONE, "1 a:VARCHAR b:NULL c:INT64 d:VARCHAR e:VARCHAR" },
    { "a comma, a sign and a tab behind one another", "a,b,c\n,-1,\t\n,-2,-\n", FAULT_NONE,
      "2 a:NULL b:INT64 c:VARCHAR" },
    { "short values of all kinds", "a,b,c,d,e,f,g\n1234567,-123456,1.23456,.5,+1,TrUe,1-2\n",
      FAULT_NONE, "1 a:INT64 b:INT64 c:FLOAT64 d:FLOAT64 e:VARCHAR f:BOOL g:VARCHAR" },
    { "short values that are no numbers", "a,b,c,d,e,f,g\n-,.,+,1:2,tru,true1,-.\n", FAULT_NONE,
      "1 a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR e:VARCHAR f:VARCHAR g:VARCHAR" },
    { "too few values", "a,b\n1\n2,3\n", FAULT_NONE,
      "2 a:INT64 b:INT64 !row 1 has 1 values for 2 columns" },
    { "too many values, more than once", "a\n1\n2,3\n4,5,6\n", FAULT_NONE,
      "3 a:INT64 !row 2 has 2 values for 1 columns, and 1 more rows differ" },
    { "a trailing comma is one more value", "a,b\n1,2,\n", FAULT_NONE,
      "1 a:INT64 b:INT64 !row 1 has 3 values for 2 columns" },
    { "a quote left open", "a,b\n1,\"x\ny", FAULT_NONE,
      "1 a:INT64 b:VARCHAR !a quote in row 1 is not closed" },
    { "two columns of one name", "a,a\n1,x\n", FAULT_NONE,
      "1 a:INT64 a:VARCHAR !more than one column has the name 'a'" },
    { "a column without a name", "a,\n1,2\n", FAULT_NONE,
      "1 a:INT64 :INT64 !column 2 has no name" },
    { "several columns without a name, and one twice", ",b,,b\n1,2,3,4\n", FAULT_NONE,
      "1 :INT64 b:INT64 :INT64 b:INT64 !column 1 has no name !column 3 has no name"
      " !more than one column has the name 'b'" },
    { "a line that names the separator", "sep=;\na;b,c\n1;\"x;\"\n\n2;y\n", FAULT_NONE,
      "2 a:INT64 b,c:VARCHAR !the first line is no header: it says that values are separated by "
      "';'" },
    { "the same with a tab, quoted", "\"sep=\t\"\r\na\tb\r\n1\t2\r\n", FAULT_NONE,
      "1 a:INT64 b:INT64 !the first line is no header: it says that values are separated by a "
      "tab" },
    { "the same with a comma", "SEP=,\na,b\n1,2\n", FAULT_NONE,
      "1 a:INT64 b:INT64 !the first line is no header: it says that values are separated by ','" },
    { "such a line alone", "sep=;\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: it has no header row" },
    { "a second such line is a header", "sep=;\nsep=|\n1\n", FAULT_NONE,
      "1 sep=|:INT64 !the first line is no header: it says that values are separated by ';'" },
    { "headers that only begin so", "sep=x\n1\n", FAULT_NONE, "1 sep=x:INT64" },
    { "semicolons", "a;b;c\n1;2;3\n", FAULT_NONE,
      "1 a;b;c:VARCHAR !the header seems to be separated by ';': only commas separate values, "
      "unless"
      " the first line is sep= and the separator" },
    { "semicolons behind quotes", "\"a\";\"b\"\n1;2\n", FAULT_NONE,
      "1 a;\"b\":VARCHAR !the header seems to be separated by ';': only commas separate values, "
      "unless"
      " the first line is sep= and the separator" },
    { "tabs, and a comma in a name", "a\tb\tc, or d\n1\t2\t3\n", FAULT_NONE,
      "1 a\tb\tc:VARCHAR  or d:NULL !the header seems to be separated by a tab: only commas "
      "separate"
      " values, unless the first line is sep= and the separator"
      " !row 1 has 1 values for 2 columns" },
    { "bars", "a|b\n1|2\n", FAULT_NONE,
      "1 a|b:VARCHAR !the header seems to be separated by '|': only commas separate values, unless "
      "the"
      " first line is sep= and the separator" },
    { "separators of others in quotes and in values", "\"a;b\",\"c|d\"\n1;2,3|4\n", FAULT_NONE,
      "1 a;b:VARCHAR c|d:VARCHAR" },
    { "fewer of them than commas", "a;b,c,d\n1,2,3\n", FAULT_NONE, "1 a;b:INT64 c:INT64 d:INT64" },
    { "nothing", "", FAULT_UNPROCESSABLE, "the part is not CSV: it has no header row" },
    { "blank lines alone", "\n\r\n\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: it has no header row" },
    { "a mark alone", "\xEF\xBB\xBF", FAULT_UNPROCESSABLE,
      "the part is not CSV: it has no header row" },
    { "a byte that is no UTF-8", "a\nx\xFFy\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 3 is not UTF-8" },
    { "characters of two, three and four bytes",
      "a\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xE3\x81\x82zz\n", FAULT_NONE, "1 a:NVARCHAR" },
    { "an overlong form of three bytes", "a\nxx\xE0\x9F\xBF\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 4 is not UTF-8" },
    { "past the last character", "a\n\xF4\x90\x80\x80\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 2 is not UTF-8" },
    { "a sequence that breaks off", "a\n\xE2\x82x\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 2 is not UTF-8" },
    { "an overlong form", "a\n\xC0\xAF\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 2 is not UTF-8" },
    { "a surrogate", "a\n1234567\xED\xA0\x80\n", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 9 is not UTF-8" },
    { "a sequence cut off at the end", "a\nx\xE2\x82", FAULT_UNPROCESSABLE,
      "the part is not CSV: byte 3 is not UTF-8" },
};

static enum fault finish(struct csv *csv, char trace[TRACE_MAX], struct problem *why)
{
    struct reading reading = { .rows = 0 };
    const enum fault f = csv_end(csv, &reading, why);
    if (!f)
        trace_write(&reading, trace);
    return f;
}

/* Reads content in two pieces; step: in pieces of that many bytes instead. */
static enum fault run(struct arena *arena, const char *content, size_t len, size_t cut, size_t step,
                      char trace[TRACE_MAX])
{
    struct csv *csv = NULL;
    struct utf8_text text;
    struct problem why = PROBLEM_NONE;
    arena_reset(arena);
    assert_int_equal(csv_create(arena, NULL, &csv, &why), FAULT_NONE);
    trace_text(&text, content, "CSV", false, csv_take, csv);
    enum fault f = FAULT_NONE;
    for (size_t at = 0; !f && at < len;) {
        const size_t piece = trace_piece(at, len, cut, step);
        f = utf8_text_feed(&text, content + at, piece, &why);
        at += piece;
    }
    if (!f)
        f = utf8_text_end(&text, &why);
    if (!f)
        f = finish(csv, trace, &why);
    if (f)
        (void)snprintf(trace, TRACE_MAX, "%s", why.text);
    return f;
}

/* Reads a case's content of len bytes at every cut. */
static void try_cuts(struct arena *arena, size_t i, const char *content, size_t len)
{
    for (size_t cut = 0; cut <= len + 1; cut++) {
        char trace[TRACE_MAX] = "";
        const bool by_bytes = cut == len + 1;
        const enum fault f = run(arena, content, len, cut, by_bytes ? 1 : 0, trace);
        if (f != cases[i].fault || strcmp(trace, cases[i].trace) != 0)
            (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", cases[i].label, cut);
        assert_int_equal(f, cases[i].fault);
        assert_string_equal(trace, cases[i].trace);
    }
}

static void test_every_cut_reads_the_same(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        try_cuts(arena, i, cases[i].content, strlen(cases[i].content));
    arena_destroy(arena);
}

/* Rows that lie whole in a piece are taken by the block, where a block is left of it; blank lines
 * behind a case leave many and change nothing. */
static void test_every_cut_of_more_reads_the_same(void **state)
{
    (void)state;
    enum { BEHIND = 150, content_MAX = 1024 };
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char content[content_MAX];
        const size_t len = strlen(cases[i].content);
        if (len == 0 || cases[i].content[len - 1] != '\n')
            continue;
        const int made = snprintf(content, sizeof content, "%s%*s", cases[i].content, BEHIND, "");
        memset(content + len, '\n', BEHIND);
        try_cuts(arena, i, content, (size_t)made);
    }
    arena_destroy(arena);
}

/* A value around OPTERYX_CELL_MAX bytes: longer ones are text, whatever the cut. */
static void test_a_very_long_number_is_text(void **state)
{
    (void)state;
    static char content[OPTERYX_CELL_MAX + 16];
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t digits = OPTERYX_CELL_MAX - 1; digits <= OPTERYX_CELL_MAX + 1; digits++) {
        for (size_t step = 0; step <= 7; step++) {
            char trace[TRACE_MAX];
            content[0] = 'a';
            content[1] = '\n';
            memset(content + 2, '9', digits);
            content[2 + digits] = '\n';
            assert_int_equal(run(arena, content, digits + 3, digits, step, trace), FAULT_NONE);
            assert_string_equal(trace, digits > OPTERYX_CELL_MAX ? "1 a:VARCHAR" : "1 a:FLOAT64");
        }
    }
    arena_destroy(arena);
}

static void test_names_and_columns_are_bounded(void **state)
{
    (void)state;
    static char content[4 * OPTERYX_COLUMNS_MAX];
    struct arena *arena = arena_create(ARENA_MAX);
    char trace[TRACE_MAX];
    memset(content, 'n', OPTERYX_COLUMN_NAME_MAX + 1);
    content[OPTERYX_COLUMN_NAME_MAX + 1] = '\n';
    for (size_t step = 0; step <= 1; step++) {
        assert_int_equal(run(arena, content, OPTERYX_COLUMN_NAME_MAX + 2, 0, step, trace),
                         FAULT_UNPROCESSABLE);
        assert_int_equal(run(arena, content + 1, OPTERYX_COLUMN_NAME_MAX + 1, 0, step, trace),
                         FAULT_NONE);
    }
    memset(content, ',', OPTERYX_COLUMNS_MAX);
    content[OPTERYX_COLUMNS_MAX] = '\n';
    assert_int_equal(run(arena, content, OPTERYX_COLUMNS_MAX + 1, 0, 0, trace),
                     FAULT_UNPROCESSABLE);
    arena_destroy(arena);
}

/* Memory is a matter of columns, not of rows. */
static void test_memory_does_not_grow_with_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    struct csv *csv = NULL;
    struct utf8_text text;
    struct problem why = PROBLEM_NONE;
    static const char row[] = "1,\"x\ny\",2.5,\xC3\xA9\n";
    assert_int_equal(csv_create(arena, NULL, &csv, &why), FAULT_NONE);
    trace_text(&text, "", "CSV", false, csv_take, csv);
    assert_int_equal(utf8_text_feed(&text, "a,b,c,d\n", 8, &why), FAULT_NONE);
    const size_t before = arena_used(arena);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(utf8_text_feed(&text, row, sizeof row - 1, &why), FAULT_NONE);
    assert_int_equal(arena_used(arena), before);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_reads_the_same),
        cmocka_unit_test(test_every_cut_of_more_reads_the_same),
        cmocka_unit_test(test_a_very_long_number_is_text),
        cmocka_unit_test(test_names_and_columns_are_bounded),
        cmocka_unit_test(test_memory_does_not_grow_with_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
