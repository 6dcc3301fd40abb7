/* Pinot's error dialect: every fault has its status, and every answer its headers. */
#include "http/route.h"
#include "pinot/pinot.h"
#include "pinot/reply.h"
#include "tests/unit/support/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text; /* of the body behind the code */
    enum fault fault;
    int status;
} cases[] = {
    { "said \\\"so\\\"", FAULT_MALFORMED, 400 },
    { "Permission is denied: said \\\"so\\\"", FAULT_UNAUTHENTIC, 401 },
    { "Permission is denied: said \\\"so\\\"", FAULT_FORBIDDEN, 403 },
    { "HTTP 404 Not Found", FAULT_MISSING, 404 },
    { "HTTP 405 Method Not Allowed", FAULT_METHOD, 405 },
    { "said \\\"so\\\"", FAULT_STALLED, 408 },
    { "said \\\"so\\\"", FAULT_CONFLICT, 409 },
    { "said \\\"so\\\"", FAULT_GONE, 410 },
    { "said \\\"so\\\"", FAULT_PRECONDITION, 412 },
    { "said \\\"so\\\"", FAULT_TOO_LARGE, 413 },
    { "HTTP 415 Unsupported Media Type", FAULT_UNSUPPORTED, 415 },
    { "said \\\"so\\\"", FAULT_UNPROCESSABLE, 400 },
    { "said \\\"so\\\"", FAULT_INTERNAL, 500 },
    { "said \\\"so\\\"", FAULT_BUSY, 503 },
    { "said \\\"so\\\"", FAULT_UNAVAILABLE, 503 },
    { "said \\\"so\\\"", FAULT_STORAGE_FULL, 507 },
};

static void test_every_fault_has_its_status_and_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request r;
        struct problem because = PROBLEM_NONE;
        struct problem why = PROBLEM_NONE;
        char body[256];
        request_init(&r, "GET", "/segments/t");
        assert_int_equal(request_open(&r), FAULT_NONE);
        r.x.surface = &pinot_surface;
        assert_int_equal(pinot_gate(&r.x, &why), FAULT_NONE);
        (void)problem_set(&because, cases[i].fault, "said \"so\"");
        assert_int_equal(pinot_refuse(&r.x, &because, &why), FAULT_NONE);
        (void)snprintf(body, sizeof body, "{\"code\":%d,\"error\":\"%s\"}", cases[i].status,
                       cases[i].text);
        assert_int_equal(r.x.status, cases[i].status);
        assert_string_equal(memory_io_body(&r.io), body);
        assert_non_null(strstr(memory_io_reply(&r.io), "Pinot-Controller-Host: "));
        assert_null(strstr(memory_io_reply(&r.io), "Access-Control-"));
        assert_int_equal(strstr(memory_io_reply(&r.io), "Retry-After: ") != NULL,
                         cases[i].status == 503);
        assert_int_equal(
            strstr(memory_io_reply(&r.io), "WWW-Authenticate: Basic realm=\"sluice\"") != NULL,
            cases[i].status == 401);
        request_end(&r);
    }
}

static void test_what_is_wrong_with_a_multipart_body_is_told_as_jersey_does(void **state)
{
    static const struct {
        const char *code;
        enum fault fault;
        const char *text;
    } codes[] = {
        { MULTIPART_NO_TYPE, FAULT_MALFORMED, "\"Entity is empty.\"" },
        { MULTIPART_NOT_MULTIPART, FAULT_UNSUPPORTED, "\"HTTP 415 Unsupported Media Type\"" },
        { MULTIPART_INCOMPLETE, FAULT_MALFORMED, "\"HTTP 400 Bad Request\"" },
        { MULTIPART_NO_BOUNDARY, FAULT_MALFORMED, "\"HTTP 400 Bad Request\"" },
        { MULTIPART_PARTS, FAULT_TOO_LARGE, "\"too many\"" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct request r;
        struct problem because = PROBLEM_NONE;
        struct problem why = PROBLEM_NONE;
        request_init(&r, "POST", "/segments/batchUpload");
        assert_int_equal(request_open(&r), FAULT_NONE);
        r.x.surface = &pinot_surface;
        (void)problem_code(&because, codes[i].fault, codes[i].code, "too many");
        assert_int_equal(pinot_refuse(&r.x, &because, &why), FAULT_NONE);
        assert_non_null(strstr(memory_io_body(&r.io), codes[i].text));
        request_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_fault_has_its_status_and_body),
        cmocka_unit_test(test_what_is_wrong_with_a_multipart_body_is_told_as_jersey_does),
    };
    return cmocka_run_group_tests(tests, request_setup, request_teardown);
}
