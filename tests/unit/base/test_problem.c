/* test_problem.c - the first reason wins, texts are cut between characters, and clients never read
 * what belongs in the log. */
#include "base/problem.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_the_first_reason_wins(void **state)
{
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(problem_code(&why, FAULT_CONFLICT, "taken", "%s is taken", "it"),
                     FAULT_CONFLICT);
    assert_int_equal(problem_set(&why, FAULT_MISSING, "no"), FAULT_MISSING);
    assert_int_equal(problem_code(&why, FAULT_GONE, "gone", "no"), FAULT_GONE);
    assert_int_equal(problem_internal(&why, "no"), FAULT_INTERNAL);
    assert_int_equal(problem_errno(&why, ENOSPC, "no"), FAULT_STORAGE_FULL);
    assert_int_equal(why.fault, FAULT_CONFLICT);
    assert_string_equal(why.code, "taken");
    assert_string_equal(why.text, "it is taken");
    assert_string_equal(why.detail, "");
}

static void test_a_text_without_a_code_or_detail_has_none(void **state)
{
    struct problem why;
    (void)state;
    memset(&why, 'x', sizeof why); /* as left by an earlier use */
    why.fault = FAULT_NONE;
    assert_int_equal(problem_set(&why, FAULT_MISSING, "no %d", 7), FAULT_MISSING);
    assert_null(why.code);
    assert_string_equal(why.text, "no 7");
    assert_string_equal(why.detail, "");
}

static void test_a_failed_call_is_told_to_the_log_and_not_to_the_client(void **state)
{
    static const struct {
        int code;
        enum fault fault;
        const char *text;
    } cases[] = {
        { ENOSPC, FAULT_STORAGE_FULL, "the storage is full" },
        { EDQUOT, FAULT_STORAGE_FULL, "the storage is full" },
        { EIO, FAULT_INTERNAL, "internal error" },
        { EACCES, FAULT_INTERNAL, "internal error" },
        { EMFILE, FAULT_INTERNAL, "internal error" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(problem_errno(&why, cases[i].code, "open /secret/path"), cases[i].fault);
        assert_int_equal(why.fault, cases[i].fault);
        assert_string_equal(why.text, cases[i].text);
        assert_non_null(strstr(why.detail, "open /secret/path: "));
        assert_non_null(strstr(why.detail, strerror(cases[i].code)));
    }
    struct problem why = PROBLEM_NONE;
    assert_int_equal(problem_internal(&why, "row %d", 7), FAULT_INTERNAL);
    assert_string_equal(why.text, "internal error");
    assert_string_equal(why.detail, "row 7");
}

static void test_a_long_text_is_cut_between_characters(void **state)
{
    static const char *const characters[] = { "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
    (void)state;
    for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
        for (size_t lead = 0; lead < 4; lead++) {
            char text[PROBLEM_TEXT_MAX + 64] = "";
            const size_t step = strlen(characters[i]);
            memset(text, '-', lead);
            for (size_t at = lead; at < PROBLEM_TEXT_MAX + 8; at += step)
                memcpy(text + at, characters[i], step);
            struct problem why = PROBLEM_NONE;
            (void)problem_set(&why, FAULT_MALFORMED, "%s", text);
            const size_t len = strlen(why.text);
            assert_true(len < PROBLEM_TEXT_MAX && len + step >= PROBLEM_TEXT_MAX);
            assert_true(text_is_utf8(why.text, len));
            assert_memory_equal(why.text, text, len);

            why = PROBLEM_NONE;
            (void)problem_internal(&why, "%s", text);
            assert_true(text_is_utf8(why.detail, strlen(why.detail)));
            assert_true(strlen(why.detail) < PROBLEM_DETAIL_MAX);
        }
    }
}

static void test_a_text_that_just_fits_is_whole(void **state)
{
    char text[PROBLEM_TEXT_MAX];
    struct problem why = PROBLEM_NONE;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text + sizeof text - 3, "\xC3\xA4", 3);
    (void)problem_set(&why, FAULT_MALFORMED, "%s", text);
    assert_string_equal(why.text, text);
}

static void test_every_fault_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = FAULT_NONE; a <= FAULT_INTERNAL; a++) {
        const char *name = fault_name((enum fault)a);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
        assert_string_not_equal(name, "unknown");
        for (int b = FAULT_NONE; b < a; b++)
            assert_string_not_equal(name, fault_name((enum fault)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_reason_wins),
        cmocka_unit_test(test_a_text_without_a_code_or_detail_has_none),
        cmocka_unit_test(test_a_failed_call_is_told_to_the_log_and_not_to_the_client),
        cmocka_unit_test(test_a_long_text_is_cut_between_characters),
        cmocka_unit_test(test_a_text_that_just_fits_is_whole),
        cmocka_unit_test(test_every_fault_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
