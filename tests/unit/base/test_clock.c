/* test_clock.c - times are printed as ISO 8601 says; random bytes are random. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_times_are_printed_in_utc_without_their_milliseconds(void **state)
{
    static const struct {
        int64_t at_ms;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 999, "1970-01-01T00:00:00Z" },
        { 1000, "1970-01-01T00:00:01Z" },
        { 1767323045678, "2026-01-02T03:04:05Z" },
        { 951782399999, "2000-02-28T23:59:59Z" },
        { 951782400000, "2000-02-29T00:00:00Z" },
        { 4107542400000, "2100-03-01T00:00:00Z" },
        { 253402300799999, "9999-12-31T23:59:59Z" },
        { -1, "1969-12-31T23:59:59Z" },
        { -1000, "1969-12-31T23:59:59Z" },
        { -1001, "1969-12-31T23:59:58Z" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[CLOCK_ISO_MAX];
        clock_iso(cases[i].at_ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_the_widest_times_still_fit(void **state)
{
    static const int64_t times[] = { INT64_MIN, INT64_MAX };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char text[CLOCK_ISO_MAX + 1];
        memset(text, '#', sizeof text);
        clock_iso(times[i], text);
        assert_non_null(memchr(text, '\0', CLOCK_ISO_MAX));
        assert_int_equal(text[CLOCK_ISO_MAX], '#');
        assert_int_equal(text[strlen(text) - 1], 'Z');
    }
}

static void test_the_clocks_go_forward(void **state)
{
    (void)state;
    const int64_t before = clock_steady_ms();
    const int64_t today = clock_now_ms();
    assert_true(clock_steady_ms() >= before);
    assert_true(today > INT64_C(1700000000000)); /* milliseconds, and of this century */
    assert_true(today < INT64_C(32503680000000));
}

static void test_random_bytes_fill_all_of_the_buffer_and_nothing_else(void **state)
{
    enum { LEN = 5000, TRIES = 20 };
    unsigned char bytes[LEN + 1];
    unsigned char seen[LEN] = { 0 };
    (void)state;
    bytes[LEN] = '#';
    for (int i = 0; i < TRIES; i++) {
        memset(bytes, 0, LEN);
        clock_random(bytes, LEN);
        for (size_t at = 0; at < LEN; at++)
            seen[at] |= bytes[at];
    }
    for (size_t at = 0; at < LEN; at++)
        assert_int_not_equal(seen[at], 0); /* by chance: once in 2^147 */
    assert_int_equal(bytes[LEN], '#');
    clock_random(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_printed_in_utc_without_their_milliseconds),
        cmocka_unit_test(test_the_widest_times_still_fit),
        cmocka_unit_test(test_the_clocks_go_forward),
        cmocka_unit_test(test_random_bytes_fill_all_of_the_buffer_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
