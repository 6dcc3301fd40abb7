/* test_body.c - bodies are read to their right end or not at all, over memory. */
#include "http/exchange.h"
#include "tests/unit/support/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A POST with a body; length NULL: without Content-Length. */
static void open_body(struct request *f, const char *body, const char *length)
{
    request_init(f, "POST", "/");
    f->io.body = body;
    f->io.body_len = strlen(body);
    if (length)
        memory_io_param(&f->io, "CONTENT_LENGTH", length);
    assert_int_equal(request_open(f), FAULT_NONE);
}

static enum fault collect(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)why;
    text_add(ctx, bytes, len);
    return FAULT_NONE;
}

static enum fault give_up(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    return problem_set(why, FAULT_UNPROCESSABLE, "enough");
}

static void test_a_body_is_complete_only_when_its_length_is_right(void **state)
{
    static const struct {
        const char *body;
        const char *length;
        uint64_t max;
        enum fault broken; /* how reading ends */
        enum fault fault;
        enum body_state body_state;
    } cases[] = {
        { "hello", "5", 5, FAULT_NONE, FAULT_NONE, BODY_COMPLETE },
        { "hello", NULL, 5, FAULT_NONE, FAULT_NONE, BODY_COMPLETE },
        { "", "0", 0, FAULT_NONE, FAULT_NONE, BODY_COMPLETE },
        { "", NULL, 0, FAULT_NONE, FAULT_NONE, BODY_COMPLETE },
        { "hello", "6", 9, FAULT_NONE, FAULT_MALFORMED, BODY_BROKEN },
        { "hello", "4", 9, FAULT_NONE, FAULT_MALFORMED, BODY_READING },
        { "", "1", 9, FAULT_NONE, FAULT_MALFORMED, BODY_BROKEN },
        { "hello", "5", 4, FAULT_NONE, FAULT_TOO_LARGE, BODY_UNREAD },
        { "hello", NULL, 4, FAULT_NONE, FAULT_TOO_LARGE, BODY_READING },
        { "hello", "9", 9, FAULT_ABORTED, FAULT_ABORTED, BODY_BROKEN },
        { "hello", "5", 9, FAULT_ABORTED, FAULT_ABORTED, BODY_BROKEN },
        { "hello", NULL, 9, FAULT_STALLED, FAULT_STALLED, BODY_BROKEN },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 0; piece <= strlen(cases[i].body); piece++) {
            struct request f;
            struct text got;
            open_body(&f, cases[i].body, cases[i].length);
            f.io.piece = piece;
            f.io.read_fault = cases[i].broken;
            text_init(&got, 64);
            const enum fault fault = exchange_body(&f.x, cases[i].max, collect, &got, &f.why);
            if (fault != cases[i].fault || f.x.body != cases[i].body_state)
                (void)fprintf(stderr, "case %zu, pieces of %zu\n", i, piece);
            assert_int_equal(fault, cases[i].fault);
            assert_int_equal(f.x.body, cases[i].body_state);
            if (!fault)
                assert_string_equal(text_string(&got), cases[i].body);
            if (f.x.body == BODY_UNREAD)
                assert_int_equal(f.io.at, 0); /* refused before a byte was read */
            text_release(&got);
            request_end(&f);
        }
    }
}

static void test_a_sink_ends_the_body_early(void **state)
{
    struct request f;
    (void)state;
    open_body(&f, "hello", "5");
    assert_int_equal(exchange_body(&f.x, 9, give_up, NULL, &f.why), FAULT_UNPROCESSABLE);
    assert_int_equal(f.x.body, BODY_READING);
    assert_int_equal(exchange_body(&f.x, 9, give_up, NULL, &f.why), FAULT_INTERNAL);
    request_end(&f);
}

static void test_a_small_body_is_read_as_text(void **state)
{
    struct request f;
    const char *text = NULL;
    size_t len = 0;
    (void)state;
    open_body(&f, "hello", NULL);
    f.io.piece = 2;
    assert_int_equal(exchange_body_text(&f.x, 5, &text, &len, &f.why), FAULT_NONE);
    assert_string_equal(text, "hello");
    assert_int_equal(len, 5);
    request_end(&f);
    open_body(&f, "", NULL);
    assert_int_equal(exchange_body_text(&f.x, 5, &text, &len, &f.why), FAULT_NONE);
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    request_end(&f);
    open_body(&f, "hello", NULL);
    assert_int_equal(exchange_body_text(&f.x, 4, &text, &len, &f.why), FAULT_TOO_LARGE);
    request_end(&f);
}

static void test_a_json_body_is_parsed(void **state)
{
    struct request f;
    json_object *value = NULL;
    (void)state;
    open_body(&f, "{\"a\":[1,2]}", NULL);
    assert_int_equal(exchange_json(&f.x, 64, &value, &f.why), FAULT_NONE);
    assert_true(json_object_is_type(value, json_type_object));
    request_end(&f);
    open_body(&f, "{\"a\":", NULL);
    assert_int_equal(exchange_json(&f.x, 64, &value, &f.why), FAULT_MALFORMED);
    assert_string_equal(f.why.text, "not acceptable as JSON: Expecting value (character 5)");
    request_end(&f);
    open_body(&f, "", NULL);
    assert_int_equal(exchange_json(&f.x, 64, &value, &f.why), FAULT_MALFORMED);
    request_end(&f);
}

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)why;
    text_addf(ctx, "[%s|", head->name ? head->name : "-");
    return FAULT_NONE;
}

static enum fault part_end(void *ctx, struct problem *why)
{
    (void)why;
    text_addc(ctx, ']');
    return FAULT_NONE;
}

static const struct multipart_sink parts = { part_begin, collect, part_end };

static const char form[] =
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\nyz\r\n--b--\r\n";

static void test_a_multipart_body_streams_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < sizeof form; piece++) {
        struct request f;
        struct text got;
        open_body(&f, form, NULL);
        memory_io_param(&f.io, "CONTENT_TYPE", "multipart/form-data; boundary=b");
        f.io.piece = piece;
        text_init(&got, 64);
        assert_int_equal(exchange_multipart(&f.x, &parts, &got, &f.why), FAULT_NONE);
        assert_string_equal(text_string(&got), "[a|x][c|yz]");
        assert_int_equal(f.x.body, BODY_COMPLETE);
        text_release(&got);
        request_end(&f);
    }
}

static void test_a_multipart_body_that_breaks_off_is_no_success(void **state)
{
    struct request f;
    struct text got;
    (void)state;
    text_init(&got, 64);
    open_body(&f, form, NULL);
    memory_io_param(&f.io, "CONTENT_TYPE", "multipart/form-data; boundary=b");
    f.io.body_len -= sizeof "--b--\r\n" - 1;
    assert_int_equal(exchange_multipart(&f.x, &parts, &got, &f.why), FAULT_MALFORMED);
    request_end(&f);
    open_body(&f, form, NULL); /* without a type nothing is read */
    assert_int_not_equal(exchange_multipart(&f.x, &parts, &got, &f.why), FAULT_NONE);
    assert_int_equal(f.x.body, BODY_UNREAD);
    request_end(&f);
    text_release(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_is_complete_only_when_its_length_is_right),
        cmocka_unit_test(test_a_sink_ends_the_body_early),
        cmocka_unit_test(test_a_small_body_is_read_as_text),
        cmocka_unit_test(test_a_json_body_is_parsed),
        cmocka_unit_test(test_a_multipart_body_streams_in_any_pieces),
        cmocka_unit_test(test_a_multipart_body_that_breaks_off_is_no_success),
    };
    return cmocka_run_group_tests(tests, request_setup, request_teardown);
}
