/*
 * Multipart bodies: which request types have one, and the bounds of its parts.
 */
#include "base/limits.h"
#include "multipart_trial.h"

#define A_FIELD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"

enum { BODY_ROOM = 256 * KIB, FIRST_PRINTABLE = ' ', LAST_PRINTABLE = '~' };

static void test_the_requests_type_must_name_a_boundary(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *code; /* NULL: the boundary is "b" */
    } types[] = {
        { "multipart/form-data; boundary=b", NULL },
        { "multipart/form-data;boundary=b", NULL },
        { "multipart/form-data ; boundary=\"b\" ", NULL },
        { "Multipart/Form-DATA; BOUNDARY=b", NULL },
        { "multipart/form-data; charset=ISO-8859-1; boundary=b", NULL },
        { "multipart/form-data; charset=\"a;boundary=x\"; boundary=b;", NULL },
        { "multipart/form-data; charset=; boundary=b", NULL },
        { "multipart/mixed; boundary=b", NULL },
        { " multipart/form-data; boundary=b", NULL },
        { NULL, MULTIPART_NO_TYPE },
        { "", MULTIPART_NO_TYPE },
        { "garbage", MULTIPART_BAD_TYPE },
        { "/", MULTIPART_BAD_TYPE },
        { "multipart/", MULTIPART_BAD_TYPE },
        { "multipart/; boundary=b", MULTIPART_BAD_TYPE },
        { "multipart/form-data/x; boundary=b", MULTIPART_BAD_TYPE },
        { "multipart/form data; boundary=b", MULTIPART_BAD_TYPE },
        { "multipart/form-data, boundary=b", MULTIPART_BAD_TYPE },
        { "multipart/form-data; boundary", MULTIPART_BAD_TYPE },
        { "multipart/form-data; boundary=\"b", MULTIPART_BAD_TYPE },
        { "multipart/form-data; boundary=b c", MULTIPART_BAD_TYPE },
        { "application/json", MULTIPART_NOT_MULTIPART },
        { "application/octet-stream; boundary=b", MULTIPART_NOT_MULTIPART },
        { "multipar/form-data; boundary=b", MULTIPART_NOT_MULTIPART },
        { "multipartx/form-data; boundary=b", MULTIPART_NOT_MULTIPART },
        { "multipart/form-data", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"\"", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"b \"", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"a\tb\"", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\"a\r\nb\"", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=\xc3\xa9", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=b; boundary=b", MULTIPART_NO_BOUNDARY },
        { "multipart/form-data; boundary=b; Boundary=c", MULTIPART_NO_BOUNDARY },
    };
    static const char body[] = "--b\r\n" A_FIELD "x\r\n--b--";
    struct trace trace;
    text_init(&trace.text, TRACE_MAX);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct problem why = PROBLEM_NONE;
        const enum fault f = trace_run(types[i].type, body, sizeof body - 1, 0, 0, &trace, &why);
        if (f ? !types[i].code || strcmp(why.code, types[i].code) != 0 : types[i].code != NULL)
            (void)fprintf(stderr, "type \"%s\": %s\n", types[i].type, why.text);
        assert_string_equal(f ? why.code : "", types[i].code ? types[i].code : "");
        if (!f)
            assert_string_equal(text_string(&trace.text), "[a|-|-|-|x]");
        if (f && strcmp(why.code, MULTIPART_NOT_MULTIPART) == 0)
            assert_int_equal(f, FAULT_UNSUPPORTED);
    }
    text_release(&trace.text);
}

/* A body made of text pieces. */
static void body_of(struct text *body, const char *boundary, const char *data)
{
    text_clear(body);
    text_addf(body, "--%s\r\n" A_FIELD, boundary);
    text_addf(body, "%s\r\n--%s--\r\n", data, boundary);
}

/* Boundaries of every length up to the maximum and of every printable character, among data made
 * of their own beginnings. */
static void test_every_boundary_that_is_allowed_works(void **state)
{
    (void)state;
    struct text body;
    struct text type;
    struct text data;
    struct trace trace;
    text_init(&body, BODY_ROOM);
    text_init(&type, BODY_ROOM);
    text_init(&data, BODY_ROOM);
    text_init(&trace.text, TRACE_MAX);
    for (size_t len = 1; len <= MULTIPART_BOUNDARY_MAX + 1; len++) {
        char boundary[MULTIPART_BOUNDARY_MAX + 2] = { 0 };
        struct problem why = PROBLEM_NONE;
        for (size_t i = 0; i < len; i++) {
            const size_t span = LAST_PRINTABLE - FIRST_PRINTABLE + 1;
            boundary[i] = (char)(FIRST_PRINTABLE + (i * 3 + len) % span);
            if (boundary[i] == '"' || boundary[i] == '\\' || boundary[i] == ' ')
                boundary[i] = '\'';
        }
        text_clear(&type);
        text_clear(&data);
        text_addf(&type, "multipart/form-data; boundary=\"%s\"", boundary);
        for (size_t i = 0; i < len; i += len / 4 + 1)
            text_addf(&data, "\r\n--%.*s\r", (int)i, boundary);
        body_of(&body, boundary, text_string(&data));
        const size_t cut = body.len / 2;
        const enum fault f =
            trace_run(text_string(&type), body.data, body.len, cut, cut + 1, &trace, &why);
        assert_int_equal(f, len <= MULTIPART_BOUNDARY_MAX ? FAULT_NONE : FAULT_MALFORMED);
        if (f)
            assert_string_equal(why.code, MULTIPART_NO_BOUNDARY);
        else
            assert_non_null(strstr(trace.text.data, text_string(&data)));
    }
    text_release(&body);
    text_release(&type);
    text_release(&data);
    text_release(&trace.text);
}

static const char *code_of(const struct text *body, struct trace *trace)
{
    static const char type[] = "multipart/form-data; boundary=b";
    struct problem once = PROBLEM_NONE;
    struct problem whole = PROBLEM_NONE;
    const enum fault f = trace_run(type, body->data, body->len, 0, body->len, trace, &once);
    const size_t len = trace->text.len;
    /* the same in pieces that end around the place where the bound is met */
    for (size_t back = 0; back < 8 && back < body->len; back++) {
        whole = PROBLEM_NONE;
        const size_t cut = body->len - back;
        assert_int_equal(trace_run(type, body->data, body->len, cut / 2, cut, trace, &whole), f);
        assert_string_equal(f ? whole.code : "", f ? once.code : "");
        assert_string_equal(whole.text, once.text);
        assert_int_equal(trace->text.len, len);
    }
    return f ? once.code : "";
}

static void test_headers_are_counted(void **state)
{
    (void)state;
    struct text body;
    struct trace trace;
    text_init(&body, BODY_ROOM);
    text_init(&trace.text, TRACE_MAX);
    for (size_t count = MULTIPART_HEADERS_MAX - 1; count <= MULTIPART_HEADERS_MAX; count++) {
        text_clear(&body);
        text_adds(&body, "--b\r\n");
        for (size_t i = 0; i < count; i++)
            text_addf(&body, "X-%zu: 1\r\n", i);
        text_adds(&body, A_FIELD "x\r\n--b--");
        assert_string_equal(code_of(&body, &trace),
                            count < MULTIPART_HEADERS_MAX ? "" : MULTIPART_HEADERS);
    }
    text_release(&body);
    text_release(&trace.text);
}

/* Puts a header block of exactly len bytes, its empty line included. */
static void headers_of(struct text *body, size_t len)
{
    static const char start[] = "X: ";
    const size_t fill = len - strlen(start) - strlen("\r\n") - strlen(A_FIELD);
    text_clear(body);
    text_addf(body, "--b\r\n%s", start);
    for (size_t i = 0; i < fill; i++)
        text_addc(body, 'x');
    text_adds(body, "\r\n" A_FIELD);
}

static void test_header_bytes_are_bounded(void **state)
{
    (void)state;
    struct text body;
    struct trace trace;
    text_init(&body, BODY_ROOM);
    text_init(&trace.text, TRACE_MAX);
    headers_of(&body, MULTIPART_HEADER_BYTES_MAX);
    text_adds(&body, "x\r\n--b--");
    assert_string_equal(code_of(&body, &trace), "");
    headers_of(&body, MULTIPART_HEADER_BYTES_MAX + 1);
    assert_string_equal(code_of(&body, &trace), MULTIPART_HEADER_BYTES);
    /* a block that never ends, in one line */
    text_clear(&body);
    text_adds(&body, "--b\r\n");
    for (size_t i = 0; i < MULTIPART_HEADER_BYTES_MAX; i++)
        text_addc(&body, 'x');
    assert_string_equal(code_of(&body, &trace), MULTIPART_INCOMPLETE);
    text_addc(&body, 'x');
    assert_string_equal(code_of(&body, &trace), MULTIPART_HEADER_BYTES);
    text_release(&body);
    text_release(&trace.text);
}

/* A body with another boundary answers the same, however long it is. */
static void test_the_preamble_is_bounded(void **state)
{
    (void)state;
    struct text body;
    struct trace trace;
    text_init(&body, BODY_ROOM);
    text_init(&trace.text, TRACE_MAX);
    for (size_t len = MULTIPART_PREAMBLE_MAX - 16; len <= MULTIPART_PREAMBLE_MAX + 16; len++) {
        text_clear(&body);
        for (size_t i = 0; i < len; i++)
            text_addc(&body, i % 7 ? 'x' : '\r');
        assert_string_equal(code_of(&body, &trace), MULTIPART_INCOMPLETE);
        text_adds(&body, "\r\n--b--");
        const bool fits = len + strlen("\r\n--b--") <= MULTIPART_PREAMBLE_MAX;
        assert_string_equal(code_of(&body, &trace), fits ? "" : MULTIPART_INCOMPLETE);
    }
    text_release(&body);
    text_release(&trace.text);
}

static enum fault count_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)head;
    (void)why;
    ++*(size_t *)ctx;
    return FAULT_NONE;
}

static enum fault ignore_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)why;
    return FAULT_NONE;
}

static enum fault ignore_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static void test_parts_are_counted(void **state)
{
    (void)state;
    static const struct multipart_sink sink = { count_begin, ignore_body, ignore_end };
    static const char part[] = "--b\r\n" A_FIELD "\r\n";
    struct multipart *parser = NULL;
    struct problem why = PROBLEM_NONE;
    size_t parts = 0;
    enum fault f =
        multipart_create("multipart/form-data; boundary=b", &sink, &parts, &parser, &why);
    for (size_t i = 0; !f && i < MULTIPART_PARTS_MAX; i++)
        f = multipart_feed(parser, part, sizeof part - 1, &why);
    assert_int_equal(f, FAULT_NONE);
    assert_int_equal(multipart_feed(parser, part, sizeof part - 1, &why), FAULT_TOO_LARGE);
    assert_string_equal(why.code, MULTIPART_PARTS);
    assert_int_equal(parts, MULTIPART_PARTS_MAX);
    multipart_destroy(parser);
}

static enum fault refuse_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    return problem_set(why, FAULT_CONFLICT, "begin");
}

static enum fault refuse_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    return problem_set(why, FAULT_STORAGE_FULL, "body");
}

static enum fault refuse_end(void *ctx, struct problem *why)
{
    (void)ctx;
    return problem_set(why, FAULT_UNPROCESSABLE, "end");
}

static void test_the_sinks_fault_ends_the_stream(void **state)
{
    (void)state;
    static const struct {
        struct multipart_sink sink;
        enum fault fault;
        const char *text;
    } sinks[] = {
        { { refuse_begin, ignore_body, ignore_end }, FAULT_CONFLICT, "begin" },
        { { count_begin, refuse_body, ignore_end }, FAULT_STORAGE_FULL, "body" },
        { { count_begin, ignore_body, refuse_end }, FAULT_UNPROCESSABLE, "end" },
    };
    static const char body[] = "--b\r\n" A_FIELD "x\r\n--b--";
    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++) {
        for (size_t cut = 0; cut < sizeof body; cut++) {
            struct multipart *parser = NULL;
            struct problem why = PROBLEM_NONE;
            size_t parts = 0;
            enum fault f = multipart_create("multipart/form-data; boundary=b", &sinks[i].sink,
                                            &parts, &parser, &why);
            if (!f)
                f = multipart_feed(parser, body, cut, &why);
            if (!f)
                f = multipart_feed(parser, body + cut, sizeof body - 1 - cut, &why);
            assert_int_equal(f, sinks[i].fault);
            assert_string_equal(why.text, sinks[i].text);
            multipart_destroy(parser);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_requests_type_must_name_a_boundary),
        cmocka_unit_test(test_every_boundary_that_is_allowed_works),
        cmocka_unit_test(test_headers_are_counted),
        cmocka_unit_test(test_header_bytes_are_bounded),
        cmocka_unit_test(test_the_preamble_is_bounded),
        cmocka_unit_test(test_parts_are_counted),
        cmocka_unit_test(test_the_sinks_fault_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
