/* test_token.c - the text of a credential, how requests carry it, rights and scopes. */
#include "auth/auth.h"
#include "auth/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef"
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "slc_" ID "_" SECRET

static void test_a_printed_token_reads_back(void **state)
{
    struct token_text token = { 0 };
    char text[TOKEN_TEXT_MAX];
    (void)state;
    assert_true(token_parse(TOKEN, strlen(TOKEN), &token));
    assert_string_equal(token.id, ID);
    assert_int_equal(token.secret[0], 0x00);
    assert_int_equal(token.secret[31], 0xFF);
    token_print(&token, text);
    assert_string_equal(text, TOKEN);
}

static void test_headers(void **state)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        { "Bearer " TOKEN, true },
        { "bearer " TOKEN, true },
        { "BEARER   " TOKEN, true },
        /* base64 of "user:" TOKEN and of ":" TOKEN */
        { "Basic dXNlcjpzbGNfMDEyMzQ1Njc4OWFiY2RlZl8wMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZjAw"
          "MTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZm",
          true },
        { "Basic OnNsY18wMTIzNDU2Nzg5YWJjZGVmXzAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmMDAxMTIy"
          "MzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVlZmY=",
          true },
        /* the same without its padding, and of "ci:" TOKEN without two */
        { "Basic OnNsY18wMTIzNDU2Nzg5YWJjZGVmXzAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmMDAxMTIy"
          "MzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVlZmY",
          true },
        { "Basic "
          "Y2k6c2xjXzAxMjM0NTY3ODlhYmNkZWZfMDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2NkZGVlZmYwMDExMjIz"
          "MzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZg",
          true },
        { "Basic dXNlcjpzbGNfMDEyMzQ1Njc4OWFiY2RlZl8wMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZjAw"
          "MTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZm=",
          false },
        { TOKEN, false },
        { "Bearer", false },
        { "Bearer ", false },
        { "Bearer " TOKEN " ", false },
        { "Bearer x" TOKEN, false },
        { "Bearer slc_" ID "-" SECRET, false },
        { "Bearer slc_" ID "_" SECRET "0", false },
        { "Bearer slx_" ID "_" SECRET, false },
        { "Bearer slc_g123456789abcdef_" SECRET, false },
        { "Basic ", false },
        { "Basic dXNlcg==", false },
        { "Basic d", false },
        { "Basic dXNlcg=", false },
        { "Basic ====", false },
        { "Basic !!!!", false },
        { "Digest " TOKEN, false },
        { "", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct token_text token = { 0 };
        if (token_from_header(cases[i].header, &token) != cases[i].good)
            print_error("header \"%s\"\n", cases[i].header);
        assert_int_equal(token_from_header(cases[i].header, &token), cases[i].good);
        if (cases[i].good)
            assert_string_equal(token.id, ID);
    }
}

static void test_rights_that_do_not_parse_are_refused(void **state)
{
    static const char *const good[] = { "all:admin", "pinot:write,oxen:read", "opteryx:read" };
    static const char *const bad[] = { "",       "pinot",       "pinot:", "pinot:rw",
                                       "x:read", "all:admin, ", ":read",  ",all:read" };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(auth_rights_check(good[i], &why), FAULT_NONE);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(auth_rights_check(bad[i], &why), FAULT_MALFORMED);
    }
}

static void test_scopes(void **state)
{
    static const struct {
        const char *scope;
        const char *resource;
        bool matches;
    } cases[] = {
        { "*", "anything.at/all", true },
        { "sales.*", "sales.eu.orders", true },
        { "sales.*", "salesx.eu", false },
        { "ns/*", "ns/repo", true },
        { "ns/*", "other/repo", false },
        { "a,b,c*", "b", true },
        { "a,b,c*", "cat", true },
        { "a,b,c*", "d", false },
        { "t?ble", "table", true },
        { "table", "table_OFFLINE", false },
        { "", "x", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(auth_scope_matches(cases[i].scope, cases[i].resource), cases[i].matches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_printed_token_reads_back),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_rights_that_do_not_parse_are_refused),
        cmocka_unit_test(test_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
