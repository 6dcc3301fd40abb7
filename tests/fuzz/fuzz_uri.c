/*
 * fuzz_uri.c - a request line and its conditions: method, address, Range, If-None-Match,
 * Content-Length, Host and Authorization, one a line.
 */
#include "auth/token.h"
#include "base/arena.h"
#include "base/text.h"
#include "http/etag.h"
#include "http/exchange.h"
#include "http/range.h"
#include "http/route.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { LINES = 7, CONTENT_BYTES = 1000 };

static const char *const names[LINES] = { "REQUEST_METHOD",     "REQUEST_URI",    "HTTP_RANGE",
                                          "HTTP_IF_NONE_MATCH", "CONTENT_LENGTH", "HTTP_HOST",
                                          "HTTP_AUTHORIZATION" };

struct input {
    char *lines[LINES];
    struct text reply;
};

static const char *param(void *ctx, const char *name)
{
    const struct input *input = ctx;
    for (size_t i = 0; i < LINES; i++) {
        if (strcmp(names[i], name) == 0)
            return input->lines[i];
    }
    return NULL;
}

static enum fault no_body(void *ctx, void *bytes, size_t len, size_t *got, struct problem *why)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)why;
    *got = 0;
    return FAULT_NONE;
}

static enum fault keep_reply(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct input *input = ctx;
    (void)why;
    text_add(&input->reply, bytes, len);
    return FAULT_NONE;
}

static void check_range(const char *value)
{
    const struct range range = range_parse(value, CONTENT_BYTES);
    assert(range.kind != RANGE_PART || (range.count > 0 && range.first < CONTENT_BYTES &&
                                        range.count <= CONTENT_BYTES - range.first));
}

/* A token is read whole: printed again it is the same one. */
static void check_credential(const char *header)
{
    struct token_text token;
    struct token_text again;
    char text[TOKEN_TEXT_MAX];
    if (!header || !token_from_header(header, &token))
        return;
    token_print(&token, text);
    assert(token_parse(text, strlen(text), &again));
    assert(memcmp(&token, &again, sizeof token) == 0);
}

static void check_uri(const struct uri *uri)
{
    assert(uri->segment_count > 0 && uri->segment_count <= PATH_SEGMENTS_MAX);
    for (size_t i = 0; i < uri->segment_count; i++)
        assert(text_is_utf8(uri->segments[i], strlen(uri->segments[i])));
    assert(uri->pair_count <= QUERY_PAIRS_MAX);
    for (size_t i = 0; i < uri->pair_count; i++) {
        assert(text_is_utf8(uri->pairs[i].name, strlen(uri->pairs[i].name)));
        assert(uri_query(uri, uri->pairs[i].name));
    }
}

static enum fault handle(struct exchange *x, struct problem *why)
{
    for (size_t i = 0; i < x->capture_count; i++)
        assert(exchange_path(x, i)[0] != '\0');
    return exchange_reply(x, 200, "text/plain", exchange_base_url(x), 1, why);
}

static enum fault refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    return exchange_reply(x, 400, "text/plain", because->text, strlen(because->text), why);
}

static const char *const prefixes[] = { "/a", "/b/", NULL };
static const struct route routes[] = {
    { "GET", "/a", RIGHT_NONE, handle },
    { "POST", "/a/{one}/b/{two}", RIGHT_NONE, handle },
    { "GET", "/b/{rest...}", RIGHT_NONE, handle },
    { "QUERY", "/b/c", RIGHT_NONE, handle },
};
static const struct surface surface = { .name = "fuzz",
                                        .prefixes = prefixes,
                                        .routes = routes,
                                        .route_count = sizeof routes / sizeof routes[0],
                                        .refuse = refuse };

static void serve(struct input *input, struct arena *arena)
{
    static const struct surface *const surfaces[] = { &surface };
    static const struct config config;
    struct problem why = PROBLEM_NONE;
    struct exchange x = {
        .config = &config,
        .arena = arena,
        .io = { .ctx = input, .param = param, .read = no_body, .write = keep_reply },
    };
    if (exchange_open(&x, &why)) {
        (void)route_refuse(&x, surfaces, 1, &surface, &why);
    } else {
        check_uri(&x.uri);
        (void)route_serve(&x, surfaces, 1, &surface, &why);
    }
    assert(x.reply == REPLY_DONE && x.status != 500);
    exchange_close(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct input input = { { NULL }, { 0 } };
    assert(arena);
    text_init(&input.reply, ARENA_MAX);
    char *at = arena_strdup(arena, (const char *)bytes, len);
    for (size_t i = 0; at && i < LINES; i++) {
        input.lines[i] = strsep(&at, "\n");
    }
    if (input.lines[1]) {
        check_range(input.lines[2]);
        (void)etag_listed(input.lines[3], "\"e\"");
        check_credential(input.lines[LINES - 1]);
        serve(&input, arena);
    }
    text_release(&input.reply);
    arena_destroy(arena);
    return 0;
}
