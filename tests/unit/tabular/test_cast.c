/*
 * Casts: a table of texts and types (casts.def; tests/peer reads it, too), and how values are shown.
 *
 * A line is type, form, text, what becomes of it, and what DuckDB makes of it where that differs.
 * Dates are days, times microseconds, timestamps their unit's, decimals without their point.
 */
#include "tabular/cast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_MAX_BYTES = 1024, FIELDS = 4, ROWS_LEAST = 300 };

static enum value_form form_of(const char *word)
{
    static const char *const forms[] = {
        [VALUE_NULL] = "null",     [VALUE_PLAIN] = "plain", [VALUE_STRING] = "string",
        [VALUE_NUMBER] = "number", [VALUE_TRUE] = "true",   [VALUE_FALSE] = "false",
        [VALUE_NESTED] = "nested",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(forms[i], word) == 0)
            return (enum value_form)i;
    }
    fail_msg("no form is called %s", word);
    return VALUE_NULL;
}

/* \t, \n and \\ in a field of the table. */
static void unescape(char *text)
{
    char *out = text;
    for (const char *at = text; *at; at++) {
        char byte = *at;
        if (byte == '\\' && at[1]) {
            at++;
            byte = (char)(*at == 't' ? '\t' : *at == 'n' ? '\n' : *at);
        }
        *out++ = byte;
    }
    *out = '\0';
}

static void print_decimal(cell_decimal value, char *out)
{
    char digits[64];
    size_t len = 0;
    const bool negative = value < 0;
    for (; len == 0 || value != 0; value /= 10)
        digits[len++] = (char)('0' + (int)(value % 10 < 0 ? -(value % 10) : value % 10));
    if (negative)
        *out++ = '-';
    while (len > 0)
        *out++ = digits[--len];
    *out = '\0';
}

static void print_cell(const struct cell *cell, char out[LINE_MAX_BYTES])
{
    if (cell->kind == CELL_NULL)
        (void)snprintf(out, LINE_MAX_BYTES, "null");
    else if (cell->kind == CELL_INTEGER)
        (void)snprintf(out, LINE_MAX_BYTES, "%lld", (long long)cell->as.integer);
    else if (cell->kind == CELL_NATURAL)
        (void)snprintf(out, LINE_MAX_BYTES, "%llu", (unsigned long long)cell->as.natural);
    else if (cell->kind == CELL_REAL)
        (void)snprintf(out, LINE_MAX_BYTES, "%.17g", cell->as.real);
    else if (cell->kind == CELL_DECIMAL)
        print_decimal(cell->as.decimal, out);
    else
        (void)snprintf(out, LINE_MAX_BYTES, "%.*s", (int)cell->as.bytes.len, cell->as.bytes.data);
}

static void try_row(char *fields[FIELDS], struct text *scratch)
{
    char got[LINE_MAX_BYTES] = "refused";
    struct type type = { .kind = TYPE_NULL };
    struct cell cell = { .kind = CELL_NULL };
    assert_true(type_parse(fields[0], &type));
    for (size_t i = 2; i < FIELDS; i++)
        unescape(fields[i]);
    struct value value = { .form = form_of(fields[1]),
                           .bytes = fields[2],
                           .len = strlen(fields[2]) };
    if (value.form == VALUE_PLAIN && value.len == 0)
        value.form = VALUE_NULL;
    if (cast_value(&type, &value, scratch, &cell))
        print_cell(&cell, got);
    if (strcmp(got, fields[3]) != 0)
        (void)fprintf(stderr, "%s, %s \"%s\":\n", fields[0], fields[1], fields[2]);
    assert_string_equal(got, fields[3]);
}

static void test_every_row_of_the_table(void **state)
{
    (void)state;
    char line[LINE_MAX_BYTES];
    struct text scratch;
    size_t rows = 0;
    FILE *file = fopen(SOURCE_DIR "/tests/unit/tabular/casts.def", "r");
    assert_non_null(file);
    text_init(&scratch, LINE_MAX_BYTES);
    for (; fgets(line, sizeof line, file); rows++) {
        char *fields[FIELDS];
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < FIELDS; i++) {
            fields[i] = strsep(&rest, "|");
            assert_non_null(fields[i]);
        }
        try_row(fields, &scratch);
    }
    text_release(&scratch);
    assert_int_equal(fclose(file), 0);
    assert_true(rows >= ROWS_LEAST);
}

static void test_half_a_surrogate_pair_is_no_text(void **state)
{
    (void)state;
    static const enum type_kind kinds[] = { TYPE_VARCHAR, TYPE_NVARCHAR, TYPE_VARBINARY,
                                            TYPE_VARIANT };
    const struct value value = {
        .form = VALUE_STRING, .half = true, .bytes = "\xEF\xBF\xBD", .len = 3
    };
    struct text scratch;
    text_init(&scratch, LINE_MAX_BYTES);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct type type = { .kind = kinds[i] };
        struct cell cell;
        assert_false(cast_value(&type, &value, &scratch, &cell));
    }
    text_release(&scratch);
}

static void test_what_cannot_be_cast_to(void **state)
{
    (void)state;
    static const char *const words[] = { "ARRAY<INT64>", "VECTOR(3)", "INTERVAL" };
    const struct value value = { .form = VALUE_PLAIN, .bytes = "1", .len = 1 };
    struct text scratch;
    text_init(&scratch, LINE_MAX_BYTES);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct type type = { .kind = TYPE_NULL };
        struct cell cell;
        assert_true(type_parse(words[i], &type));
        assert_false(cast_takes(&type));
        assert_false(cast_value(&type, &value, &scratch, &cell));
    }
    text_release(&scratch);
}

static const struct {
    enum value_form form;
    const char *bytes;
    const char *shown;
} shown[] = {
    { VALUE_NULL, "", "None" },
    { VALUE_TRUE, "true", "True" },
    { VALUE_FALSE, "false", "False" },
    { VALUE_NUMBER, "1.50", "1.50" },
    { VALUE_NESTED, "{\"a\":\"\\n\"}", "{\"a\":\"\\n\"}" },
    { VALUE_PLAIN, "unknown", "'unknown'" },
    { VALUE_STRING, "", "''" },
    { VALUE_PLAIN, "it's", "\"it's\"" },
    { VALUE_PLAIN, "it's \"it\"", "'it\\'s \"it\"'" },
    { VALUE_PLAIN, "a\tb\\c\nd\x01\x7F", "'a\\tb\\\\c\\nd\\x01\\x7f'" },
    { VALUE_PLAIN, "\xC3\xA9", "'\xC3\xA9'" },
};

static void test_values_are_shown_as_python_writes_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        char out[CAST_REPR_MAX];
        const struct value value = { .form = shown[i].form,
                                     .bytes = shown[i].bytes,
                                     .len = strlen(shown[i].bytes) };
        cast_repr(&value, out);
        assert_string_equal(out, shown[i].shown);
    }
}

/* However long a value is, and wherever its characters lie, what is shown is UTF-8 and fits. */
static void test_long_values_are_cut_between_characters(void **state)
{
    (void)state;
    char bytes[2 * CAST_REPR_MAX];
    for (size_t first = 0; first < 4; first++) {
        for (size_t len = CAST_REPR_MAX - 16; len < sizeof bytes; len++) {
            char out[CAST_REPR_MAX];
            memset(bytes, 'x', first);
            for (size_t i = first; i < sizeof bytes; i++)
                bytes[i] = "\xF0\x9F\x98\x80"[(i - first) % 4];
            const struct value value = { .form = VALUE_PLAIN, .bytes = bytes, .len = len };
            cast_repr(&value, out);
            assert_true(strlen(out) < CAST_REPR_MAX);
            if ((len - first) % 4 == 0)
                assert_true(text_is_utf8(out, strlen(out)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_of_the_table),
        cmocka_unit_test(test_half_a_surrogate_pair_is_no_text),
        cmocka_unit_test(test_what_cannot_be_cast_to),
        cmocka_unit_test(test_values_are_shown_as_python_writes_them),
        cmocka_unit_test(test_long_values_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
