/*
 * Tables written as Parquet: what our own reader of footers finds in them, runs, dictionaries, and
 * what cannot be written.  tests/peer reads the values with readers that are not ours.
 */
#include "base/arena.h"
#include "base/limits.h"
#include "tabular/parquet.h"
#include "tabular/parquet_dictionary.h"
#include "tabular/parquet_runs.h"
#include "tabular/parquet_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { FILE_MAX = 64 * MIB, RUNS_MAX = MIB, COLUMNS = 6 };

static struct {
    struct arena *arena;
    struct columns columns;
    struct text file;
    struct text spool;
    int64_t fail_at; /* bytes after which a sink fails; below 0: never */
} rig;

static int set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.fail_at = -1;
    rig.arena = arena_create(ARENA_MAX);
    assert_non_null(rig.arena);
    columns_init(&rig.columns, rig.arena);
    text_init(&rig.file, FILE_MAX);
    text_init(&rig.spool, FILE_MAX);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    text_release(&rig.file);
    text_release(&rig.spool);
    arena_destroy(rig.arena);
    return 0;
}

static enum fault append(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct text *text = ctx;
    if (rig.fail_at >= 0 && (int64_t)(rig.file.len + rig.spool.len + len) > rig.fail_at)
        return problem_set(why, FAULT_STORAGE_FULL, "full");
    text_add(text, bytes, len);
    assert_false(text_failed(text));
    return FAULT_NONE;
}

static enum fault spool_read(void *ctx, uint64_t offset, void *bytes, size_t len,
                             struct problem *why)
{
    const struct text *text = ctx;
    (void)why;
    assert_true(offset + len <= text->len);
    memcpy(bytes, text->data + offset, len);
    return FAULT_NONE;
}

static void add_column(const char *name, const char *word, bool nullable)
{
    struct problem why = PROBLEM_NONE;
    struct type type = { .kind = TYPE_NULL };
    assert_true(type_parse(word, &type));
    assert_int_equal(columns_add(&rig.columns, name, strlen(name), &type, nullable, &why), 0);
}

static enum fault start(struct parquet_write **writer, struct problem *why)
{
    static const struct parquet_write_spool spool = { &rig.spool, append, spool_read };
    return parquet_write_create(&rig.columns, append, &rig.file, &spool, writer, why);
}

static struct cell text_cell(const char *text)
{
    return (struct cell){ .kind = CELL_BYTES, .as.bytes = { text, strlen(text) } };
}

/* A table of every kind of cell; some rows hold nulls. */
static enum fault write_rows(struct parquet_write *writer, int64_t rows, struct problem *why)
{
    static char texts[64];
    enum fault f = FAULT_NONE;
    for (int64_t i = 0; !f && i < rows; i++) {
        (void)snprintf(texts, sizeof texts, "text %lld", (long long)i * (long long)i);
        struct cell cells[COLUMNS] = {
            { .kind = CELL_INTEGER, .as.integer = i },
            { .kind = CELL_NATURAL, .as.natural = (uint64_t)i },
            { .kind = CELL_REAL, .as.real = (double)i / 2 },
            { .kind = CELL_DECIMAL, .as.decimal = -i },
            text_cell(i % 3 == 0 ? "few" : "many"),
            text_cell(texts),
        };
        if (i % 5 == 0)
            cells[i % COLUMNS].kind = CELL_NULL;
        f = parquet_write_row(writer, cells, why);
    }
    return f;
}

static void add_columns(void)
{
    static const char *const words[COLUMNS] = { "INT64",          "UINT32",  "FLOAT64",
                                                "DECIMAL(38, 4)", "VARCHAR", "NVARCHAR" };
    for (size_t i = 0; i < COLUMNS; i++)
        add_column(words[i], words[i], true);
}

static enum fault write_table(int64_t rows, uint64_t *written, struct problem *why)
{
    uint64_t bytes = 0;
    struct parquet_write *writer = NULL;
    enum fault f = start(&writer, why);
    if (!f)
        f = write_rows(writer, rows, why);
    if (!f)
        f = parquet_write_end(writer, written, &bytes, why);
    parquet_write_destroy(writer);
    if (!f)
        assert_int_equal(bytes, rig.file.len);
    return f;
}

/* ---- what our own reader finds ---- */

static enum fault file_read(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    (void)ctx;
    (void)why;
    const uint64_t left = offset < rig.file.len ? rig.file.len - offset : 0;
    *got = left < len ? (size_t)left : len;
    memcpy(bytes, rig.file.data + offset, *got);
    return FAULT_NONE;
}

static void read_back(int64_t rows)
{
    static const struct thrift_source source = { NULL, file_read };
    struct problem why = PROBLEM_NONE;
    struct reading reading = { 0 };
    assert_int_equal(parquet_read(&source, rig.file.len, rig.arena, &reading, &why), FAULT_NONE);
    assert_int_equal(reading.rows, rows);
    assert_int_equal(reading.columns.count, rig.columns.count);
    for (size_t i = 0; i < rig.columns.count; i++)
        assert_string_equal(reading.columns.list[i].name, rig.columns.list[i].name);
}

static void test_tables_are_read_back(void **state)
{
    static const int64_t sizes[] = { 0, 1, 7, 8, 9, 1000, 200000 };
    (void)state;
    add_columns();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct problem why = PROBLEM_NONE;
        uint64_t rows = 0;
        text_clear(&rig.file);
        text_clear(&rig.spool);
        assert_int_equal(write_table(sizes[i], &rows, &why), FAULT_NONE);
        assert_int_equal(rows, sizes[i]);
        read_back(sizes[i]);
    }
}

static void test_many_columns_are_read_back(void **state)
{
    enum { MANY = 2000, ROWS = 20 };
    static struct cell cells[MANY];
    struct problem why = PROBLEM_NONE;
    struct parquet_write *writer = NULL;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    (void)state;
    for (int i = 0; i < MANY; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "column %d", i);
        add_column(name, i % 2 ? "VARCHAR" : "INT8", i % 3 == 0);
        cells[i] = i % 2 ? text_cell("x") : (struct cell){ .kind = CELL_INTEGER };
    }
    assert_int_equal(start(&writer, &why), FAULT_NONE);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(parquet_write_row(writer, cells, &why), FAULT_NONE);
    assert_int_equal(parquet_write_end(writer, &rows, &bytes, &why), FAULT_NONE);
    parquet_write_destroy(writer);
    read_back(ROWS);
}

/* ---- what cannot be written ---- */

static void test_types_that_a_file_cannot_hold_are_named(void **state)
{
    static const char *const words[] = { "ARRAY<INT64>", "VECTOR(3)", "INTERVAL" };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct parquet_write *writer = NULL;
        columns_init(&rig.columns, rig.arena);
        add_column("odd", words[i], true);
        assert_false(parquet_write_takes(&rig.columns.list[0].type));
        assert_int_equal(start(&writer, &why), FAULT_UNPROCESSABLE);
        assert_non_null(strstr(why.text, "column odd"));
        assert_non_null(strstr(why.text, words[i]));
    }
}

static void test_cells_that_do_not_fit_are_refused(void **state)
{
    static const struct { /* NOLINT(clang-analyzer-optin.performance.Padding): as it is read */
        const char *type;
        bool nullable;
        struct cell cell;
        enum fault fault;
    } cases[] = {
        { "INT64", false, { .kind = CELL_NULL }, FAULT_UNPROCESSABLE },
        { "INT64", true, { .kind = CELL_REAL }, FAULT_INTERNAL },
        { "VARCHAR", true, { .kind = CELL_INTEGER }, FAULT_INTERNAL },
        { "TIMESTAMP[s]", true, { CELL_INTEGER, { .integer = INT64_MAX } }, FAULT_UNPROCESSABLE },
        { "TIMESTAMP[d]", true, { CELL_INTEGER, { .integer = INT64_MIN } }, FAULT_UNPROCESSABLE },
        { "TIMESTAMP[ms]", true, { CELL_INTEGER, { .integer = INT64_MAX } }, FAULT_NONE },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct parquet_write *writer = NULL;
        columns_init(&rig.columns, rig.arena);
        add_column("c", cases[i].type, cases[i].nullable);
        assert_int_equal(start(&writer, &why), FAULT_NONE);
        assert_int_equal(parquet_write_row(writer, &cases[i].cell, &why), cases[i].fault);
        parquet_write_destroy(writer);
    }
}

/* Wherever the disk is full, the writer says so and leaves nothing behind. */
static void test_a_full_disk_is_told_at_every_byte(void **state)
{
    (void)state;
    add_columns();
    for (rig.fail_at = 0; rig.fail_at < FILE_MAX; rig.fail_at += 7) {
        struct problem why = PROBLEM_NONE;
        uint64_t rows = 0;
        text_clear(&rig.file);
        text_clear(&rig.spool);
        const enum fault f = write_table(100, &rows, &why);
        if (!f)
            break;
        assert_int_equal(f, FAULT_STORAGE_FULL);
    }
    assert_true(rig.fail_at > 100);
    rig.fail_at = -1;
    read_back(100);
}

/* ---- runs ---- */

/* Reads count numbers of the hybrid encoding. */
static void runs_read(const struct text *from, unsigned bits, uint32_t *out, size_t count)
{
    enum { GROUP = PARQUET_RUNS_GROUP, BYTE = 8, MORE = 0x80, SEVEN = 7 };
    const unsigned char *at = (const unsigned char *)from->data;
    for (size_t done = 0; done < count;) {
        uint64_t head = 0;
        unsigned shift = 0;
        do {
            head |= (uint64_t)(*at & ~MORE) << shift;
            shift += SEVEN;
        } while (*at++ & MORE);
        if (head & 1) { /* packed */
            for (uint64_t i = 0; i < (head >> 1) * GROUP * bits; i++) {
                const size_t number = done + (size_t)(i / bits);
                if (number < count && (at[i / BYTE] >> (i % BYTE) & 1))
                    out[number] |= 1U << (i % bits);
            }
            at += (head >> 1) * bits;
            done += (size_t)(head >> 1) * GROUP;
        } else {
            uint32_t value = 0;
            for (unsigned i = 0; i < bits; i += BYTE)
                value |= (uint32_t)*at++ << i;
            for (uint64_t i = 0; i < head >> 1 && done < count; i++)
                out[done++] = value;
        }
    }
    assert_true(at <= (const unsigned char *)from->data + from->len);
}

static void test_runs_hold_every_number(void **state)
{
    enum { MOST = 3000, TABLES = 300 };
    static uint32_t numbers[MOST];
    static uint32_t read[MOST];
    uint64_t random = 1;
    (void)state;
    for (int table = 0; table < TABLES; table++) {
        struct parquet_runs runs;
        const unsigned bits = 1 + (unsigned)table % 12;
        const size_t count = (size_t)table * 10;
        parquet_runs_init(&runs, bits, RUNS_MAX);
        for (size_t i = 0; i < count; i++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            const bool again = i > 0 && (random >> 60) < (unsigned)table % 16;
            numbers[i] = again ? numbers[i - 1] : (uint32_t)(random >> 33) & ((1U << bits) - 1);
            parquet_runs_add(&runs, numbers[i]);
        }
        parquet_runs_end(&runs);
        assert_false(text_failed(&runs.out));
        memset(read, 0, sizeof read);
        runs_read(&runs.out, bits, read, count);
        assert_memory_equal(read, numbers, count * sizeof(uint32_t));
        parquet_runs_release(&runs);
    }
}

static void test_equal_numbers_cost_a_few_bytes(void **state)
{
    enum { MANY = 1000000 };
    struct parquet_runs runs;
    (void)state;
    parquet_runs_init(&runs, 1, RUNS_MAX);
    for (int i = 0; i < MANY; i++)
        parquet_runs_add(&runs, 1);
    parquet_runs_end(&runs);
    assert_true(runs.out.len <= 8);
    parquet_runs_release(&runs);
}

/* ---- dictionaries ---- */

static void test_a_dictionary_gives_each_text_one_number(void **state)
{
    struct parquet_dictionary dictionary;
    (void)state;
    parquet_dictionary_init(&dictionary, 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < PARQUET_DICTIONARY_MAX / 2; i++) {
            char text[16];
            uint16_t number = 0;
            size_t len = 0;
            (void)snprintf(text, sizeof text, "%d", i);
            assert_true(parquet_dictionary_number(&dictionary, text, strlen(text), &number));
            assert_int_equal(number, i);
            const char *plain = parquet_dictionary_plain(&dictionary, number, &len);
            assert_int_equal(len, strlen(text) + 4);
            assert_memory_equal(plain + 4, text, strlen(text));
        }
    }
    parquet_dictionary_release(&dictionary);
}

static void test_a_dictionary_is_bounded(void **state)
{
    static char large[PARQUET_DICTIONARY_BYTES_MAX];
    struct parquet_dictionary dictionary;
    uint16_t number = 0;
    int taken = 0;
    (void)state;
    parquet_dictionary_init(&dictionary, 1);
    assert_false(parquet_dictionary_number(&dictionary, large, sizeof large, &number));
    for (bool more = true; more; taken += more) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", taken);
        more = parquet_dictionary_number(&dictionary, text, strlen(text), &number);
    }
    assert_true(taken > PARQUET_DICTIONARY_MAX / 2);
    assert_true(taken <= PARQUET_DICTIONARY_MAX);
    parquet_dictionary_release(&dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tables_are_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_columns_are_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_types_that_a_file_cannot_hold_are_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_cells_that_do_not_fit_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_is_told_at_every_byte, set_up, tear_down),
        cmocka_unit_test(test_runs_hold_every_number),
        cmocka_unit_test(test_equal_numbers_cost_a_few_bytes),
        cmocka_unit_test(test_a_dictionary_gives_each_text_one_number),
        cmocka_unit_test(test_a_dictionary_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
