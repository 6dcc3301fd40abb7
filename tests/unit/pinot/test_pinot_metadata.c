/* creation.meta and metadata.properties, as far as a push needs them. */
#include "pinot/creation_meta.h"
#include "pinot/segment_metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEEDED "segment.name = s\nsegment.total.docs = 10\n"
#define INTERVAL                                                                                   \
    "segment.start.time = 1767225600000\nsegment.end.time = 1767225609000\n"                       \
    "segment.time.unit = MILLISECONDS\n"

static void test_creation_meta_has_two_forms(void **state)
{
    static const unsigned char bytes[] = { 0, 0, 0, 0,    0x76, 0x0F, 0x84, 0x02,
                                           0, 0, 1, 0xA2, 0x07, 0x47, 0xE5, 0x1D,
                                           0, 0, 0, 0,    0x8E, 0x2C, 0x25, 0x3D };
    struct problem why = PROBLEM_NONE;
    struct creation_meta meta = { 0 };
    (void)state;
    assert_int_equal(creation_meta_parse(bytes, sizeof bytes, "s", &meta, &why), FAULT_NONE);
    assert_int_equal(meta.crc, 1980728322);
    assert_int_equal(meta.created_at, 1795418481949);
    assert_int_equal(meta.data_crc, 2385257789);
    assert_int_equal(creation_meta_parse(bytes, 16, "s", &meta, &why), FAULT_NONE);
    assert_int_equal(meta.data_crc, -1);
    for (size_t len = 0; len < sizeof bytes; len++) {
        struct problem bad = PROBLEM_NONE;
        if (len != 16)
            assert_int_equal(creation_meta_parse(bytes, len, "s", &meta, &bad), FAULT_MALFORMED);
    }
}

static const struct {
    const char *label;
    const char *text;
    bool has_interval;
    int64_t start_at;
    int64_t end_at;
    const char *start_raw;
} intervals[] = {
    { "none", NEEDED, false, 0, 0, "" },
    { "milliseconds", NEEDED INTERVAL, true, 1767225600000, 1767225609000, "" },
    { "raw times are the time column's range",
      NEEDED INTERVAL
      "segment.time.column.name = ts\ncolumn.ts.minValue = 1\ncolumn.ts.maxValue = 2\n"
      "column.tsx.minValue = 7\n",
      true, 1767225600000, 1767225609000, "1" },
    { "the time column's name may come last",
      NEEDED INTERVAL
      "column.ts.maxValue = 2\ncolumn.ts.minValue = 1\nsegment.time.column.name = ts\n",
      true, 1767225600000, 1767225609000, "1" },
    { "half a range is none",
      NEEDED INTERVAL "segment.time.column.name = ts\ncolumn.ts.minValue = 1\n", true,
      1767225600000, 1767225609000, "" },
    { "days",
      NEEDED "segment.start.time = 20454\nsegment.end.time = 20455\nsegment.time.unit = days\n",
      true, 1767225600000, 1767312000000, "" },
    { "nanoseconds",
      NEEDED "segment.start.time = 1767225600000999999\nsegment.end.time = 1767225600001000000\n"
             "segment.time.unit = NANOSECONDS\n",
      true, 1767225600000, 1767225600001, "" },
    { "full scale where it would overflow",
      NEEDED "segment.start.time = -9223372036854775808\nsegment.end.time = 9223372036854775807\n"
             "segment.time.unit = DAYS\n",
      true, INT64_MIN, INT64_MAX, "" },
    { "the end before the start",
      NEEDED "segment.start.time = 2\nsegment.end.time = 1\nsegment.time.unit = SECONDS\n", false,
      0, 0, "" },
    { "an unknown unit",
      NEEDED "segment.start.time = 1\nsegment.end.time = 2\nsegment.time.unit = FORTNIGHTS\n",
      false, 0, 0, "" },
    { "no number",
      NEEDED "segment.start.time = x\nsegment.end.time = 2\nsegment.time.unit = SECONDS\n", false,
      0, 0, "" },
};

static void test_intervals_are_milliseconds_whatever_the_unit(void **state)
{
    struct segment_metadata m;
    (void)state;
    segment_metadata_init(&m);
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const char *text = intervals[i].text;
        (void)fprintf(stderr, "%s\n", intervals[i].label);
        assert_int_equal(segment_metadata_parse(text, strlen(text), "s", &m, &why), FAULT_NONE);
        assert_int_equal(m.has_interval, intervals[i].has_interval);
        assert_string_equal(m.start_raw, intervals[i].start_raw);
        if (m.has_interval) {
            assert_int_equal(m.start_at, intervals[i].start_at);
            assert_int_equal(m.end_at, intervals[i].end_at);
        }
    }
    segment_metadata_release(&m);
}

static const struct {
    const char *text;
    const char *cause;
} broken[] = {
    { "", "segment.total.docs" },
    { "garbage\n", "segment.total.docs" },
    { "segment.name = s\n", "segment.total.docs" },
    { "segment.total.docs = 1\n", "segment.name" },
    { "segment.total.docs = 1\nsegment.name =\n", "segment.name" },
    { "segment.total.docs = 99999999999\nsegment.name = s\n", "segment.total.docs" },
    { "segment.total.docs = ten\nsegment.name = s\n", "segment.total.docs" },
    { NEEDED "segment.index.version = v4\n", "segment.index.version" },
    { "segment.total.docs = 1\nsegment.name = a\\u0000b\n", "segment.name" },
    { NEEDED "custom.a\\u0000 = 1\n", "custom map" },
    { NEEDED "custom.a = \\u0000\n", "custom map" },
};

static void test_what_a_push_needs_must_be_there(void **state)
{
    struct segment_metadata m;
    (void)state;
    segment_metadata_init(&m);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const char *text = broken[i].text;
        assert_int_equal(segment_metadata_parse(text, strlen(text), "s", &m, &why),
                         FAULT_MALFORMED);
        assert_non_null(strstr(why.text, broken[i].cause));
    }
    segment_metadata_release(&m);
}

static void test_the_first_of_a_repeated_key_counts_and_nothing_is_left_over(void **state)
{
    static const char first[] =
        NEEDED "segment.name = t\nsegment.index.version = v3\n"
               "custom.a\\ b = \"x\"\ncustom.c = d\nsegment.table.name = q\n";
    static const char second[] = NEEDED;
    struct segment_metadata m;
    struct problem why = PROBLEM_NONE;
    (void)state;
    segment_metadata_init(&m);
    assert_int_equal(segment_metadata_parse(first, sizeof first - 1, "s", &m, &why), FAULT_NONE);
    assert_string_equal(m.name, "s");
    assert_string_equal(m.table, "q");
    assert_int_equal(m.index_version, 3);
    assert_int_equal(m.docs, 10);
    assert_string_equal(text_string(&m.custom), "{\"a b\":\"\\\"x\\\"\",\"c\":\"d\"}");
    assert_int_equal(segment_metadata_parse(second, sizeof second - 1, "s", &m, &why), FAULT_NONE);
    assert_string_equal(m.table, "");
    assert_int_equal(m.index_version, 1);
    assert_string_equal(text_string(&m.custom), "");
    segment_metadata_release(&m);
}

static void test_intervals_lie_within_1971_and_2071(void **state)
{
    static const struct {
        bool has;
        int64_t start;
        int64_t end;
        const char *column;
        const char *text; /* NULL: fine */
    } cases[] = {
        { true, 31536000000, 3187296000000, "ts", NULL },
        { false, 0, 0, NULL, NULL },
        { true, 31535999999, 31536000000, "ts",
          "1970-12-31T23:59:59.999Z/1971-01-01T00:00:00.000Z" },
        { true, 31536000000, 3187296000001, NULL, "2071-01-01T00:00:00.001Z (in millis" },
        { true, 3187296000000, 3187296000000, "ts", "must be between" },
        { true, 1000, 2000, "ts",
          "Invalid segment start/end time: 1970-01-01T00:00:01.000Z/1970-01-01T00:00:02.000Z (in "
          "millis: 1000/2000) for segment: s of table: t_OFFLINE, must be between: "
          "1971-01-01T00:00:00.000Z/2071-01-01T00:00:00.000Z" },
        { true, INT64_MIN, INT64_MAX, "ts", "Invalid segment start/end time" },
        { false, 0, 0, "ts",
          "Failed to find time interval in segment: s for table: t_OFFLINE with time column: ts" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = segment_interval_check(cases[i].has, cases[i].start, cases[i].end, "s",
                                                    "t_OFFLINE", cases[i].column, &why);
        assert_int_equal(f, cases[i].text ? FAULT_FORBIDDEN : FAULT_NONE);
        if (cases[i].text)
            assert_non_null(strstr(why.text, cases[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creation_meta_has_two_forms),
        cmocka_unit_test(test_intervals_are_milliseconds_whatever_the_unit),
        cmocka_unit_test(test_what_a_push_needs_must_be_there),
        cmocka_unit_test(test_the_first_of_a_repeated_key_counts_and_nothing_is_left_over),
        cmocka_unit_test(test_intervals_lie_within_1971_and_2071),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
