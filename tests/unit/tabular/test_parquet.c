/*
 * The Parquet reader: footers made here, element by element, and what is read from them.
 */
#include "parquet_trial.h"

#include <time.h>

enum { MAP_OLD = 1, MAP_KEY_VALUE_OLD = 2, LIST_OLD = 3 };

/* Schemas of one column: the elements below the root, the first of which is it. */
static const struct {
    const char *label;
    const char *type; /* beginning with "the part": the refusal */
    struct element elements[ELEMENTS_MAX];
} schemas[] = {
    { "a leaf", "INT32", { LEAF("c", OPTIONAL, INT32) } },
    { "a struct", "NVARCHAR", { GROUP("c", OPTIONAL, 1, NO), LEAF("x", OPTIONAL, INT32) } },
    { "a group with a physical type",
      "NVARCHAR",
      { { "c", INT32, 0, OPTIONAL, 2, NO, 0, { 0 }, 0, 0 },
        LEAF("x", OPTIONAL, INT32),
        LEAF("y", OPTIONAL, INT32) } },
    { "a list whose groups have physical types",
      "ARRAY<INT64>",
      { { "c", BOOLEAN, 0, OPTIONAL, 1, LIST_OLD, 0, { 0 }, 0, 0 },
        { "list", BOOLEAN, 0, REPEATED, 1, NO, 0, { 0 }, 0, 0 },
        LEAF("element", OPTIONAL, INT64) } },
    { "a list of three levels",
      "ARRAY<INT32>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("list", REPEATED, 1, NO),
        LEAF("element", OPTIONAL, INT32) } },
    { "a list as Hive names it",
      "ARRAY<INT32>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("bag", REPEATED, 1, NO),
        LEAF("array_element", OPTIONAL, INT32) } },
    { "a list of lists of three levels",
      "ARRAY<ARRAY<FLOAT64>>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("list", REPEATED, 1, NO),
        GROUP("element", OPTIONAL, 1, LIST_OLD), GROUP("list", REPEATED, 1, NO),
        LEAF("element", OPTIONAL, DOUBLE) } },
    { "rule 1: a repeated leaf",
      "ARRAY<INT32>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), LEAF("element", REPEATED, INT32) } },
    { "rule 2: a repeated group of several fields",
      "ARRAY<NVARCHAR>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("element", REPEATED, 2, NO),
        LEAF("x", REQUIRED, BYTES), LEAF("y", REQUIRED, INT32) } },
    { "rule 3: a repeated group of one repeated field",
      "ARRAY<NVARCHAR>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("element", REPEATED, 1, NO),
        LEAF("items", REPEATED, INT32) } },
    { "rule 4: a repeated group called array",
      "ARRAY<NVARCHAR>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("array", REPEATED, 1, NO),
        LEAF("x", REQUIRED, BYTES) } },
    { "rule 4: a repeated group called after its list",
      "ARRAY<NVARCHAR>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("c_tuple", REPEATED, 1, NO),
        LEAF("x", REQUIRED, BYTES) } },
    { "no rule: a name that only ends so",
      "ARRAY<VARBINARY>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("cc_tuple", REPEATED, 1, NO),
        LEAF("x", REQUIRED, BYTES) } },
    { "two levels, lists of lists",
      "ARRAY<ARRAY<INT32>>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("array", REPEATED, 1, LIST_OLD),
        LEAF("array", REPEATED, INT32) } },
    { "two levels, lists of lists of lists",
      "ARRAY<ARRAY<ARRAY<INT64>>>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("c_tuple", REPEATED, 1, LIST_OLD),
        GROUP("c_tuple_tuple", REPEATED, 1, LIST_OLD), LEAF("x", REPEATED, INT64) } },
    { "two levels, a list of maps",
      "ARRAY<NVARCHAR>",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), GROUP("element", REPEATED, 1, MAP_OLD),
        GROUP("key_value", REPEATED, 2, MAP_KEY_VALUE_OLD), LEAF("key", REQUIRED, BYTES),
        LEAF("value", OPTIONAL, INT32) } },
    { "a repeated field without a list", "ARRAY<INT32>", { LEAF("c", REPEATED, INT32) } },
    { "a repeated group without a list",
      "ARRAY<NVARCHAR>",
      { GROUP("c", REPEATED, 1, NO), LEAF("x", OPTIONAL, INT32) } },
    { "a list whose child is not repeated is a struct",
      "NVARCHAR",
      { GROUP("c", OPTIONAL, 1, LIST_OLD), LEAF("element", OPTIONAL, INT32) } },
    { "a list of two children is a struct",
      "NVARCHAR",
      { GROUP("c", OPTIONAL, 2, LIST_OLD), LEAF("x", REPEATED, INT32),
        LEAF("y", REPEATED, INT32) } },
    { "a map",
      "NVARCHAR",
      { GROUP("c", OPTIONAL, 1, MAP_OLD), GROUP("key_value", REPEATED, 2, NO),
        LEAF("key", REQUIRED, BYTES), LEAF("value", OPTIONAL, INT32) } },
    { "a map as old writers mark it",
      "NVARCHAR",
      { GROUP("c", OPTIONAL, 1, MAP_KEY_VALUE_OLD), GROUP("map", REPEATED, 2, NO),
        LEAF("key", REQUIRED, BYTES), LEAF("value", OPTIONAL, INT32) } },
    { "nulls by the converted type of early Parquet C++", "NULL", { OLD(INT32, 0, 24, 0, 0) } },
    { "nulls by the converted type of a draft", "NULL", { OLD(BYTES, 0, 25, 0, 0) } },
    { "nulls by the logical type", "NULL", { NEW(INT32, 0, 11, 0, 0) } },
    { "a converted type of no meaning", "INT32", { OLD(INT32, 0, 99, 0, 0) } },
    { "a logical type of no meaning", "INT32", { NEW(INT32, 0, 99, 0, 0) } },
    { "the annotation of a leaf below is looked at, too",
      "the part is not Parquet that can be read: column 'c' has the annotation STRING on the "
      "physical type INT32, which cannot hold it",
      { GROUP("c", OPTIONAL, 1, NO), OLD(INT32, 0, 0, 0, 0) } },
    { "a group that is text",
      "the part is not Parquet that can be read: column 'c' has the annotation STRING on the "
      "physical type group, which cannot hold it",
      { GROUP("c", OPTIONAL, 1, 0), LEAF("x", OPTIONAL, INT32) } },
    { "a leaf that is a list",
      "the part is not Parquet that can be read: column 'c' has the annotation LIST on the "
      "physical type INT32, which cannot hold it",
      { OLD(INT32, 0, LIST_OLD, 0, 0) } },
};

static const char *what_is_wrong(const char *trace)
{
    const char *said = strstr(trace, "has the annotation ");
    return said ? said + sizeof "has the annotation " - 1 : trace;
}

/* Makes a file of one column and reads it. */
static void read_column(const struct element *elements, size_t count, char trace[TRACE_MAX])
{
    static const int64_t rows[] = { 3 };
    const struct element root = { "r", NO, 0, NO, 1, NO, 0, { 0 }, 0, 0 };
    struct file file;
    size_t leaves = 0;
    file_begin(&file);
    put_number(&file, 1, I32, 1);
    put_list(&file, 2, 1 + count);
    put_element(&file, &root);
    for (size_t i = 0; i < count; i++) {
        put_element(&file, &elements[i]);
        leaves += elements[i].children == 0;
    }
    file.field = 2;
    put_number(&file, 3, I64, 3);
    put_groups(&file, rows, 1, leaves);
    put_byte(&file, 0);
    file_end(&file);
    trace_of(&file, trace);
}

static void test_schemas_are_read_as_the_format_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        char trace[TRACE_MAX];
        char wanted[TRACE_MAX];
        size_t count = 0;
        while (count < ELEMENTS_MAX && schemas[i].elements[count].name)
            count++;
        read_column(schemas[i].elements, count, trace);
        const bool required = schemas[i].elements[0].repetition != OPTIONAL;
        (void)snprintf(wanted, sizeof wanted, "3 c:%s%s", schemas[i].type, required ? "!" : "");
        if (strncmp(schemas[i].type, "the part", 8) == 0)
            (void)snprintf(wanted, sizeof wanted, "%s", schemas[i].type);
        if (strcmp(trace, wanted) != 0)
            (void)fprintf(stderr, "case \"%s\":\n", schemas[i].label);
        assert_string_equal(trace, wanted);
    }
}

/* Every annotation, old and new, on what holds it and on what does not. */
static const struct {
    struct element element;
    const char *said; /* a type, or what the refusal says of the annotation and the physical type */
} annotations[] = {
    /* converted types */
    { OLD(BYTES, 0, 0, 0, 0), "VARCHAR" },
    { OLD(FIXED, 4, 0, 0, 0), "STRING on the physical type FIXED_LEN_BYTE_ARRAY(4)" },
    { OLD(INT64, 0, 1, 0, 0), "MAP on the physical type INT64" },
    { OLD(INT64, 0, 2, 0, 0), "MAP on the physical type INT64" },
    { OLD(BYTES, 0, 4, 0, 0), "VARCHAR" },
    { OLD(DOUBLE, 0, 4, 0, 0), "ENUM on the physical type DOUBLE" },
    { OLD(INT32, 0, 5, 9, 2), "DECIMAL(9, 2)" },
    { OLD(INT32, 0, 5, 10, 2), "DECIMAL(10, 2) on the physical type INT32" },
    { OLD(INT32, 0, 5, 0, 0), "DECIMAL(0, 0) on the physical type INT32" },
    { OLD(INT32, 0, 5, 3, 4), "DECIMAL(3, 4) on the physical type INT32" },
    { OLD(INT32, 0, 5, 3, -1), "DECIMAL(3, -1) on the physical type INT32" },
    { OLD(INT64, 0, 5, 18, 18), "DECIMAL(18, 18)" },
    { OLD(INT64, 0, 5, 19, 0), "DECIMAL(19, 0) on the physical type INT64" },
    { OLD(FIXED, 1, 5, 2, 0), "DECIMAL(2, 0)" },
    { OLD(FIXED, 1, 5, 3, 0), "DECIMAL(3, 0) on the physical type FIXED_LEN_BYTE_ARRAY(1)" },
    { OLD(FIXED, 16, 5, 38, 10), "DECIMAL(38, 10)" },
    { OLD(FIXED, 16, 5, 39, 10), "DECIMAL(39, 10) on the physical type FIXED_LEN_BYTE_ARRAY(16)" },
    { OLD(FIXED, 17, 5, 39, 10), "VARBINARY" },
    { OLD(BYTES, 0, 5, 38, 0), "DECIMAL(38, 0)" },
    { OLD(BYTES, 0, 5, 76, 0), "VARBINARY" },
    { OLD(DOUBLE, 0, 5, 9, 2), "DECIMAL(9, 2) on the physical type DOUBLE" },
    { OLD(INT32, 0, 6, 0, 0), "DATE" },
    { OLD(INT64, 0, 6, 0, 0), "DATE on the physical type INT64" },
    { OLD(INT32, 0, 7, 0, 0), "TIME" },
    { OLD(INT64, 0, 7, 0, 0), "TIME(MILLIS) on the physical type INT64" },
    { OLD(INT64, 0, 8, 0, 0), "TIME" },
    { OLD(INT32, 0, 8, 0, 0), "TIME(MICROS) on the physical type INT32" },
    { OLD(INT64, 0, 9, 0, 0), "TIMESTAMP[ms]" },
    { OLD(INT96, 0, 9, 0, 0), "TIMESTAMP on the physical type INT96" },
    { OLD(INT64, 0, 10, 0, 0), "TIMESTAMP[us]" },
    { OLD(INT32, 0, 11, 0, 0), "UINT8" },
    { OLD(INT32, 0, 12, 0, 0), "UINT16" },
    { OLD(INT32, 0, 13, 0, 0), "UINT32" },
    { OLD(INT64, 0, 13, 0, 0), "INTEGER(32, unsigned) on the physical type INT64" },
    { OLD(INT64, 0, 14, 0, 0), "UINT64" },
    { OLD(INT32, 0, 14, 0, 0), "INTEGER(64, unsigned) on the physical type INT32" },
    { OLD(INT32, 0, 15, 0, 0), "INT8" },
    { OLD(BOOLEAN, 0, 15, 0, 0), "INTEGER(8, signed) on the physical type BOOLEAN" },
    { OLD(INT32, 0, 16, 0, 0), "INT16" },
    { OLD(INT32, 0, 17, 0, 0), "INT32" },
    { OLD(INT64, 0, 18, 0, 0), "INT64" },
    { OLD(INT32, 0, 18, 0, 0), "INTEGER(64, signed) on the physical type INT32" },
    { OLD(BYTES, 0, 19, 0, 0), "NVARCHAR" },
    { OLD(INT64, 0, 19, 0, 0), "JSON on the physical type INT64" },
    { OLD(BYTES, 0, 20, 0, 0), "VARBINARY" },
    { OLD(FLOAT, 0, 20, 0, 0), "BSON on the physical type FLOAT" },
    { OLD(FIXED, 12, 21, 0, 0), "INTERVAL" },
    { OLD(FIXED, 13, 21, 0, 0), "INTERVAL on the physical type FIXED_LEN_BYTE_ARRAY(13)" },
    { OLD(INT64, 0, 21, 0, 0), "INTERVAL on the physical type INT64" },
    /* logical types */
    { NEW(BYTES, 0, 1, 0, 0), "VARCHAR" },
    { NEW(INT32, 0, 1, 0, 0), "STRING on the physical type INT32" },
    { NEW(BYTES, 0, 2, 0, 0), "MAP on the physical type BYTE_ARRAY" },
    { NEW(BYTES, 0, 3, 0, 0), "LIST on the physical type BYTE_ARRAY" },
    { NEW(INT32, 0, 5, 9, 9), "DECIMAL(9, 9)" },
    { NEW(INT32, 0, 5, 10, 0), "DECIMAL(10, 0) on the physical type INT32" },
    { NEW(FIXED, 9, 5, 21, 0), "DECIMAL(21, 0)" },
    { NEW(FIXED, 9, 5, 22, 0), "DECIMAL(22, 0) on the physical type FIXED_LEN_BYTE_ARRAY(9)" },
    { NEW(DOUBLE, 0, 6, 0, 0), "DATE on the physical type DOUBLE" },
    { NEW(INT32, 0, 7, 1, 0), "TIME" },
    { NEW(INT64, 0, 7, 3, 0), "TIME" },
    { NEW(INT32, 0, 7, 3, 0), "TIME(NANOS) on the physical type INT32" },
    { NEW(INT64, 0, 8, 3, 0), "TIMESTAMP[ns]" },
    { NEW(INT32, 0, 8, 1, 0), "TIMESTAMP on the physical type INT32" },
    { NEW(INT32, 0, 10, 8, 1), "INT8" },
    { NEW(INT64, 0, 10, 64, 0), "UINT64" },
    { NEW(INT64, 0, 10, 16, 1), "INTEGER(16, signed) on the physical type INT64" },
    { NEW(INT64, 0, 10, 65, 1), "INTEGER(65, signed) on the physical type INT64" },
    { NEW(BYTES, 0, 12, 0, 0), "NVARCHAR" },
    { NEW(FIXED, 16, 14, 0, 0), "VARBINARY" },
    { NEW(FIXED, 15, 14, 0, 0), "UUID on the physical type FIXED_LEN_BYTE_ARRAY(15)" },
    { NEW(FIXED, 2, 15, 0, 0), "FLOAT32" },
    { NEW(FLOAT, 0, 15, 0, 0), "FLOAT16 on the physical type FLOAT" },
    { NEW(BYTES, 0, 16, 0, 0), "VARIANT on the physical type BYTE_ARRAY" },
    { NEW(BYTES, 0, 17, 0, 0), "VARBINARY" },
    { NEW(INT64, 0, 18, 0, 0), "GEOGRAPHY on the physical type INT64" },
};

static void test_an_annotation_must_fit_its_physical_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof annotations / sizeof annotations[0]; i++) {
        char trace[TRACE_MAX];
        char wanted[TRACE_MAX];
        read_column(&annotations[i].element, 1, trace);
        const bool refused = strstr(annotations[i].said, " on the physical type ");
        (void)snprintf(wanted, sizeof wanted, refused ? "%s, which cannot hold it" : "3 c:%s",
                       annotations[i].said);
        assert_string_equal(what_is_wrong(trace), wanted);
    }
}

enum { GROUPS_MAX = 3 };

static const struct {
    const char *label;
    int64_t file; /* NO: not given */
    size_t groups;
    int64_t rows[GROUPS_MAX];
    const char *trace;
} counts[] = {
    { "as all agree", 6, 2, { 4, 2 }, "6 c:INT32" },
    { "no rows", 0, 0, { 0 }, "0 c:INT32" },
    { "the file says 0", 0, 2, { 4, 2 }, "6 c:INT32" },
    { "the file says nothing", NO, 3, { 1, 2, 3 }, "6 c:INT32" },
    { "the file says something else",
      5,
      2,
      { 4, 2 },
      "the part is not Parquet: its row groups have other rows than the file" },
    { "a group of less than no rows",
      0,
      1,
      { -1 },
      "the part is not Parquet: its row groups have less than no rows, or more than 2^40" },
    { "as many as are taken",
      PARQUET_ROWS_MAX,
      2,
      { 1, PARQUET_ROWS_MAX - 1 },
      "1099511627776 c:INT32" },
    { "one more",
      0,
      2,
      { 1, PARQUET_ROWS_MAX },
      "the part is not Parquet: its row groups have less than no rows, or more than 2^40" },
    { "near 2^62",
      INT64_C(1) << 62,
      1,
      { INT64_C(1) << 62 },
      "the part is not Parquet: its row groups have less than no rows, or more than 2^40" },
};

static void test_rows_are_those_of_the_groups(void **state)
{
    (void)state;
    const struct element root = { "r", NO, 0, NO, 1, NO, 0, { 0 }, 0, 0 };
    const struct element leaf = LEAF("c", OPTIONAL, INT32);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char trace[TRACE_MAX];
        struct file file;
        file_begin(&file);
        put_list(&file, 2, 2);
        put_element(&file, &root);
        put_element(&file, &leaf);
        file.field = 2;
        if (counts[i].file != NO)
            put_number(&file, 3, I64, counts[i].file);
        put_groups(&file, counts[i].rows, counts[i].groups, 1);
        put_byte(&file, 0);
        file_end(&file);
        trace_of(&file, trace);
        if (strcmp(trace, counts[i].trace) != 0)
            (void)fprintf(stderr, "case \"%s\":\n", counts[i].label);
        assert_string_equal(trace, counts[i].trace);
    }
}

/* A column of count elements of one byte each, below it. */
static clock_t read_hollow(size_t count, char trace[TRACE_MAX])
{
    const struct element root = { "r", NO, 0, NO, 1, NO, 0, { 0 }, 0, 0 };
    const struct element column = GROUP("c", OPTIONAL, (int)count, NO);
    struct file file;
    file_begin(&file);
    put_list(&file, 2, 2 + count);
    put_element(&file, &root);
    put_element(&file, &column);
    memset(file.bytes + file.len, 0, count);
    file.len += count;
    put_byte(&file, 0);
    file_end(&file);
    const clock_t began = clock();
    trace_of(&file, trace);
    return clock() - began;
}

/* What as many steps of nothing take, each of a few thousand instructions, in this run. */
static clock_t count_steps(size_t count)
{
    enum { EACH = 600 };
    volatile size_t sum = 0;
    const clock_t began = clock();
    for (size_t i = 0; i < count * EACH; i++)
        sum = sum + i;
    return clock() - began;
}

/* What an element costs is a matter of its bytes, not of the longest name that it might have: a
 * kilobyte each, cleared and looked through, took many times as long. */
static void test_elements_of_one_byte_cost_little_and_are_bounded(void **state)
{
    (void)state;
    char trace[TRACE_MAX];
    const clock_t took = read_hollow(PARQUET_ELEMENTS_MAX - 2, trace);
    assert_string_equal(trace, "0 c:NVARCHAR");
    const clock_t limit = count_steps(PARQUET_ELEMENTS_MAX);
    assert_true(took < limit);
    (void)read_hollow(PARQUET_ELEMENTS_MAX - 1, trace);
    assert_string_equal(trace,
                        "the part is not Parquet: the schema has more than 1048576 elements");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemas_are_read_as_the_format_says),
        cmocka_unit_test(test_an_annotation_must_fit_its_physical_type),
        cmocka_unit_test(test_rows_are_those_of_the_groups),
        cmocka_unit_test(test_elements_of_one_byte_cost_little_and_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
