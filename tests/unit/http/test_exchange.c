/* test_exchange.c - requests are opened and answers given, over memory. */
#include "http/exchange.h"
#include "tests/unit/support/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- the request ---- */

static void test_a_content_length_is_digits_or_nothing(void **state)
{
    static const struct {
        const char *value;
        enum fault fault;
        int64_t length;
    } cases[] = {
        { NULL, FAULT_NONE, -1 },
        { "", FAULT_NONE, -1 }, /* RFC 3875 section 4.1.2: no body */
        { "0", FAULT_NONE, 0 },
        { "007", FAULT_NONE, 7 },
        { "9223372036854775807", FAULT_NONE, INT64_MAX },
        { "9223372036854775808", FAULT_MALFORMED, -1 },
        { "99999999999999999999999", FAULT_MALFORMED, -1 },
        { "-1", FAULT_MALFORMED, -1 },
        { "+1", FAULT_MALFORMED, -1 },
        { "1e3", FAULT_MALFORMED, -1 },
        { "0x10", FAULT_MALFORMED, -1 },
        { " 1", FAULT_MALFORMED, -1 },
        { "1 ", FAULT_MALFORMED, -1 },
        { "5, 5", FAULT_MALFORMED, -1 },
        { "5,6", FAULT_MALFORMED, -1 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request f;
        request_init(&f, "POST", "/");
        if (cases[i].value)
            memory_io_param(&f.io, "CONTENT_LENGTH", cases[i].value);
        assert_int_equal(request_open(&f), cases[i].fault);
        assert_int_equal(f.x.content_length, cases[i].length);
        request_end(&f);
    }
}

static void test_a_request_has_one_framing(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "POST", "/");
    memory_io_param(&f.io, "HTTP_TRANSFER_ENCODING", "chunked");
    assert_int_equal(request_open(&f), FAULT_NONE);
    request_end(&f);
    request_init(&f, "POST", "/");
    memory_io_param(&f.io, "HTTP_TRANSFER_ENCODING", "chunked");
    memory_io_param(&f.io, "CONTENT_LENGTH", "0");
    assert_int_equal(request_open(&f), FAULT_MALFORMED);
    request_end(&f);
    request_init(&f, "POST", "/");
    memory_io_param(&f.io, "HTTP_TRANSFER_ENCODING", "");
    memory_io_param(&f.io, "CONTENT_LENGTH", "0");
    assert_int_equal(request_open(&f), FAULT_NONE);
    request_end(&f);
}

static void test_a_header_that_is_too_long_is_refused(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "GET", "/");
    f.x = (struct exchange){ .config = &request_config, .arena = request_arena };
    f.x.io = memory_io_exchange(&f.io);
    f.x.io.headers_too_long = true;
    assert_int_equal(exchange_open(&f.x, &f.why), FAULT_MALFORMED);
    request_end(&f);
}

static void test_headers_are_found_by_their_usual_names(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "GET", "/");
    memory_io_param(&f.io, "CONTENT_TYPE", "text/csv");
    memory_io_param(&f.io, "HTTP_UPLOAD_TYPE", "URI");
    memory_io_param(&f.io, "HTTP_IF_NONE_MATCH", "\"a\"");
    memory_io_param(&f.io, "HTTP_X_EMPTY", "");
    assert_int_equal(request_open(&f), FAULT_NONE);
    assert_string_equal(exchange_header(&f.x, "Content-Type"), "text/csv");
    assert_string_equal(exchange_header(&f.x, "content-type"), "text/csv");
    assert_string_equal(exchange_header(&f.x, "UPLOAD_TYPE"), "URI");
    assert_string_equal(exchange_header(&f.x, "If-None-Match"), "\"a\"");
    assert_string_equal(exchange_header(&f.x, "X-Empty"), "");
    assert_null(exchange_header(&f.x, "X-Absent"));
    assert_null(exchange_header(&f.x, "Content-Length"));
    request_end(&f);
}

static void test_links_begin_with_what_the_client_called_us(void **state)
{
    static const struct {
        const char *https;
        const char *host;
        const char *server_name;
        const char *public_url;
        const char *want;
    } cases[] = {
        { NULL, "a.example:8080", NULL, "", "http://a.example:8080" },
        { "on", "a.example", NULL, "", "https://a.example" },
        { "off", "[::1]:80", NULL, "", "http://[::1]:80" },
        { "", "a.example", NULL, "", "http://a.example" },
        { NULL, "a.example", NULL, "https://b.example", "https://b.example" },
        { NULL, "a.example/x?y", "c.example", "", "http://c.example" },
        { NULL, "user@a.example", "c.example", "", "http://c.example" },
        { NULL, "a\r\nb", NULL, "", "http://localhost" },
        { NULL, "", NULL, "", "http://localhost" },
        { NULL, NULL, "bad name", "", "http://localhost" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request f;
        request_init(&f, "GET", "/");
        memory_io_param(&f.io, "HTTPS", cases[i].https);
        memory_io_param(&f.io, "HTTP_HOST", cases[i].host);
        memory_io_param(&f.io, "SERVER_NAME", cases[i].server_name);
        (void)snprintf(request_config.public_url, sizeof request_config.public_url, "%s",
                       cases[i].public_url);
        assert_int_equal(request_open(&f), FAULT_NONE);
        assert_string_equal(exchange_base_url(&f.x), cases[i].want);
        request_config.public_url[0] = '\0';
        request_end(&f);
    }
}

/* ---- the answer ---- */

static void test_a_reply_has_its_head_and_the_request_s_id(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "GET", "/");
    assert_int_equal(request_open(&f), FAULT_NONE);
    exchange_set_header(&f.x, "X-One", "1");
    assert_int_equal(exchange_reply(&f.x, 201, "text/plain", "hello", 5, &f.why), FAULT_NONE);
    assert_string_equal(memory_io_reply(&f.io),
                        "Status: 201 Created\r\nContent-Type: text/plain\r\nX-Request-Id: id-1\r\n"
                        "Content-Length: 5\r\nX-One: 1\r\n\r\nhello");
    assert_int_equal(f.x.reply, REPLY_DONE);
    assert_int_equal(f.x.reply_bytes, 5);
    request_end(&f);
}

static void test_empty_replies_say_so_where_http_allows(void **state)
{
    static const struct {
        int status;
        const char *want;
    } cases[] = {
        { 200, "Status: 200 OK\r\nX-Request-Id: id-1\r\nContent-Length: 0\r\n\r\n" },
        { 204, "Status: 204 No Content\r\nX-Request-Id: id-1\r\n\r\n" },
        { 304, "Status: 304 Not Modified\r\nX-Request-Id: id-1\r\n\r\n" },
        { 299, "Status: 299 Other\r\nX-Request-Id: id-1\r\nContent-Length: 0\r\n\r\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request f;
        request_init(&f, "GET", "/");
        assert_int_equal(request_open(&f), FAULT_NONE);
        assert_int_equal(exchange_reply_empty(&f.x, cases[i].status, &f.why), FAULT_NONE);
        assert_string_equal(memory_io_reply(&f.io), cases[i].want);
        request_end(&f);
    }
}

static void test_json_replies_are_compact(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "GET", "/");
    assert_int_equal(request_open(&f), FAULT_NONE);
    json_object *body = json_object_new_object();
    (void)json_object_object_add(body, "path", json_object_new_string("a/b"));
    assert_int_equal(exchange_reply_json(&f.x, 200, body, &f.why), FAULT_NONE);
    assert_string_equal(memory_io_body(&f.io), "{\"path\":\"a/b\"}");
    assert_non_null(strstr(memory_io_reply(&f.io), "Content-Type: application/json\r\n"));
    request_end(&f);
}

static void test_a_streamed_reply_keeps_its_announced_length(void **state)
{
    static const struct {
        int64_t length;
        const char *first;
        const char *second;
        enum fault write;
        enum fault finish;
        const char *sent;
    } cases[] = {
        { 4, "ab", "cd", FAULT_NONE, FAULT_NONE, "abcd" },
        { -1, "ab", "cd", FAULT_NONE, FAULT_NONE, "abcd" },
        { -1, "", "", FAULT_NONE, FAULT_NONE, "" },
        { 0, "", "", FAULT_NONE, FAULT_NONE, "" },
        { 5, "ab", "cd", FAULT_NONE, FAULT_INTERNAL, "abcd" },
        { 3, "ab", "cd", FAULT_INTERNAL, FAULT_INTERNAL, "ab" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request f;
        request_init(&f, "GET", "/");
        assert_int_equal(request_open(&f), FAULT_NONE);
        assert_int_equal(exchange_stream_begin(&f.x, 200, "text/plain", cases[i].length, &f.why),
                         0);
        assert_int_equal(exchange_write(&f.x, cases[i].first, strlen(cases[i].first), &f.why), 0);
        assert_int_equal(exchange_write(&f.x, cases[i].second, strlen(cases[i].second), &f.why),
                         cases[i].write);
        assert_int_equal(exchange_stream_end(&f.x, &f.why), cases[i].finish);
        assert_int_equal(f.x.reply, cases[i].finish ? REPLY_STREAMING : REPLY_DONE);
        assert_string_equal(memory_io_body(&f.io), cases[i].sent);
        request_end(&f);
    }
}

/* A stream of unknown length is held up to STREAM_OUT_MAX and announced when it ends within. */
static void test_a_short_stream_gets_its_length_announced(void **state)
{
    static const struct {
        const char *method;
        size_t first;
        size_t second;
        const char *length; /* NULL: not announced */
    } cases[] = {
        { "GET", 0, 0, "\r\nContent-Length: 0\r\n" },
        { "GET", 10, 0, "\r\nContent-Length: 10\r\n" },
        { "GET", STREAM_OUT_MAX - 1, 1, "\r\nContent-Length: 65536\r\n" },
        { "HEAD", STREAM_OUT_MAX - 1, 1, "\r\nContent-Length: 65536\r\n" },
        { "GET", STREAM_OUT_MAX, 1, NULL },
        { "HEAD", STREAM_OUT_MAX, 1, NULL },
        { "GET", STREAM_OUT_MAX + 1, 5, NULL },
    };
    static char bytes[STREAM_OUT_MAX + 1];
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct request f;
        request_init(&f, cases[i].method, "/");
        assert_int_equal(request_open(&f), FAULT_NONE);
        assert_int_equal(exchange_stream_begin(&f.x, 200, "text/plain", -1, &f.why), FAULT_NONE);
        assert_int_equal(exchange_write(&f.x, bytes, cases[i].first, &f.why), FAULT_NONE);
        assert_int_equal(exchange_write(&f.x, bytes, cases[i].second, &f.why), FAULT_NONE);
        assert_int_equal(exchange_stream_end(&f.x, &f.why), FAULT_NONE);
        const char *head = memory_io_reply(&f.io);
        const size_t body_len = f.io.reply.len - (size_t)(memory_io_body(&f.io) - head);
        assert_int_equal(body_len, f.x.head_only ? 0 : cases[i].first + cases[i].second);
        assert_int_equal(f.x.reply_bytes, cases[i].first + cases[i].second);
        if (cases[i].length)
            assert_non_null(strstr(head, cases[i].length));
        else
            assert_null(strstr(head, "Content-Length"));
        assert_non_null(strstr(head, "\r\nContent-Type: text/plain\r\n"));
        request_end(&f);
    }
}

static void test_head_sends_no_body_however_it_is_made(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "HEAD", "/");
    assert_int_equal(request_open(&f), FAULT_NONE);
    assert_int_equal(exchange_stream_begin(&f.x, 200, "text/plain", 100, &f.why), FAULT_NONE);
    assert_int_equal(exchange_write(&f.x, "ab", 2, &f.why), FAULT_NONE);
    assert_int_equal(exchange_stream_end(&f.x, &f.why), FAULT_NONE);
    assert_string_equal(memory_io_body(&f.io), "");
    assert_non_null(strstr(memory_io_reply(&f.io), "\r\nContent-Length: 100\r\n"));
    request_end(&f);
}

static void test_a_reply_that_nobody_takes_is_aborted(void **state)
{
    struct request f;
    (void)state;
    request_init(&f, "GET", "/");
    assert_int_equal(request_open(&f), FAULT_NONE);
    f.io.write_max = 100;
    char body[200] = "";
    assert_int_equal(exchange_reply(&f.x, 200, "text/plain", body, sizeof body, &f.why),
                     FAULT_ABORTED);
    assert_int_equal(f.x.reply, REPLY_STREAMING);
    request_end(&f);
}

static void test_a_header_that_would_end_its_line_fails_the_reply(void **state)
{
    static const char *const values[] = { "a\r\nX-Evil: 1", "a\n", "a\x7F", "a\x01" };
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct request f;
        request_init(&f, "GET", "/");
        assert_int_equal(request_open(&f), FAULT_NONE);
        exchange_set_header(&f.x, "X-Good", "1");
        exchange_set_header(&f.x, "X-Name", values[i]);
        assert_int_equal(exchange_reply_empty(&f.x, 200, &f.why), FAULT_INTERNAL);
        assert_string_equal(memory_io_reply(&f.io), "");
        f.why = PROBLEM_NONE; /* the error answer goes out without them */
        assert_int_equal(exchange_reply_empty(&f.x, 500, &f.why), FAULT_NONE);
        assert_null(strstr(memory_io_reply(&f.io), "X-Good"));
        request_end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_content_length_is_digits_or_nothing),
        cmocka_unit_test(test_a_request_has_one_framing),
        cmocka_unit_test(test_a_header_that_is_too_long_is_refused),
        cmocka_unit_test(test_headers_are_found_by_their_usual_names),
        cmocka_unit_test(test_links_begin_with_what_the_client_called_us),
        cmocka_unit_test(test_a_reply_has_its_head_and_the_request_s_id),
        cmocka_unit_test(test_empty_replies_say_so_where_http_allows),
        cmocka_unit_test(test_json_replies_are_compact),
        cmocka_unit_test(test_a_streamed_reply_keeps_its_announced_length),
        cmocka_unit_test(test_a_short_stream_gets_its_length_announced),
        cmocka_unit_test(test_head_sends_no_body_however_it_is_made),
        cmocka_unit_test(test_a_reply_that_nobody_takes_is_aborted),
        cmocka_unit_test(test_a_header_that_would_end_its_line_fails_the_reply),
    };
    return cmocka_run_group_tests(tests, request_setup, request_teardown);
}
