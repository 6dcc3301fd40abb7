/* test_config.c - settings are read from the environment, and misspelt or unsafe ones refused. */
#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct config config;

static enum fault load(const char *a, const char *b, struct problem *why)
{
    char first[512] = "";
    char second[512] = "";
    char path[] = "PATH=/bin";
    char *environment[] = { path, NULL, NULL, NULL };
    if (a)
        environment[1] = memcpy(first, a, strlen(a) + 1);
    if (b)
        environment[2] = memcpy(second, b, strlen(b) + 1);
    *why = PROBLEM_NONE;
    return config_load(&config, environment, why);
}

static void test_an_empty_environment_gives_the_defaults(void **state)
{
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(load(NULL, NULL, &why), FAULT_NONE);
    assert_string_equal(config.state, "var");
    assert_int_equal(config.auth, AUTH_REQUIRED);
    assert_int_equal(config.sendfile, SENDFILE_OFF);
    assert_int_equal(config.lock_wait_ms, 10000);
    assert_int_equal(config.part_wire_max, 30 * 1024 * 1024);
    assert_int_equal(config.part_decoded_max, 200 * 1024 * 1024);
    assert_int_equal(config.push_lock_timeout_s, 600);
    assert_string_equal(config.deep_store_roots, "");
}

static void test_values_are_taken(void **state)
{
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(load("SLUICE_AUTH=open", "SLUICE_SENDFILE=x-accel-redirect", &why), 0);
    assert_int_equal(config.auth, AUTH_OPEN);
    assert_int_equal(config.sendfile, SENDFILE_X_ACCEL);
    assert_int_equal(load("SLUICE_STATE=/srv/sluice", "SLUICE_LOCK_WAIT_MS=250", &why), 0);
    assert_string_equal(config.state, "/srv/sluice");
    assert_int_equal(config.lock_wait_ms, 250);
    assert_int_equal(load("SLUICE_DEEP_STORE_ROOTS=/srv/a:t*,db.*=/srv/b=c",
                          "SLUICE_PUBLIC_URL=https://x", &why),
                     0);
}

/* Each is refused with a text that names the variable. */
static void test_what_is_unknown_or_unsafe_is_refused(void **state)
{
    static const struct {
        const char *entry;
        const char *named;
    } cases[] = {
        { "SLUICE_STAT=/x", "SLUICE_STAT is not a setting" },
        { "SLUICE_=1", "SLUICE_ is not a setting" },
        { "SLUICE_AUTH=Open", "SLUICE_AUTH must be one of required|open" },
        { "SLUICE_AUTH=", "SLUICE_AUTH must be one of" },
        { "SLUICE_AUTH=required|open", "SLUICE_AUTH must be one of" },
        { "SLUICE_LOCK_WAIT_MS=10s", "SLUICE_LOCK_WAIT_MS must be a number from 10 to 600000" },
        { "SLUICE_LOCK_WAIT_MS=9", "SLUICE_LOCK_WAIT_MS must be a number" },
        { "SLUICE_LOCK_WAIT_MS=600001", "SLUICE_LOCK_WAIT_MS must be a number" },
        { "SLUICE_LOCK_WAIT_MS= 100", "SLUICE_LOCK_WAIT_MS must be a number" },
        { "SLUICE_RECYCLE_REQUESTS=99999999999999999999", "SLUICE_RECYCLE_REQUESTS must be" },
        { "SLUICE_STATE=", "SLUICE_STATE must have 1 to" },
        { "SLUICE_STATE=/", "SLUICE_STATE must be a folder of its own" },
        { "SLUICE_STATE=a\nb", "SLUICE_STATE must not hold control characters" },
        { "SLUICE_PUBLIC_URL=ftp://x", "SLUICE_PUBLIC_URL must begin with" },
        { "SLUICE_DEEP_STORE_ROOTS=relative", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS=/a::/b", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS==/a", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS=t=", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS=t=/", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS=/a:t=b", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_DEEP_STORE_ROOTS=/", "SLUICE_DEEP_STORE_ROOTS must list" },
        { "SLUICE_CORS_ORIGINS=*", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=null", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=ui.example", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=https://", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=https://a/", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=https://a, https://b", "SLUICE_CORS_ORIGINS must list" },
        { "SLUICE_CORS_ORIGINS=https://a,,https://b", "SLUICE_CORS_ORIGINS must list" },
    };
    struct problem why = PROBLEM_NONE;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (load(cases[i].entry, NULL, &why) != FAULT_MALFORMED ||
            !strstr(why.text, cases[i].named))
            print_error("case \"%s\" says \"%s\"\n", cases[i].entry, why.text);
        assert_int_equal(load(cases[i].entry, NULL, &why), FAULT_MALFORMED);
        assert_non_null(strstr(why.text, cases[i].named));
    }
}

static void test_origins_are_for_a_server_that_asks_for_credentials(void **state)
{
    static const char listed[] = "SLUICE_CORS_ORIGINS=https://a.example,http://[::1]:3000";
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(load(listed, "SLUICE_AUTH=required", &why), FAULT_NONE);
    assert_int_equal(load(listed, "SLUICE_AUTH=open", &why), FAULT_MALFORMED);
}

static void test_what_is_printed_can_be_read_back(void **state)
{
    char text[4096] = "";
    struct problem why = PROBLEM_NONE;
    (void)state;
    assert_int_equal(load("SLUICE_AUTH=open", "SLUICE_SESSION_HOURS=7", &why), 0);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    config_print(&config, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "SLUICE_AUTH=open\n"));
    assert_non_null(strstr(text, "SLUICE_SESSION_HOURS=7\n"));
    assert_non_null(strstr(text, "SLUICE_LOCK_WAIT_MS=10000  (default)\n"));
    assert_non_null(strstr(text, "SLUICE_SENDFILE=off  (default)\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_environment_gives_the_defaults),
        cmocka_unit_test(test_values_are_taken),
        cmocka_unit_test(test_what_is_unknown_or_unsafe_is_refused),
        cmocka_unit_test(test_origins_are_for_a_server_that_asks_for_credentials),
        cmocka_unit_test(test_what_is_printed_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
