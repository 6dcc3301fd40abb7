/*
 * Conversions: what they refuse and where, and that every cut of the input makes the same file.
 * tests/peer reads the files that are made.
 */
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/convert.h"
#include "tabular/parquet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 16 * MIB };

/* result: "rows" and what the file's footer says, or the code and the text of the refusal and where it
 * is: "code: text [row|column|value|declared]".  A file does not tell NVARCHAR from VARCHAR. */
static const struct {
    const char *label;
    enum format_kind kind;
    const char *declared; /* "name:TYPE name:TYPE!"; ! may not be null */
    const char *ignored;
    const char *content;
    const char *result;
} cases[] = {
    { "columns in another order", FORMAT_CSV, "a:INT32 b:VARCHAR", "", "b,a\nx,1\ny,2\n",
      "2 a:INT32 b:VARCHAR" },
    { "columns that are absent", FORMAT_CSV, "a:INT32 b:DATE c:FLOAT64!", "", "c\n1\n2.5\n",
      "2 a:INT32 b:DATE c:FLOAT64!" },
    { "columns that are ignored", FORMAT_CSV, "a:INT32", "b:NULL c:NULL", "c,b,a\nx,y,1\n",
      "1 a:INT32" },
    { "no rows", FORMAT_CSV, "a:INT32", "", "a\n", "0 a:INT32" },
    { "no bytes of NDJSON", FORMAT_NDJSON, "a:INT32", "", "", "0 a:INT32" },
    { "no columns", FORMAT_NDJSON, "", "", "{}\n{}\n", "2" },
    { "members in any order, absent and twice", FORMAT_NDJSON, "a:INT32 b:NVARCHAR c:BOOL", "",
      "{\"b\":\"x\"}\n{\"c\":true,\"b\":{\"d\":1},\"a\":5}\n{}\n{\"a\":1,\"a\":2}\n",
      "4 a:INT32 b:VARCHAR c:BOOL" },
    { "ignored members are not looked at", FORMAT_NDJSON, "a:INT32", "b:NULL",
      "{\"a\":1,\"b\":[1]}\n{\"b\":\"\\ud83d\"}\n", "2 a:INT32" },
    { "a separator at a row's end", FORMAT_CSV, "a:INT32 b:INT32", "", "a,b\n1,2,\n",
      "1 a:INT32 b:INT32" },
    { "a row that is short", FORMAT_CSV, "a:INT32 b:INT32", "", "a,b\n1\n", "1 a:INT32 b:INT32" },
    { "all types", FORMAT_CSV,
      "a:INT8 b:UINT64 c:FLOAT32 d:BOOL e:DATE f:TIME g:TIMESTAMP[ms] h:DECIMAL(10,2) i:VARCHAR "
      "j:NVARCHAR k:VARBINARY l:IPV4 m:VARIANT n:NULL",
      "",
      "a,b,c,d,e,f,g,h,i,j,k,l,m,n\n-1,2,1.5,true,2026-01-02,03:04,2026-01-02T03:04:05Z,1.50,x,"
      "\xC3\xA9,b,"
      "10.0.0.1,[1],\n",
      "1 a:INT8 b:UINT64 c:FLOAT32 d:BOOL e:DATE f:TIME g:TIMESTAMP[ms] h:DECIMAL(10, 2) i:VARCHAR"
      " j:VARCHAR k:VARBINARY l:UINT32 m:VARCHAR n:NULL" },
    { "a value that does not fit", FORMAT_CSV, "source_ip:IPV4", "",
      "source_ip\n10.0.0.1\n\nunknown\n",
      "value_not_castable: column 'source_ip' cannot hold 'unknown' as IPV4 "
      "[2|source_ip|'unknown'|IPV4]" },
    { "a number that does not fit", FORMAT_NDJSON, "a:INT8", "", "{\"a\":1}\n{\"a\":300}\n",
      "value_not_castable: column 'a' cannot hold 300 as INT8 [2|a|300|INT8]" },
    { "a nested value that does not fit", FORMAT_NDJSON, "a:INT8", "", "{\"a\":{\"b\":[1]}}\n",
      "value_not_castable: column 'a' cannot hold {\"b\":[1]} as INT8 [1|a|{\"b\":[1]}|INT8]" },
    { "text that is not ASCII", FORMAT_NDJSON, "a:VARCHAR", "", "{\"a\":\"\\u00e9\"}\n",
      "value_not_castable: column 'a' cannot hold '\xC3\xA9' as VARCHAR [1|a|'\xC3\xA9'|VARCHAR]" },
    { "half a surrogate pair", FORMAT_NDJSON, "a:NVARCHAR", "", "{\"a\":\"x\\ud83d\"}\n",
      "value_not_castable: column 'a' cannot hold 'x\xEF\xBF\xBD' as NVARCHAR"
      " [1|a|'x\xEF\xBF\xBD'|NVARCHAR]" },
    { "null where it may not be", FORMAT_NDJSON, "a:INT8! b:INT8", "", "{\"a\":1}\n{\"b\":1}\n",
      "value_not_castable: column 'a' cannot hold None as INT8 [2|a|None|INT8]" },
    { "an empty value where null may not be", FORMAT_CSV, "a:VARCHAR!", "", "a\n\"\"\n",
      "value_not_castable: column 'a' cannot hold None as VARCHAR [1|a|None|VARCHAR]" },
    { "a column that is not declared", FORMAT_CSV, "a:INT8", "", "a,b\n1,2\n",
      "column_undeclared: column 'b' is not declared [0|b||]" },
    { "a member that is not declared", FORMAT_NDJSON, "a:INT8", "", "{\"a\":1}\n{\"b\":null}\n",
      "column_undeclared: column 'b' is not declared [2|b||]" },
    { "a value past the last column", FORMAT_CSV, "a:INT8", "", "a\n1\n2,3\n",
      "column_undeclared: row 2 has more values than there are columns [2|||]" },
    { "a column that may not be null is absent", FORMAT_CSV, "a:INT8 b:DATE!", "", "a\n1\n",
      "column_missing: column 'b' is missing and may not be null [0|b||DATE]" },
    { "a column twice", FORMAT_CSV, "a:INT8", "", "a,a\n1,2\n",
      "-: the part is not CSV: more than one column has the name 'a' [0|||]" },
    { "what is no NDJSON", FORMAT_NDJSON, "a:INT8", "", "{\"a\":1}\n[1]\n",
      "-: the part is not NDJSON: row 2: the row is not an object (byte 8) [0|||]" },
    { "what is no CSV", FORMAT_CSV, "a:INT8", "", "",
      "-: the part is not CSV: it has no header row [0|||]" },
    { "a type that nothing is cast to", FORMAT_CSV, "a:ARRAY<INT8>", "", "a\n",
      "-: column 'a': no text can be cast to the type ARRAY<INT8> [0|||]" },
};

static void parse(struct arena *arena, const char *text, struct columns *out)
{
    struct problem why = PROBLEM_NONE;
    columns_init(out, arena);
    while (*text) {
        char word[TYPE_TEXT_MAX];
        struct type type = { .kind = TYPE_NULL };
        const size_t name = strcspn(text, ":");
        const char *at = text + name + 1;
        const size_t len = strcspn(at, " !");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        assert_true(type_parse(word, &type));
        assert_int_equal(columns_add(out, text, name, &type, at[len] != '!', &why), FAULT_NONE);
        text = at + len + (at[len] == '!');
        text += strspn(text, " ");
    }
}

static enum fault append(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)why;
    text_add(ctx, bytes, len);
    return FAULT_NONE;
}

static enum fault spool_read(void *ctx, uint64_t offset, void *bytes, size_t len,
                             struct problem *why)
{
    const struct text *text = ctx;
    (void)why;
    memcpy(bytes, text->data + offset, len);
    return FAULT_NONE;
}

static enum fault file_read(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    const struct text *text = ctx;
    (void)why;
    *got = len < text->len - offset ? len : text->len - (size_t)offset;
    memcpy(bytes, text->data + offset, *got);
    return FAULT_NONE;
}

static void footer_trace(struct text *file, struct arena *arena, char trace[TRACE_MAX])
{
    const struct thrift_source source = { file, file_read };
    struct reading reading = { .rows = 0 };
    struct problem why = PROBLEM_NONE;
    assert_int_equal(parquet_read(&source, file->len, arena, &reading, &why), FAULT_NONE);
    trace_write(&reading, trace);
}

static void refusal_trace(const struct convert *convert, const struct problem *why,
                          char trace[TRACE_MAX])
{
    static const struct convert_refusal none = { .row = 0 };
    const struct convert_refusal *r = convert ? convert_refusal(convert) : &none;
    (void)snprintf(trace, TRACE_MAX, "%s: %s [%lld|%s|%s|%s]", why->code ? why->code : "-",
                   why->text, (long long)r->row, r->column, r->value, r->declared);
}

/* Converts a case in two pieces; step: in pieces of that many bytes instead. */
static void run(size_t i, size_t cut, size_t step, struct text *file, char trace[TRACE_MAX])
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct columns declared;
    struct columns ignored;
    struct text spooled;
    struct convert *convert = NULL;
    struct problem why = PROBLEM_NONE;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    const size_t len = strlen(cases[i].content);
    text_init(&spooled, FILE_MAX);
    const struct parquet_write_spool spool = { &spooled, append, spool_read };
    parse(arena, cases[i].declared, &declared);
    parse(arena, cases[i].ignored, &ignored);
    enum fault f = convert_create(cases[i].kind, &declared, &ignored, append, file, &spool, arena,
                                  &convert, &why);
    for (size_t at = 0; !f && at < len;) {
        const size_t piece = trace_piece(at, len, cut, step);
        f = convert_feed(convert, cases[i].content + at, piece, &why);
        at += piece;
    }
    if (!f)
        f = convert_end(convert, &rows, &bytes, &why);
    if (f)
        refusal_trace(convert, &why, trace);
    else
        footer_trace(file, arena, trace);
    assert_true(f || bytes == file->len);
    convert_destroy(convert);
    text_release(&spooled);
    arena_destroy(arena);
}

static void test_every_cut_makes_the_same_file_or_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t len = strlen(cases[i].content);
        struct text whole;
        text_init(&whole, FILE_MAX);
        for (size_t cut = 0; cut <= len + 1; cut++) {
            char trace[TRACE_MAX] = "";
            struct text file;
            text_init(&file, FILE_MAX);
            run(i, cut, cut == len + 1 ? 1 : 0, &file, trace);
            if (strcmp(trace, cases[i].result) != 0)
                (void)fprintf(stderr, "case \"%s\", cut at %zu:\n", cases[i].label, cut);
            assert_string_equal(trace, cases[i].result);
            if (cut == 0)
                text_add(&whole, file.data, file.len);
            if (!strchr(trace, '['))
                assert_memory_equal(file.data, whole.data, whole.len);
            text_release(&file);
        }
        text_release(&whole);
    }
}

/* A value of CONVERT_VALUE_BYTES is converted, one more byte is refused; so are the texts of a row. */
static void test_values_and_rows_are_bounded(void **state)
{
    (void)state;
    enum { COLUMNS = CONVERT_ROW_BYTES / CONVERT_VALUE_BYTES + 1, LONG = CONVERT_VALUE_BYTES };
    static const struct {
        size_t values;
        size_t first; /* bytes of the first value */
        const char *said;
    } rows[] = {
        { COLUMNS - 1, LONG, NULL },
        { 1, LONG + 1, "row 1: value 1 has more than 1048576 bytes" },
        { COLUMNS, 1, "row 1 has more than 4194304 bytes" },
    };
    char *value = malloc(LONG + 1);
    assert_non_null(value);
    memset(value, 'x', LONG + 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *arena = arena_create(ARENA_MAX);
        struct columns declared;
        struct text file;
        struct text spooled;
        struct convert *convert = NULL;
        struct problem why = PROBLEM_NONE;
        uint64_t count = 0;
        uint64_t bytes = 0;
        text_init(&file, FILE_MAX);
        text_init(&spooled, FILE_MAX);
        const struct parquet_write_spool spool = { &spooled, append, spool_read };
        parse(arena, "a:VARCHAR b:VARCHAR c:VARCHAR d:VARCHAR e:VARCHAR", &declared);
        enum fault f = convert_create(FORMAT_CSV, &declared, NULL, append, &file, &spool, arena,
                                      &convert, &why);
        if (!f)
            f = convert_feed(convert, "a,b,c,d,e\n", 10, &why);
        for (size_t n = 0; !f && n < rows[i].values; n++) {
            f = convert_feed(convert, value, n == 0 ? rows[i].first : LONG, &why);
            if (!f)
                f = convert_feed(convert, n + 1 < rows[i].values ? "," : "\n", 1, &why);
        }
        if (!f)
            f = convert_end(convert, &count, &bytes, &why);
        assert_int_equal(f, rows[i].said ? FAULT_UNPROCESSABLE : FAULT_NONE);
        assert_string_equal(why.text, rows[i].said ? rows[i].said : "");
        convert_destroy(convert);
        text_release(&file);
        text_release(&spooled);
        arena_destroy(arena);
    }
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_makes_the_same_file_or_refusal),
        cmocka_unit_test(test_values_and_rows_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
