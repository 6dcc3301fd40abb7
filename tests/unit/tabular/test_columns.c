/*
 * Types and structures: words, widening, parts put together, appends.
 */
#include "base/arena.h"
#include "base/limits.h"
#include "tabular/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct {
    const char *word;
    const char *canonical; /* NULL: not a type */
} words[] = {
    { "INT8", "INT8" },
    { "uint64", "UINT64" },
    { "BIGINT", "INT64" },
    { "Double", "FLOAT64" },
    { "TEXT", "VARCHAR" },
    { "STRUCT", "NVARCHAR" },
    { "BOOLEAN", "BOOL" },
    { "TIMESTAMP", "TIMESTAMP[us]" },
    { "TIMESTAMP[ns]", "TIMESTAMP[ns]" },
    { "timestamp[D]", "TIMESTAMP[d]" },
    { "DECIMAL(38,0)", "DECIMAL(38, 0)" },
    { "decimal( 10 , 2 )", "DECIMAL(10, 2)" },
    { "VECTOR(128)", "VECTOR(128)" },
    { "ARRAY<INT>", "ARRAY<INT64>" },
    { "ARRAY<ARRAY<DECIMAL(5, 5)>>", "ARRAY<ARRAY<DECIMAL(5, 5)>>" },
    { "IPV4", "IPV4" },
    { "NULL", "NULL" },
    { "", NULL },
    { "INT128", NULL },
    { "INT64 ", NULL },
    { "INT64[us]", NULL },
    { "TIMESTAMP[h]", NULL },
    { "DECIMAL", NULL },
    { "DECIMAL(0, 0)", NULL },
    { "DECIMAL(39, 0)", NULL },
    { "DECIMAL(5, 6)", NULL },
    { "DECIMAL(5, 2", NULL },
    { "VECTOR(0)", NULL },
    { "ARRAY<INT64", NULL },
    { "LIST<INT64>", NULL },
    { "ARRAY<>", NULL },
};

static void test_types_are_read_by_word_and_alias(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct type type = { .kind = TYPE_NULL };
        char printed[TYPE_TEXT_MAX];
        const bool known = type_parse(words[i].word, &type);
        if (known != (words[i].canonical != NULL))
            (void)fprintf(stderr, "case \"%s\"\n", words[i].word);
        assert_int_equal(known, words[i].canonical != NULL);
        type_print(&type, printed);
        if (known)
            assert_string_equal(printed, words[i].canonical);
    }
}

static const struct {
    const char *a;
    const char *b;
    const char *wide; /* NULL: they do not widen */
} widenings[] = {
    { "INT64", "INT64", "INT64" },
    { "INT32", "INT64", "INT64" },
    { "INT64", "FLOAT64", "FLOAT64" },
    { "INT16", "FLOAT32", "FLOAT32" },
    { "INT32", "FLOAT32", "FLOAT64" },
    { "UINT8", "INT8", "INT16" },
    { "UINT32", "INT8", "INT64" },
    { "UINT32", "INT64", "INT64" },
    { "UINT64", "INT8", "FLOAT64" },
    { "UINT8", "UINT32", "UINT32" },
    { "NULL", "DATE", "DATE" },
    { "NULL", "ARRAY<INT64>", "ARRAY<INT64>" },
    { "ARRAY<NULL>", "ARRAY<INT64>", "ARRAY<INT64>" },
    { "ARRAY<INT32>", "ARRAY<INT64>", "ARRAY<INT64>" },
    { "VARCHAR", "NVARCHAR", "NVARCHAR" },
    { "DECIMAL(10, 2)", "DECIMAL(10, 2)", "DECIMAL(10, 2)" },
    { "DECIMAL(10, 2)", "DECIMAL(12, 2)", NULL },
    { "TIMESTAMP[us]", "TIMESTAMP[ns]", NULL },
    { "INT64", "VARCHAR", NULL },
    { "BOOL", "INT8", NULL },
    { "INT64", "ARRAY<INT64>", NULL },
    { "VECTOR(3)", "VECTOR(4)", NULL },
};

static void test_types_widen_the_same_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof widenings / sizeof widenings[0]; i++) {
        for (int swap = 0; swap <= 1; swap++) {
            struct type a = { .kind = TYPE_NULL };
            struct type b = { .kind = TYPE_NULL };
            struct type wide = { .kind = TYPE_NULL };
            char printed[TYPE_TEXT_MAX];
            assert_true(type_parse(swap ? widenings[i].b : widenings[i].a, &a));
            assert_true(type_parse(swap ? widenings[i].a : widenings[i].b, &b));
            const bool widens = type_widen(&a, &b, &wide);
            type_print(&wide, printed);
            if (widens != (widenings[i].wide != NULL))
                (void)fprintf(stderr, "case %s, %s\n", widenings[i].a, widenings[i].b);
            assert_int_equal(widens, widenings[i].wide != NULL);
            if (widens)
                assert_string_equal(printed, widenings[i].wide);
        }
    }
}

/* "a:INT64 b:VARCHAR!" as columns; '!' is not nullable. */
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
        const bool nullable = at[len] != '!';
        assert_int_equal(columns_add(out, text, name, &type, nullable, &why), FAULT_NONE);
        text = at + len + (nullable ? 0 : 1);
        text += strspn(text, " ");
    }
}

static void print(const struct columns *columns, char out[PROBLEM_TEXT_MAX])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < columns->count; i++) {
        char word[TYPE_TEXT_MAX];
        type_print(&columns->list[i].type, word);
        len += (size_t)snprintf(out + len, PROBLEM_TEXT_MAX - len, "%s%s:%s%s", i ? " " : "",
                                columns->list[i].name, word, columns->list[i].nullable ? "" : "!");
    }
}

static const struct {
    const char *declared;
    const char *rows;
    const char *after; /* beginning with "table": the refusal */
} appends[] = {
    { "a:INT64 b:VARCHAR", "b:VARCHAR a:INT64", "a:INT64 b:VARCHAR" },
    { "a:INT32", "a:INT64", "a:INT64" },
    { "a:NULL b:INT64", "a:DATE b:NULL", "a:DATE b:INT64" },
    { "a:INT64 b:VARCHAR", "a:INT64", "a:INT64 b:VARCHAR" },
    { "a:INT64 b:VARCHAR!", "a:INT64", "table structure doesn't match: missing 'b'" },
    { "a:INT64!", "a:INT64", "a:INT64" },
    { "a:INT64!", "a:INT64!", "a:INT64!" },
    { "a:INT64", "a:INT64 c:INT64", "table structure doesn't match: not declared 'c'" },
    { "a:INT64 b:BOOL!", "a:VARCHAR c:DATE",
      "table structure doesn't match: VARCHAR where INT64 is declared in 'a', "
      "missing 'b', not declared 'c'" },
};

static void test_appends_match_by_name_and_widen(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    for (size_t i = 0; i < sizeof appends / sizeof appends[0]; i++) {
        struct columns declared;
        struct columns rows;
        struct columns after;
        char printed[PROBLEM_TEXT_MAX];
        struct problem why = PROBLEM_NONE;
        parse(arena, appends[i].declared, &declared);
        parse(arena, appends[i].rows, &rows);
        columns_init(&after, arena);
        const enum fault f = columns_append(&declared, &rows, &after, &why);
        print(&after, printed);
        assert_true(f == FAULT_NONE || f == FAULT_CONFLICT);
        assert_string_equal(f ? why.text : printed, appends[i].after);
    }
    arena_destroy(arena);
}

static enum fault count_told(void *ctx, const char *column, const char *note, struct problem *why)
{
    int *count = ctx;
    (void)why;
    assert_non_null(strstr(note, column));
    ++*count;
    return FAULT_NONE;
}

static void test_parts_are_put_together(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    struct columns merged;
    struct columns part;
    struct problem why = PROBLEM_NONE;
    static const char *const parts[] = { "a:INT64! b:NULL c:BOOL", "c:INT64 a:FLOAT64! b:DATE",
                                         "d:VARCHAR! a:INT64!" };
    char printed[PROBLEM_TEXT_MAX];
    int told = 0;
    columns_init(&merged, arena);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        parse(arena, parts[i], &part);
        assert_int_equal(columns_merge(&merged, &part, i == 0, count_told, &told, &why),
                         FAULT_NONE);
    }
    print(&merged, printed);
    assert_string_equal(printed, "a:FLOAT64! b:DATE c:VARCHAR d:VARCHAR");
    assert_int_equal(told, 1);
    arena_destroy(arena);
}

/* A name that stands twice in one part is that part's own matter. */
static void test_a_name_twice_in_a_part_differs_from_no_other(void **state)
{
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    struct columns merged;
    struct columns part;
    struct problem why = PROBLEM_NONE;
    char printed[PROBLEM_TEXT_MAX];
    int told = 0;
    columns_init(&merged, arena);
    parse(arena, "a:INT64 a:VARCHAR b:BOOL", &part);
    assert_int_equal(columns_merge(&merged, &part, true, count_told, &told, &why), FAULT_NONE);
    assert_int_equal(told, 0);
    parse(arena, "a:VARCHAR b:INT64 b:DATE", &part);
    assert_int_equal(columns_merge(&merged, &part, false, count_told, &told, &why), FAULT_NONE);
    print(&merged, printed);
    assert_string_equal(printed, "a:VARCHAR b:VARCHAR");
    assert_int_equal(told, 1);
    arena_destroy(arena);
}

static void test_ten_thousand_columns_are_written_read_and_found(void **state)
{
    enum { MANY = 10000, ROW_MAX = 1 << 20 };
    (void)state;
    struct arena *arena = arena_create(ARENA_MAX);
    struct columns columns;
    struct columns again;
    struct text json;
    struct problem why = PROBLEM_NONE;
    const struct type type = { .kind = TYPE_IPV4 };
    char name[TYPE_TEXT_MAX];
    columns_init(&columns, arena);
    for (int i = 0; i < MANY; i++) {
        const int len = snprintf(name, sizeof name, "\"column\" %d", i);
        assert_int_equal(columns_add(&columns, name, (size_t)len, &type, i % 2, &why), FAULT_NONE);
    }
    text_init(&json, ROW_MAX);
    columns_write(&columns, &json);
    assert_false(text_failed(&json));
    columns_init(&again, arena);
    assert_int_equal(columns_read(&again, text_string(&json), &why), FAULT_NONE);
    assert_int_equal(again.count, MANY);
    assert_ptr_equal(columns_find(&again, "\"column\" 9999"), &again.list[MANY - 1]);
    assert_int_equal(columns_find(&again, "\"column\" 77")->nullable, 1);
    assert_null(columns_find(&again, "\"column\" 10000"));
    columns_init(&again, arena);
    assert_int_equal(columns_read(&again, "[{\"name\":\"a\"}]", &why), FAULT_INTERNAL);
    text_release(&json);
    arena_destroy(arena);
}

/* All names together, as JSON writes them, are bounded, so that a structure is never larger than a
 * request may hold. */
static void test_the_names_of_all_columns_are_bounded(void **state)
{
    (void)state;
    enum { LONG = OPTERYX_COLUMN_NAME_MAX, QUOTED = 6 * LONG + 2 };
    const struct type type = { .kind = TYPE_INT64 };
    char name[LONG];
    struct problem why = PROBLEM_NONE;
    struct columns columns;
    struct arena *arena = arena_create(ARENA_MAX);
    columns_init(&columns, arena);
    memset(name, '\x01', sizeof name);
    for (size_t i = 0; i < OPTERYX_NAMES_MAX / QUOTED; i++)
        assert_int_equal(columns_add(&columns, name, LONG, &type, true, &why), FAULT_NONE);
    assert_int_equal(columns_add(&columns, name, LONG, &type, true, &why), FAULT_UNPROCESSABLE);
    assert_string_equal(why.text, "the names of the columns take more than 1048576 bytes");
    struct text out;
    text_init(&out, (size_t)2 * OPTERYX_NAMES_MAX);
    columns_write(&columns, &out);
    assert_false(text_failed(&out));
    text_release(&out);
    arena_destroy(arena);
}

enum { HALVES = 128, HALF_LEN = 4, HASH_BITS = 15, NAMES = HALVES * HALVES };

/* Finds HALVES words that all take FNV-1a's lowest bits from one state to another. */
static uint32_t colliding_words(uint32_t state, char words_out[HALVES][HALF_LEN])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    const uint32_t mask = (UINT32_C(1) << HASH_BITS) - 1;
    const uint32_t wanted = 4711;
    size_t found = 0;
    for (uint32_t i = 0; found < HALVES; i++) {
        uint32_t hash = state;
        for (size_t at = 0; at < HALF_LEN; at++) {
            words_out[found][at] = letters[i >> 6 * at & 63];
            hash = (hash ^ (unsigned char)words_out[found][at]) * 16777619U & mask;
        }
        found += hash == wanted;
        assert_true(i < UINT32_C(1) << 24);
    }
    return wanted;
}

/* Seconds of the processor to find each of NAMES names, in the best of a few runs. */
static double seconds_to_find(const char (*names)[2 * HALF_LEN + 1])
{
    const struct type type = { .kind = TYPE_INT64 };
    struct problem why = PROBLEM_NONE;
    struct columns columns;
    struct arena *arena = arena_create(ARENA_MAX);
    columns_init(&columns, arena);
    for (size_t i = 0; i < NAMES; i++)
        assert_int_equal(columns_add(&columns, names[i], strlen(names[i]), &type, true, &why), 0);
    clock_t best = 0;
    for (size_t run = 0; run < 3; run++) {
        const clock_t began = clock();
        for (size_t i = 0; i < NAMES; i++)
            assert_ptr_equal(columns_find(&columns, names[i]), &columns.list[i]);
        const clock_t took = clock() - began;
        if (run == 0 || took < best)
            best = took;
    }
    arena_destroy(arena);
    return (double)(best + 1) / CLOCKS_PER_SEC;
}

/* Who sends a part chooses its names: whatever they are, to find one is a matter of its length. */
static void test_names_made_to_collide_are_found_as_fast_as_others(void **state)
{
    (void)state;
    static char hostile[NAMES][2 * HALF_LEN + 1];
    static char ordinary[NAMES][2 * HALF_LEN + 1];
    char first[HALVES][HALF_LEN];
    char second[HALVES][HALF_LEN];
    (void)colliding_words(colliding_words(2166136261U, first), second);
    for (size_t i = 0; i < NAMES; i++) {
        (void)snprintf(hostile[i], sizeof hostile[i], "%.4s%.4s", first[i / HALVES],
                       second[i % HALVES]);
        (void)snprintf(ordinary[i], sizeof ordinary[i], "name%04x", (unsigned)i);
    }
    const double usual = seconds_to_find((const char(*)[sizeof ordinary[0]])ordinary);
    const double worst = seconds_to_find((const char(*)[sizeof hostile[0]])hostile);
    if (worst > 20 * usual)
        (void)fprintf(stderr, "%f s against %f s\n", worst, usual);
    assert_true(worst <= 20 * usual);
}

/* Names that are the beginnings of others, and names of bytes past ASCII. */
static void test_every_name_is_found_and_no_other(void **state)
{
    (void)state;
    static const char *const names[] = { "b", "", "a", "aa", "ab", "\xC3\xA9", "aaa", "\x7F", "a" };
    static const char *const others[] = { "c", "aaaa", "abc", "\xC3", "\xC3\xA9\xC3\xA9", "\x01" };
    const struct type type = { .kind = TYPE_INT64 };
    struct problem why = PROBLEM_NONE;
    struct columns columns;
    struct arena *arena = arena_create(ARENA_MAX);
    columns_init(&columns, arena);
    assert_null(columns_find(&columns, ""));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(columns_add(&columns, names[i], strlen(names[i]), &type, true, &why), 0);
    for (size_t i = 0; i + 1 < sizeof names / sizeof names[0]; i++)
        assert_ptr_equal(columns_find(&columns, names[i]), &columns.list[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_null(columns_find(&columns, others[i]));
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_read_by_word_and_alias),
        cmocka_unit_test(test_types_widen_the_same_both_ways),
        cmocka_unit_test(test_appends_match_by_name_and_widen),
        cmocka_unit_test(test_parts_are_put_together),
        cmocka_unit_test(test_the_names_of_all_columns_are_bounded),
        cmocka_unit_test(test_every_name_is_found_and_no_other),
        cmocka_unit_test(test_names_made_to_collide_are_found_as_fast_as_others),
        cmocka_unit_test(test_a_name_twice_in_a_part_differs_from_no_other),
        cmocka_unit_test(test_ten_thousand_columns_are_written_read_and_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
