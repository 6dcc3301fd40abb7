/* test_oxen_identifiers.c - what may stand in a request to the Oxen surface: hashes, names, agents. */
#include "base/limits.h"
#include "oxen/agent.h"
#include "oxen/hash.h"
#include "oxen/names.h"
#include "oxen/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGIT "Invalid integer: invalid digit found in string"
#define LARGE "Invalid integer: number too large to fit in target type"
#define EMPTY "Invalid integer: cannot parse integer from empty string"
#define FULL "ffffffffffffffffffffffffffffffff"

static void test_every_spelling_of_a_hash_names_one_number(void **state)
{
    static const struct {
        const char *text;
        const char *canonical; /* NULL: refused */
        const char *why;
    } cases[] = {
        { "4af7ab1f253ed36ce0b3ff0fbc5c9df8", "4af7ab1f253ed36ce0b3ff0fbc5c9df8", NULL },
        { "4AF7AB1F253ED36CE0B3FF0FBC5C9DF8", "4af7ab1f253ed36ce0b3ff0fbc5c9df8", NULL },
        { "0b25e5fd0f55f09fdedd986ed91cf0e9", "b25e5fd0f55f09fdedd986ed91cf0e9", NULL },
        { "b25e5fd0f55f09fdedd986ed91cf0e9", "b25e5fd0f55f09fdedd986ed91cf0e9", NULL },
        { "+b25e5fd0f55f09fdedd986ed91cf0e9", "b25e5fd0f55f09fdedd986ed91cf0e9", NULL },
        { "000000000000000000000000000000000000000000000ab", "ab", NULL },
        { "0", "0", NULL },
        { "a", "a", NULL },
        { "10000000000000000", "10000000000000000", NULL },
        { FULL, FULL, NULL },
        { "00" FULL, FULL, NULL },
        { "f" FULL, NULL, LARGE },
        { "1" FULL "z", NULL, LARGE },
        { FULL "z", NULL, DIGIT },
        { "z" FULL FULL, NULL, DIGIT },
        { "", NULL, EMPTY },
        { "+", NULL, DIGIT },
        { "-", NULL, DIGIT },
        { "-1", NULL, DIGIT },
        { "++1", NULL, DIGIT },
        { "hello.txt", NULL, DIGIT },
        { "../../../../etc/x", NULL, DIGIT },
        { "0x12", NULL, DIGIT },
        { " 12", NULL, DIGIT },
        { "12 ", NULL, DIGIT },
        { "\xC3\xA9", NULL, DIGIT },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct oxen_hash hash = { { 0 } };
        struct problem why = PROBLEM_NONE;
        char text[OXEN_HASH_TEXT_MAX] = "";
        const enum fault f = oxen_hash_parse(cases[i].text, &hash, &why);
        if (!f)
            oxen_hash_text(&hash, text);
        if (f != (cases[i].canonical ? FAULT_NONE : FAULT_MALFORMED))
            (void)fprintf(stderr, "case \"%s\":\n", cases[i].text);
        assert_int_equal(f, cases[i].canonical ? FAULT_NONE : FAULT_MALFORMED);
        assert_string_equal(text, cases[i].canonical ? cases[i].canonical : "");
        assert_string_equal(why.text, cases[i].why ? cases[i].why : "");
    }
}

static void test_a_digest_gives_the_hash_of_its_text(void **state)
{
    const struct oxen_hash digest = oxen_hash_of(0x99aa06d3014798d8, 0x6001c324468d497f);
    struct oxen_hash named = { { 0 } };
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(oxen_hash_parse("99aa06d3014798d86001c324468d497f", &named, &why), 0);
    assert_true(oxen_hash_same(&digest, &named));
    named.bytes[OXEN_HASH_BYTES - 1] ^= 1;
    assert_false(oxen_hash_same(&digest, &named));
}

static char *repeated(char byte, size_t count, char out[2 * NAME_MAX_BYTES])
{
    memset(out, byte, count);
    out[count] = '\0';
    return out;
}

static void test_new_repositories_have_the_names_that_oxen_allows(void **state)
{
    char fifty[2 * NAME_MAX_BYTES];
    char more[2 * NAME_MAX_BYTES];
    char longest[2 * NAME_MAX_BYTES];
    char longer[2 * NAME_MAX_BYTES];
    const struct {
        const char *namespace;
        const char *name;
        bool fine;
    } cases[] = {
        { "goldns", "gold", true },
        { "ns", "ImageNet-1k", true },
        { "n0", "a.b_c-d", true },
        { "ns", "9z", true },
        { repeated('n', 50, fifty), "gold", true },
        { repeated('n', 51, more), "gold", false },
        { "ns", repeated('r', NAME_MAX_BYTES - 1, longest), true },
        { "ns", repeated('r', NAME_MAX_BYTES, longer), false },
        { "n", "gold", false },
        { "ns", "g", false },
        { "ns", "-x", false },
        { "ns", ".x", false },
        { "ns", "..", false },
        { "ns", "a/b", false },
        { "ns", "a b", false },
        { "ns", "a\n", false },
        { "ns", "\xC3\xA9t\xC3\xA9", false },
        { "ns", "", false },
        { "a.b", "ok", false },
        { "_a", "ok", false },
        { "", "ok", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = oxen_names_new(cases[i].namespace, cases[i].name, &why);
        if (f != (cases[i].fine ? FAULT_NONE : FAULT_MALFORMED))
            (void)fprintf(stderr, "case \"%s/%s\":\n", cases[i].namespace, cases[i].name);
        assert_int_equal(f, cases[i].fine ? FAULT_NONE : FAULT_MALFORMED);
        if (!cases[i].fine)
            assert_string_equal(why.code, OXEN_SAID);
    }
}

static void test_names_in_a_path_are_single_segments(void **state)
{
    static const struct {
        const char *namespace;
        const char *name;
        bool fine;
    } cases[] = {
        { "goldns", "gold", true }, { "a b", "\xC3\xA9", true }, { "...", "x", true },
        { "..", "gold", false },    { "gold", "..", false },     { ".", "gold", false },
        { "a/b", "gold", false },   { "a", "b/", false },        { "a\tb", "gold", false },
        { "a", "b\x7F", false },    { "a", "b\x01", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = oxen_names_path(cases[i].namespace, cases[i].name, &why);
        if (f != (cases[i].fine ? FAULT_NONE : FAULT_MALFORMED))
            (void)fprintf(stderr, "case \"%s/%s\":\n", cases[i].namespace, cases[i].name);
        assert_int_equal(f, cases[i].fine ? FAULT_NONE : FAULT_MALFORMED);
        if (!cases[i].fine)
            assert_string_equal(why.code, OXEN_DESCRIBED);
    }
}

static void test_only_oxen_clients_must_be_recent(void **state)
{
    static const struct {
        const char *agent;
        bool fine;
    } cases[] = {
        { NULL, true },
        { "", true },
        { "curl/8.0", true },
        { "Oxen/0.65.2 (Linux; CLI)", true },
        { "Oxen/0.65.1 (Linux; Python 3.11.7)", true },
        { "Oxen/0.36.0 (Linux; CLI)", true },
        { "Oxen/0.36.0-beta", true },
        { "Oxen/1.0.0", true },
        { "Oxen/99.0.0", true },
        { "Oxen/99999999999999999999999.0.0", true },
        { "Oxen/0.35.9 (Linux; CLI)", false },
        { "Oxen/0.35.99999999999999999999999", false },
        { "Oxen/0.1.0", false },
        { "OXEN/0.1.0", false },
        { "Oxen", false },
        { "oxen/abc", false },
        { "Oxen/1.0", false },
        { "Oxen/1..0", false },
        { "Oxen/", false },
        { "curl/7.88 oxen", false },
        { "Oxen/0.1.0 Postman", true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = oxen_agent_check(cases[i].agent, &why);
        if (f != (cases[i].fine ? FAULT_NONE : FAULT_PRECONDITION))
            (void)fprintf(stderr, "case \"%s\":\n", cases[i].agent);
        assert_int_equal(f, cases[i].fine ? FAULT_NONE : FAULT_PRECONDITION);
        if (!cases[i].fine)
            assert_string_equal(why.code, OXEN_OUTDATED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_spelling_of_a_hash_names_one_number),
        cmocka_unit_test(test_a_digest_gives_the_hash_of_its_text),
        cmocka_unit_test(test_new_repositories_have_the_names_that_oxen_allows),
        cmocka_unit_test(test_names_in_a_path_are_single_segments),
        cmocka_unit_test(test_only_oxen_clients_must_be_recent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
