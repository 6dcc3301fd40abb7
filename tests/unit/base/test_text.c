/* test_text.c - growing texts remember their first failure; UTF-8 and hexadecimal are strict. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_appending_in_every_way_gives_one_text(void **state)
{
    struct text text;
    (void)state;
    text_init(&text, 100);
    assert_string_equal(text_string(&text), "");
    text_add(&text, "ab!", 2);
    text_add(&text, NULL, 0);
    text_adds(&text, "cd");
    text_addc(&text, 'e');
    text_addf(&text, "%d-%s", 12, "f");
    assert_string_equal(text_string(&text), "abcde12-f");
    assert_int_equal(text.len, 9);
    assert_false(text_failed(&text));
    text_release(&text);
    assert_string_equal(text_string(&text), "");
    text_adds(&text, "again");
    assert_string_equal(text_string(&text), "again");
    text_release(&text);
}

static void test_a_text_grows_to_its_maximum_and_not_past_it(void **state)
{
    static const size_t maxima[] = { 0, 1, 255, 256, 257, 5000 };
    (void)state;
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        struct text text;
        text_init(&text, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            text_addc(&text, (char)('a' + n % 26));
        assert_false(text_failed(&text));
        assert_int_equal(strlen(text_string(&text)), maxima[i]);
        assert_true(text.room <= maxima[i] + 1);
        text_addc(&text, 'x');
        assert_true(text_failed(&text));
        assert_int_equal(text.len, maxima[i]);
        for (size_t n = 0; n < maxima[i]; n++)
            assert_int_equal(text_string(&text)[n], 'a' + n % 26);
        text_release(&text);
    }
}

static void test_after_a_failure_nothing_more_is_appended_until_it_is_cleared(void **state)
{
    struct text text;
    (void)state;
    text_init(&text, 4);
    text_adds(&text, "abc");
    text_adds(&text, "de"); /* too much: nothing of it goes in */
    text_addc(&text, 'f');  /* would fit */
    text_addf(&text, "%c", 'g');
    assert_true(text_failed(&text));
    assert_string_equal(text_string(&text), "abc");
    text_clear(&text);
    assert_false(text_failed(&text));
    assert_string_equal(text_string(&text), "");
    text_adds(&text, "wxyz");
    assert_false(text_failed(&text));
    assert_string_equal(text_string(&text), "wxyz");
    text_clear(&text);
    text_addf(&text, "%s", "12345");
    assert_true(text_failed(&text));
    text_release(&text);
}

static void test_lengths_that_overflow_fail_whatever_the_maximum(void **state)
{
    struct text text;
    (void)state;
    text_init(&text, SIZE_MAX);
    text_adds(&text, "a");
    text_add(&text, "b", SIZE_MAX - 1); /* with its NUL this is one more than there are */
    assert_true(text_failed(&text));
    assert_string_equal(text_string(&text), "a");
    text_release(&text);
}

static void test_comparing_ignores_the_case_of_ascii_letters_alone(void **state)
{
    (void)state;
    assert_true(text_same("Content-Type", "content-tYPE"));
    assert_true(text_same("", ""));
    assert_false(text_same("a", "ab"));
    assert_false(text_same("@", "`"));
    assert_false(text_same("\xC4", "\xE4"));
}

static const struct {
    const char *label;
    const char *bytes;
    size_t len;
    bool good;
} utf8[] = {
    { "nothing", "", 0, true },
    { "ASCII with a NUL", "a\0b", 3, true },
    { "the smallest of two bytes", "\xC2\x80", 2, true },
    { "the largest of two bytes", "\xDF\xBF", 2, true },
    { "the smallest of three", "\xE0\xA0\x80", 3, true },
    { "before the surrogates", "\xED\x9F\xBF", 3, true },
    { "after the surrogates", "\xEE\x80\x80", 3, true },
    { "the largest of three", "\xEF\xBF\xBF", 3, true },
    { "the smallest of four", "\xF0\x90\x80\x80", 4, true },
    { "the last of all", "\xF4\x8F\xBF\xBF", 4, true },
    { "a continuation alone", "\x80", 1, false },
    { "the last continuation alone", "a\xBF", 2, false },
    { "overlong of two", "\xC0\x80", 2, false },
    { "overlong of two, largest", "\xC1\xBF", 2, false },
    { "overlong of three", "\xE0\x9F\xBF", 3, false },
    { "overlong of four", "\xF0\x8F\xBF\xBF", 4, false },
    { "the first surrogate", "\xED\xA0\x80", 3, false },
    { "the last surrogate", "\xED\xBF\xBF", 3, false },
    { "past the end", "\xF4\x90\x80\x80", 4, false },
    { "a first byte that never is", "\xF5\x80\x80\x80", 4, false },
    { "another one", "\xFF", 1, false },
    { "two bytes cut", "\xC2", 1, false },
    { "three bytes cut", "\xE2\x82", 2, false },
    { "four bytes cut", "\xF0\x9F\x98", 3, false },
    { "a first byte where a continuation should be", "\xE2\x82\x41", 3, false },
    { "the third byte wrong", "\xF0\x9F\x41\x80", 4, false },
    { "good text with one bad byte",
      "gr\xC3\xBC\xC3\x9F"
      "e\xFE",
      8, false },
};

static void test_only_well_formed_utf8_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof utf8 / sizeof utf8[0]; i++) {
        if (text_is_utf8(utf8[i].bytes, utf8[i].len) != utf8[i].good)
            fail_msg("%s", utf8[i].label);
    }
}

static void test_no_other_pair_of_first_bytes_begins_a_character(void **state)
{
    (void)state;
    size_t good = 0;
    for (unsigned first = 128; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            const char bytes[4] = { (char)first, (char)second, (char)0x80, (char)0x80 };
            for (size_t len = 2; len <= 4; len++)
                good += text_is_utf8(bytes, len);
        }
    }
    /* 0xC2-0xDF; three bytes: 16 firsts less overlong and surrogates; four: 5 less the ends */
    assert_int_equal(good, 30 * 64 + (16 * 64 - 32 - 32) + (5 * 64 - 16 - 48));
}

static void test_hexadecimal_goes_there_and_back(void **state)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char hex[2 * 256 + 1];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    text_hex(bytes, sizeof bytes, hex);
    assert_int_equal(strlen(hex), 512);
    assert_memory_equal(hex, "000102", 6);
    assert_string_equal(hex + 508, "feff");
    assert_true(text_unhex(hex, 512, back, sizeof back));
    assert_memory_equal(bytes, back, sizeof back);
    assert_true(text_unhex("aBCd", 4, back, 2));
    assert_int_equal(back[0], 0xAB);
    assert_int_equal(back[1], 0xCD);
    text_hex(bytes, 0, hex);
    assert_string_equal(hex, "");
    assert_true(text_unhex("", 0, back, 0));
}

static void test_what_is_not_exactly_that_many_digits_is_refused(void **state)
{
    static const char *const bad[] = { "",     "0",    "012",  "01234", "0g12",
                                       "g012", "0x12", " 012", "01 2",  "-012",
                                       "+012", "/012", ":012", "@012",  "`012" };
    uint8_t out[2];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_unhex(bad[i], strlen(bad[i]), out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appending_in_every_way_gives_one_text),
        cmocka_unit_test(test_a_text_grows_to_its_maximum_and_not_past_it),
        cmocka_unit_test(test_after_a_failure_nothing_more_is_appended_until_it_is_cleared),
        cmocka_unit_test(test_lengths_that_overflow_fail_whatever_the_maximum),
        cmocka_unit_test(test_comparing_ignores_the_case_of_ascii_letters_alone),
        cmocka_unit_test(test_only_well_formed_utf8_is_accepted),
        cmocka_unit_test(test_no_other_pair_of_first_bytes_begins_a_character),
        cmocka_unit_test(test_hexadecimal_goes_there_and_back),
        cmocka_unit_test(test_what_is_not_exactly_that_many_digits_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
