/* test_route.c - whose dialect a path speaks, which handler runs, and what 404 and 405 carry. */
#include "base/arena.h"
#include "http/route.h"
#include "tests/unit/support/memory_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;
static struct config config;

/* Answers with its route's pattern and captures: "200 GET /x/{a} <a>". */
static enum fault echo(struct exchange *x, struct problem *why)
{
    struct text text;
    text_init(&text, 4096);
    text_addf(&text, "%s %s", x->route->method, x->route->pattern);
    for (size_t i = 0; i < x->capture_count; i++)
        text_addf(&text, " <%s>", exchange_path(x, i));
    enum fault f = exchange_reply(x, 200, "text/plain", text.data, text.len, why);
    text_release(&text);
    return f;
}

static enum fault forgets_to_answer(struct exchange *x, struct problem *why)
{
    (void)x;
    (void)why;
    return FAULT_NONE;
}

static enum fault gives_no_reason(struct exchange *x, struct problem *why)
{
    (void)x;
    (void)why;
    return FAULT_CONFLICT;
}

static enum fault breaks_half_way(struct exchange *x, struct problem *why)
{
    enum fault f = exchange_stream_begin(x, 200, "text/plain", 8, why);
    if (!f)
        f = exchange_write(x, "half", 4, why);
    return f ? f : problem_set(why, FAULT_CONFLICT, "changed my mind");
}

static enum fault breaks_while_held(struct exchange *x, struct problem *why)
{
    enum fault f = exchange_stream_begin(x, 200, "text/plain", -1, why);
    if (!f)
        f = exchange_write(x, "half", 4, why);
    return f ? f : problem_set(why, FAULT_CONFLICT, "changed my mind");
}

static enum fault loses_its_client(struct exchange *x, struct problem *why)
{
    (void)x;
    return problem_set(why, FAULT_ABORTED, "gone");
}

static enum fault is_too_bold(struct exchange *x, struct problem *why)
{
    return exchange_reply(x, 200, "text/plain", "secret", 6, why);
}

static enum fault answers_an_error_itself(struct exchange *x, struct problem *why)
{
    return exchange_reply(x, 404, "text/plain", "none", 4, why);
}

static enum fault sets_a_bad_header(struct exchange *x, struct problem *why)
{
    exchange_set_header(x, "X-Bad", "a\r\nSet-Cookie: b");
    return exchange_reply(x, 200, "text/plain", "ok", 2, why);
}

static enum fault replies_twice(struct exchange *x, struct problem *why)
{
    enum fault f = exchange_reply(x, 200, "text/plain", "one", 3, why);
    return f ? f : exchange_reply(x, 200, "text/plain", "two", 3, why);
}

/* "alpha 404 missing: text" */
static enum fault refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    struct text text;
    int status = 400;
    if (because->fault == FAULT_MISSING)
        status = 404;
    else if (because->fault == FAULT_METHOD)
        status = 405;
    else if (because->fault == FAULT_INTERNAL)
        status = 500;
    text_init(&text, 4096);
    text_addf(&text, "%s %s: %s", x->surface->name, fault_name(because->fault), because->text);
    enum fault f = exchange_reply(x, status, "text/plain", text.data, text.len, why);
    text_release(&text);
    return f;
}

static enum fault refuses_to_refuse(struct exchange *x, const struct problem *because,
                                    struct problem *why)
{
    (void)x;
    (void)because;
    return problem_internal(why, "no words");
}

static enum fault gate(struct exchange *x, struct problem *why)
{
    exchange_set_header(x, "X-Gate", "seen");
    if (exchange_header(x, "X-Closed"))
        return problem_set(why, FAULT_FORBIDDEN, "closed");
    return FAULT_NONE;
}

static const char *const alpha_prefixes[] = { "/alpha", "/v1/", NULL };
static const struct route alpha_routes[] = {
    { "GET", "/alpha", RIGHT_NONE, echo },
    { "POST", "/alpha", RIGHT_NONE, echo },
    { "POST", "/v1/upload/session", RIGHT_NONE, echo },
    { "PUT", "/v1/upload/{session}", RIGHT_NONE, echo },
    { "GET", "/v1/upload/{session}/{part}/x", RIGHT_NONE, echo },
    { "QUERY", "/v1/files/{path...}", RIGHT_NONE, echo },
    { "GET", "/v1/odd/forgets", RIGHT_NONE, forgets_to_answer },
    { "GET", "/v1/odd/no_reason", RIGHT_NONE, gives_no_reason },
    { "GET", "/v1/odd/half", RIGHT_NONE, breaks_half_way },
    { "GET", "/v1/odd/held", RIGHT_NONE, breaks_while_held },
    { "GET", "/v1/odd/gone", RIGHT_NONE, loses_its_client },
    { "GET", "/v1/odd/bold", RIGHT_READ, is_too_bold },
    { "GET", "/v1/odd/error", RIGHT_READ, answers_an_error_itself },
    { "GET", "/v1/odd/header", RIGHT_NONE, sets_a_bad_header },
    { "GET", "/v1/odd/twice", RIGHT_NONE, replies_twice },
};
static const struct surface alpha = {
    .name = "alpha",
    .prefixes = alpha_prefixes,
    .routes = alpha_routes,
    .route_count = sizeof alpha_routes / sizeof alpha_routes[0],
    .gate = gate,
    .refuse = refuse,
};

static const char *const beta_prefixes[] = { "/beta/", NULL };
static const struct route beta_routes[] = {
    { "GET", "/beta/", RIGHT_NONE, echo },
    { "GET", "/beta/boom", RIGHT_NONE, gives_no_reason },
};
static const struct surface beta = {
    .name = "beta",
    .prefixes = beta_prefixes,
    .routes = beta_routes,
    .route_count = sizeof beta_routes / sizeof beta_routes[0],
    .refuse = refuses_to_refuse,
};

static const char *const last_prefixes[] = { NULL };
static const struct surface last = { .name = "last", .prefixes = last_prefixes, .refuse = refuse };

static const struct surface *const surfaces[] = { &alpha, &beta };
enum { SURFACES = sizeof surfaces / sizeof surfaces[0] };

struct outcome {
    struct memory_io io;
    struct exchange x;
    struct problem why;
};

static void serve(struct outcome *o, const char *method, const char *address, const char *header,
                  const char *value)
{
    memory_io_init(&o->io, method, address);
    if (header)
        memory_io_param(&o->io, header, value);
    o->x = (struct exchange){ .config = &config, .arena = arena, .request_id = "id-1" };
    o->x.io = memory_io_exchange(&o->io);
    o->why = PROBLEM_NONE;
    if (exchange_open(&o->x, &o->why))
        (void)route_refuse(&o->x, surfaces, SURFACES, &last, &o->why);
    else
        (void)route_serve(&o->x, surfaces, SURFACES, &last, &o->why);
}

static void end(struct outcome *o)
{
    exchange_close(&o->x);
    memory_io_release(&o->io);
    arena_reset(arena);
}

static const struct {
    const char *method;
    const char *address;
    int status;
    const char *body;
    const char *allow; /* NULL: no such header */
} cases[] = {
    { "GET", "/alpha", 200, "GET /alpha", NULL },
    { "POST", "/alpha", 200, "POST /alpha", NULL },
    { "HEAD", "/alpha", 200, "", NULL },
    { "GET", "/%61lpha?x=1", 200, "GET /alpha", NULL },
    { "DELETE", "/alpha", 405, "alpha method: Method Not Allowed", "GET, HEAD, POST, OPTIONS" },
    { "OPTIONS", "/alpha", 204, "", "GET, HEAD, POST, OPTIONS" },
    { "get", "/alpha", 405, "alpha method: Method Not Allowed", "GET, HEAD, POST, OPTIONS" },
    { "GET", "/alpha/", 404, "alpha missing: Not Found", NULL },
    { "GET", "/alpha/none", 404, "alpha missing: Not Found", NULL },
    { "OPTIONS", "/alpha/none", 404, "alpha missing: Not Found", NULL },
    { "GET", "/alphabet", 404, "last missing: Not Found", NULL },
    { "GET", "/", 404, "last missing: Not Found", NULL },
    { "GET", "/v1", 404, "last missing: Not Found", NULL },
    { "GET", "/v1/", 404, "alpha missing: Not Found", NULL },
    { "POST", "/v1/upload/session", 200, "POST /v1/upload/session", NULL },
    { "PUT", "/v1/upload/session", 200, "PUT /v1/upload/{session} <session>", NULL },
    { "GET", "/v1/upload/session", 405, "alpha method: Method Not Allowed", "POST, PUT, OPTIONS" },
    { "HEAD", "/v1/upload/session", 405, "", "POST, PUT, OPTIONS" },
    { "PUT", "/v1/upload/a%2Fb", 200, "PUT /v1/upload/{session} <a/b>", NULL },
    { "PUT", "/v1/upload/", 404, "alpha missing: Not Found", NULL },
    { "GET", "/v1/upload/a/b/x", 200, "GET /v1/upload/{session}/{part}/x <a> <b>", NULL },
    { "GET", "/v1/upload/a//x", 404, "alpha missing: Not Found", NULL },
    { "GET", "/v1/upload/a/b/y", 404, "alpha missing: Not Found", NULL },
    { "QUERY", "/v1/files/a", 200, "QUERY /v1/files/{path...} <a>", NULL },
    { "QUERY", "/v1/files/a/b%2Fc//d/", 200, "QUERY /v1/files/{path...} <a/b/c//d/>", NULL },
    { "QUERY", "/v1/files/", 404, "alpha missing: Not Found", NULL },
    { "QUERY", "/v1/files", 404, "alpha missing: Not Found", NULL },
    { "GET", "/beta/", 200, "GET /beta/", NULL },
    { "GET", "/beta", 404, "last missing: Not Found", NULL },
    { "GET", "/beta/none", 500, "internal error\n", NULL },
    { "GET", "/v1/a%zz", 400, "alpha malformed: malformed percent escape in the request address",
      NULL },
    { "GET", "/none?a=%zz", 400, "last malformed: malformed percent escape in the request address",
      NULL },
    { "GET", "/alpha/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 404, "alpha missing: Not Found",
      NULL },
    { "A B", "/alpha", 400, "alpha malformed: malformed request method", NULL },
    { "", "/alpha", 400, "alpha malformed: malformed request method", NULL },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456", "/alpha", 400,
      "alpha malformed: malformed request method", NULL },
    { "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "/alpha", 405, "alpha method: Method Not Allowed",
      "GET, HEAD, POST, OPTIONS" },
};

static void test_a_request_finds_its_route_or_its_surface_s_refusal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct outcome o;
        char allow[128];
        serve(&o, cases[i].method, cases[i].address, NULL, NULL);
        (void)snprintf(allow, sizeof allow, "\r\nAllow: %s\r\n",
                       cases[i].allow ? cases[i].allow : "");
        const char *found = strstr(memory_io_reply(&o.io), cases[i].allow ? allow : "Allow:");
        if (o.x.status != cases[i].status || !found != !cases[i].allow ||
            strcmp(memory_io_body(&o.io), cases[i].body) != 0)
            (void)fprintf(stderr, "case %s %s\n", cases[i].method, cases[i].address);
        assert_int_equal(o.x.status, cases[i].status);
        assert_string_equal(memory_io_body(&o.io), cases[i].body);
        assert_int_equal(!found, !cases[i].allow);
        assert_int_equal(o.x.reply, REPLY_DONE);
        end(&o);
    }
}

static void test_head_has_the_headers_of_get(void **state)
{
    struct outcome get;
    struct outcome head;
    (void)state;
    serve(&get, "GET", "/alpha", NULL, NULL);
    serve(&head, "HEAD", "/alpha", NULL, NULL);
    const size_t head_len = strlen(memory_io_reply(&head.io));
    assert_memory_equal(memory_io_reply(&get.io), memory_io_reply(&head.io), head_len);
    assert_string_equal(memory_io_reply(&get.io) + head_len, "GET /alpha");
    assert_non_null(strstr(memory_io_reply(&head.io), "\r\nContent-Length: 10\r\n"));
    end(&get);
    end(&head);
}

static void test_the_gate_s_headers_are_on_every_answer_and_it_may_refuse(void **state)
{
    static const char *const addresses[] = { "/alpha", "/alpha/none", "/alpha/%zz" };
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct outcome o;
        serve(&o, "GET", addresses[i], NULL, NULL);
        assert_non_null(strstr(memory_io_reply(&o.io), "\r\nX-Gate: seen\r\n"));
        end(&o);
    }
    struct outcome o;
    serve(&o, "GET", "/alpha", "HTTP_X_CLOSED", "1");
    assert_string_equal(memory_io_body(&o.io), "alpha forbidden: closed");
    end(&o);
}

static void test_a_handler_that_answers_wrongly_is_an_internal_error(void **state)
{
    static const char *const addresses[] = { "/v1/odd/forgets", "/v1/odd/no_reason",
                                             "/v1/odd/header", "/v1/odd/bold" };
    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        struct outcome o;
        serve(&o, "GET", addresses[i], NULL, NULL);
        assert_int_equal(o.x.status, 500);
        assert_string_equal(memory_io_body(&o.io), "alpha internal: internal error");
        assert_int_equal(o.why.fault, FAULT_INTERNAL);
        assert_null(strstr(memory_io_reply(&o.io), "Set-Cookie"));
        assert_null(strstr(memory_io_reply(&o.io), "secret"));
        end(&o);
    }
}

static void test_a_success_that_nobody_authorised_is_never_sent(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/v1/odd/bold", NULL, NULL);
    assert_int_equal(o.x.status, 500);
    assert_non_null(strstr(o.why.detail, "unauthorised success: 200 on GET /v1/odd/bold"));
    end(&o);
    serve(&o, "HEAD", "/v1/odd/bold", NULL, NULL);
    assert_int_equal(o.x.status, 500);
    end(&o);
    serve(&o, "GET", "/v1/odd/error", NULL, NULL); /* an error gives nothing away */
    assert_int_equal(o.x.status, 404);
    end(&o);
}

static void test_a_second_reply_is_not_sent(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/v1/odd/twice", NULL, NULL);
    assert_string_equal(memory_io_body(&o.io), "one");
    assert_int_equal(o.why.fault, FAULT_INTERNAL);
    end(&o);
}

static void test_an_answer_that_began_is_not_followed_by_a_refusal(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/v1/odd/half", NULL, NULL);
    assert_string_equal(memory_io_body(&o.io), "half");
    assert_int_equal(o.x.reply, REPLY_STREAMING); /* the worker breaks the connection */
    end(&o);
}

static void test_an_answer_that_is_still_held_gives_way_to_a_refusal(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/v1/odd/held", NULL, NULL);
    assert_int_equal(o.x.status, 400);
    assert_string_equal(memory_io_body(&o.io), "alpha conflict: changed my mind");
    assert_int_equal(o.x.reply, REPLY_DONE);
    end(&o);
}

static void test_a_client_that_has_gone_is_not_answered(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/v1/odd/gone", NULL, NULL);
    assert_string_equal(memory_io_reply(&o.io), "");
    assert_int_equal(o.x.reply, REPLY_NONE);
    end(&o);
}

static void test_a_surface_without_words_still_answers(void **state)
{
    struct outcome o;
    (void)state;
    serve(&o, "GET", "/beta/boom", NULL, NULL);
    assert_int_equal(o.x.status, 500);
    assert_string_equal(memory_io_body(&o.io), "internal error\n");
    end(&o);
}

static int make_arena(void **state)
{
    (void)state;
    arena = arena_create(ARENA_MAX);
    return arena ? 0 : -1;
}

static int free_arena(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_finds_its_route_or_its_surface_s_refusal),
        cmocka_unit_test(test_head_has_the_headers_of_get),
        cmocka_unit_test(test_the_gate_s_headers_are_on_every_answer_and_it_may_refuse),
        cmocka_unit_test(test_a_handler_that_answers_wrongly_is_an_internal_error),
        cmocka_unit_test(test_a_success_that_nobody_authorised_is_never_sent),
        cmocka_unit_test(test_a_second_reply_is_not_sent),
        cmocka_unit_test(test_an_answer_that_began_is_not_followed_by_a_refusal),
        cmocka_unit_test(test_an_answer_that_is_still_held_gives_way_to_a_refusal),
        cmocka_unit_test(test_a_client_that_has_gone_is_not_answered),
        cmocka_unit_test(test_a_surface_without_words_still_answers),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
