/* test_number.c - a text is a number as a whole or not at all. */
#include "base/number.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { UNTOUCHED = 77 };

static void test_decimal_numbers_without_a_sign(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "7", true, 7 },
        { "007", true, 7 },
        { "18446744073709551615", true, UINT64_MAX },
        { "00000000000000000000000000000018446744073709551615", true, UINT64_MAX },
        { "18446744073709551616", false, 0 },
        { "18446744073709551625", false, 0 },
        { "99999999999999999999", false, 0 },
        { "184467440737095516150", false, 0 },
        { "", false, 0 },
        { "-1", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1 ", false, 0 },
        { "1\n", false, 0 },
        { "0x1", false, 0 },
        { "1a", false, 0 },
        { "1.0", false, 0 },
        { "1e3", false, 0 },
        { "1,000", false, 0 },
        { "\xD9\xA1", false, 0 }, /* a digit, but not of ASCII */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = UNTOUCHED;
        const bool good = number_u64(cases[i].text, strlen(cases[i].text), &value);
        if (good != cases[i].good)
            (void)fprintf(stderr, "case \"%s\":\n", cases[i].text);
        assert_int_equal(good, cases[i].good);
        assert_int_equal(value, good ? cases[i].value : UNTOUCHED);
    }
}

static void test_decimal_numbers_with_a_sign(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "-0", true, 0 },
        { "-1", true, -1 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775807", true, -INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "18446744073709551615", false, 0 },
        { "-18446744073709551616", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "--1", false, 0 },
        { "+1", false, 0 },
        { "- 1", false, 0 },
        { "1-", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = UNTOUCHED;
        const bool good = number_i64(cases[i].text, strlen(cases[i].text), &value);
        if (good != cases[i].good)
            (void)fprintf(stderr, "case \"%s\":\n", cases[i].text);
        assert_int_equal(good, cases[i].good);
        assert_int_equal(value, good ? cases[i].value : UNTOUCHED);
    }
}

static void test_hexadecimal_and_octal_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t hex;
        uint64_t octal;
        bool hex_good;
        bool octal_good;
    } cases[] = {
        { "0", 0, 0, true, true },
        { "17", 0x17, 017, true, true },
        { "8", 8, 0, true, false },
        { "aF", 0xAF, 0, true, false },
        { "g", 0, 0, false, false },
        { "ffffffffffffffff", UINT64_MAX, 0, true, false },
        { "00000000000000001", 0, 1, false, true }, /* 17 digits */
        { "1777777777777777777777", 0, UINT64_MAX, false, true },
        { "2000000000000000000000", 0, 0, false, false },
        { "", 0, 0, false, false },
        { "0x1", 0, 0, false, false },
        { "-1", 0, 0, false, false },
        { " 1", 0, 0, false, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = UNTOUCHED;
        const size_t len = strlen(cases[i].text);
        const bool hex_good = number_hex64(cases[i].text, len, &value);
        assert_int_equal(hex_good, cases[i].hex_good);
        assert_int_equal(value, hex_good ? cases[i].hex : UNTOUCHED);
        value = UNTOUCHED;
        const bool octal_good = number_octal(cases[i].text, len, &value);
        assert_int_equal(octal_good, cases[i].octal_good);
        assert_int_equal(value, octal_good ? cases[i].octal : UNTOUCHED);
    }
}

static void test_only_the_given_bytes_are_read(void **state)
{
    uint64_t value = 0;
    int64_t sign = 0;
    (void)state;
    assert_true(number_u64("123456", 3, &value));
    assert_int_equal(value, 123);
    assert_true(number_i64("-12x", 3, &sign));
    assert_int_equal(sign, -12);
    assert_false(number_u64("12\0", 3, &value));
    assert_false(number_i64("-1", 1, &sign));
}

static void test_numbers_in_the_grammar_of_json(void **state)
{
    static const struct {
        const char *text;
        size_t len; /* of the longest number at the start */
        bool integer;
    } cases[] = {
        { "0", 1, true },         { "-0", 2, true },       { "12", 2, true },
        { "01", 1, true },        { "-12,", 3, true },     { "1.5", 3, false },
        { "1.", 1, true },        { "1.x", 1, true },      { ".5", 0, false },
        { "-.5", 0, false },      { "1e5", 3, false },     { "1E+05", 5, false },
        { "1e-5", 4, false },     { "1e", 1, true },       { "1e+", 1, true },
        { "1.5e", 3, false },     { "-1.5e3]", 6, false }, { "+1", 0, false },
        { "-", 0, false },        { "", 0, false },        { "x", 0, false },
        { "Infinity", 0, false }, { "NaN", 0, false },     { "0x10", 1, true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool integer = false;
        double value = UNTOUCHED;
        const size_t len = strlen(cases[i].text);
        assert_int_equal(number_json_len(cases[i].text, len, &integer), cases[i].len);
        if (cases[i].len > 0)
            assert_int_equal(integer, cases[i].integer);
        assert_int_equal(number_double(cases[i].text, len, &value), len > 0 && cases[i].len == len);
    }
}

static void test_doubles_are_finite_and_of_bounded_length(void **state)
{
    char text[NUMBER_TEXT_MAX + 1];
    double value = 0;
    (void)state;
    assert_true(number_double("-1.5e3", 6, &value));
    assert_true(value >= -1500 && value <= -1500);
    assert_true(number_double("1.7976931348623157e308", 22, &value));
    assert_true(value >= DBL_MAX);
    assert_false(number_double("1e309", 5, &value));
    assert_false(number_double("-1e400", 6, &value));
    memset(text, '1', sizeof text);
    assert_false(number_double(text, NUMBER_TEXT_MAX, &value));
    text[1] = '.';
    assert_true(number_double(text, NUMBER_TEXT_MAX - 1, &value));
    assert_false(number_double(text, NUMBER_TEXT_MAX, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_numbers_without_a_sign),
        cmocka_unit_test(test_decimal_numbers_with_a_sign),
        cmocka_unit_test(test_hexadecimal_and_octal_numbers),
        cmocka_unit_test(test_only_the_given_bytes_are_read),
        cmocka_unit_test(test_numbers_in_the_grammar_of_json),
        cmocka_unit_test(test_doubles_are_finite_and_of_bounded_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
