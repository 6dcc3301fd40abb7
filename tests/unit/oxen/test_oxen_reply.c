/* test_oxen_reply.c - what each fault looks like on the wire of the Oxen surface. */
#include "base/arena.h"
#include "oxen/oxen.h"
#include "oxen/reply.h"
#include "stream/multipart.h"
#include "tests/unit/support/memory_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BAD(detail)                                                                                \
    "{\"error\":{\"detail\":\"" detail "\",\"title\":\"Bad Request\",\"type\":\"bad_request\"},"   \
    "\"status\":\"error\",\"status_message\":\"bad_request\"}"
#define STATUS(message)                                                                            \
    "{\"status\":\"error\",\"status_message\":\"" message "\",\"oxen_version\":\"0.65.2\"}"

static const struct {
    enum fault fault;
    const char *code;
    const char *text;
    const char *status;
    const char *header; /* one that must be there, or NULL */
    const char *body;
} cases[] = {
    { FAULT_MISSING, NULL, "x", "404", NULL, STATUS("resource_not_found") },
    { FAULT_METHOD, "route_method", "x", "405", NULL, STATUS("method_not_allowed") },
    { FAULT_INTERNAL, NULL, "internal error", "500", NULL, STATUS("internal_server_error") },
    { FAULT_CONFLICT, OXEN_SAID, "Repo already exists.", "409", NULL,
      STATUS("Repo already exists.") },
    { FAULT_MALFORMED, OXEN_SAID, "Invalid repository name '-x'.", "400", NULL,
      STATUS("Invalid repository name '-x'.") },
    { FAULT_MISSING, OXEN_DESCRIBED, "Repository 'goldns/gold' not found", "404", NULL,
      "{\"status\":\"error\",\"status_message\":\"resource_not_found\",\"oxen_version\":\"0.65.2\","
      "\"status_description\":\"Repository 'goldns/gold' not found\"}" },
    { FAULT_MALFORMED, OXEN_DESCRIBED, "single \"segment\"", "400", NULL,
      "{\"status\":\"error\",\"status_message\":\"bad_request\",\"oxen_version\":\"0.65.2\","
      "\"status_description\":\"single \\\"segment\\\"\"}" },
    { FAULT_MALFORMED, NULL, "Invalid JSON", "400", NULL, BAD("Invalid JSON") },
    { FAULT_UNPROCESSABLE, NULL, "not gzip", "400", NULL, BAD("not gzip") },
    { FAULT_MALFORMED, OXEN_PLAIN, "Content type error", "400", "Content-Type: text/plain\r\n",
      "Content type error" },
    { FAULT_UNAUTHENTIC, NULL, "no credential was sent", "401", "WWW-Authenticate: Bearer\r\n",
      "{\"status\":\"error\",\"status_message\":\"unauthenticated\","
      "\"status_description\":\"unauthenticated\"}" },
    { FAULT_FORBIDDEN, NULL, "out of scope", "403", NULL,
      "{\"status\":\"error\",\"status_message\":\"forbidden\","
      "\"status_description\":\"out of scope\"}" },
    { FAULT_PRECONDITION, OXEN_OUTDATED, "too old", "426", NULL,
      "{\"error\":{\"detail\":\"too old\",\"title\":\"Update Required\","
      "\"type\":\"update_required\"},\"status\":\"error\",\"status_message\":\"update_"
      "required\"}" },
    { FAULT_BUSY, NULL, "busy", "503", "Retry-After: 5\r\n",
      "{\"error\":{\"detail\":\"busy\",\"title\":\"Repository is busy\",\"type\":\"lock_timeout\"},"
      "\"status\":\"error\",\"status_message\":\"service_unavailable\"}" },
    { FAULT_UNAVAILABLE, NULL, "closed", "503", "Retry-After: 5\r\n",
      "{\"error\":{\"detail\":\"closed\",\"title\":\"Service Unavailable\","
      "\"type\":\"service_unavailable\"},\"status\":\"error\","
      "\"status_message\":\"service_unavailable\"}" },
    { FAULT_STORAGE_FULL, NULL, "full", "507", NULL,
      "{\"error\":{\"detail\":\"full\",\"title\":\"Insufficient Storage\","
      "\"type\":\"insufficient_storage\"},\"status\":\"error\","
      "\"status_message\":\"insufficient_storage\"}" },
    { FAULT_TOO_LARGE, MULTIPART_PARTS, "too many parts", "413", NULL,
      "{\"error\":{\"detail\":\"too many parts\",\"title\":\"Payload Too Large\","
      "\"type\":\"payload_too_large\"},\"status\":\"error\","
      "\"status_message\":\"payload_too_large\"}" },
    { FAULT_MALFORMED, OXEN_DEFERRED, "later", "429", "Retry-After: 1\r\n",
      "{\"error\":{\"detail\":\"later\",\"title\":\"Upload part deferred\","
      "\"type\":\"upload_part_deferred\"},\"status\":\"error\","
      "\"status_message\":\"too_many_requests\"}" },
    { FAULT_MISSING, OXEN_NO_BRANCH, "Could not find branch: Branch 'main' not found", "404", NULL,
      "{\"error\":{\"detail\":\"Could not find branch: Branch 'main' not found\","
      "\"title\":\"Branch does not exist\",\"type\":\"resource_not_found\"},\"status\":\"error\","
      "\"status_message\":\"resource_not_found\"}" },

    /* the multipart parser's causes, in the framework's words */
    { FAULT_MALFORMED, MULTIPART_NO_TYPE, "x", "400", NULL,
      BAD("Could not find Content-Type header") },
    { FAULT_MALFORMED, MULTIPART_BAD_TYPE, "x", "400", NULL,
      BAD("Could not parse Content-Type header") },
    { FAULT_UNSUPPORTED, MULTIPART_NOT_MULTIPART, "x", "415", NULL,
      BAD("Parsed Content-Type did not have 'multipart' top-level media type") },
    { FAULT_MALFORMED, MULTIPART_NO_BOUNDARY, "x", "400", NULL,
      BAD("Multipart boundary is not found") },
    { FAULT_MALFORMED, MULTIPART_BAD_BOUNDARY, "x", "400", NULL,
      BAD("Multipart boundary is not found") },
    { FAULT_MALFORMED, MULTIPART_INCOMPLETE, "x", "400", NULL,
      BAD("Multipart stream is incomplete") },
    { FAULT_MALFORMED, MULTIPART_HEADERS, "x", "400", NULL, BAD("Error during field parsing") },
    { FAULT_MALFORMED, MULTIPART_BAD_HEADER, "x", "400", NULL, BAD("Error during field parsing") },
    { FAULT_MALFORMED, MULTIPART_HEADER_BYTES, "x", "400", NULL, BAD("Payload error") },
    { FAULT_MALFORMED, MULTIPART_NO_DISPOSITION, "x", "400", NULL,
      BAD("Content-Disposition header was not found when parsing a \\\"form-data\\\" field") },
    { FAULT_MALFORMED, MULTIPART_NO_NAME, "x", "400", NULL,
      BAD("Content-Disposition 'name' parameter was not found when parsing a \\\"form-data\\\" "
          "field") },
};

static void test_each_fault_is_answered_in_the_recorded_shape(void **state)
{
    struct config config = { 0 };
    struct arena *arena = arena_create(ARENA_MAX);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory_io io;
        struct problem because = PROBLEM_NONE;
        struct problem why = PROBLEM_NONE;
        memory_io_init(&io, "GET", "/api/version");
        struct exchange x = {
            .config = &config,
            .arena = arena,
            .io = memory_io_exchange(&io),
        };
        assert_int_equal(exchange_open(&x, &why), FAULT_NONE);
        (void)problem_code(&because, cases[i].fault, cases[i].code, "%s", cases[i].text);
        assert_int_equal(oxen_refuse(&x, &because, &why), FAULT_NONE);

        const char *reply = memory_io_reply(&io);
        if (strncmp(reply + strlen("Status: "), cases[i].status, 3) != 0 ||
            strcmp(memory_io_body(&io), cases[i].body) != 0)
            (void)fprintf(stderr, "case %zu (%s):\n%s\n", i, fault_name(cases[i].fault), reply);
        assert_memory_equal(reply + strlen("Status: "), cases[i].status, 3);
        assert_string_equal(memory_io_body(&io), cases[i].body);
        if (cases[i].header)
            assert_non_null(strstr(reply, cases[i].header));
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_is_answered_in_the_recorded_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
