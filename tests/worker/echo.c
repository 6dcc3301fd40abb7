/*
 * echo.c - worker.c with a surface of its own, for the tests of this folder.
 *
 *   echo migrate    prepares SLUICE_STATE
 *   echo worker     serves on descriptor 0
 */
#include "base/clock.h"
#include "base/config.h"
#include "base/number.h"
#include "db/migrate.h"
#include "db/token_store.h"
#include "worker.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    OK = 200,
    TOO_LARGE = 413,
    TIMEOUT = 408,
    BAD = 400,
    OURS = 500,
    SMALL_BODY_MAX = 16 * KIB,
    ECHO_MAX = MIB
};

static enum fault reply_text(struct exchange *x, int status, const char *text, struct problem *why)
{
    return exchange_reply(x, status, "text/plain", text, strlen(text), why);
}

/* The number that a path segment holds, 0 when it is none. */
static uint64_t path_number(const struct exchange *x)
{
    uint64_t number = 0;
    const char *text = exchange_path(x, 0);
    return number_u64(text, strlen(text), &number) ? number : 0;
}

static enum fault tell_pid(struct exchange *x, struct problem *why)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%d", (int)getpid());
    return reply_text(x, OK, text, why);
}

static enum fault echo_body(struct exchange *x, struct problem *why)
{
    const char *body = NULL;
    size_t len = 0;
    enum fault f = exchange_body_text(x, ECHO_MAX, &body, &len, why);
    return f ? f : exchange_reply(x, OK, "text/plain", body, len, why);
}

/* FNV-1a, 64 bits: enough to see that no byte was lost or moved. */
struct sum {
    uint64_t hash;
    uint64_t bytes;
};

static enum fault sum_add(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    static const uint64_t prime = 0x100000001b3;
    struct sum *sum = ctx;
    const unsigned char *at = bytes;
    (void)why;
    for (size_t i = 0; i < len; i++)
        sum->hash = (sum->hash ^ at[i]) * prime;
    sum->bytes += len;
    return FAULT_NONE;
}

static enum fault count_body(struct exchange *x, struct problem *why)
{
    char text[64];
    struct sum sum = { .hash = 0xcbf29ce484222325 };
    enum fault f = exchange_body(x, UINT64_MAX, sum_add, &sum, why);
    if (f)
        return f;
    (void)snprintf(text, sizeof text, "%llu %016llx", (unsigned long long)sum.bytes,
                   (unsigned long long)sum.hash);
    return reply_text(x, OK, text, why);
}

static enum fault small_body(struct exchange *x, struct problem *why)
{
    const char *body = NULL;
    size_t len = 0;
    enum fault f = exchange_body_text(x, SMALL_BODY_MAX, &body, &len, why);
    return f ? f : reply_text(x, OK, "small", why);
}

static enum fault read_json(struct exchange *x, struct problem *why)
{
    json_object *value = NULL;
    enum fault f = exchange_json(x, JSON_BODY_MAX, &value, why);
    return f ? f : reply_text(x, OK, "json", why);
}

/* Writes as many rows, each in a transaction of its own. */
static enum fault write_rows(struct exchange *x, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (uint64_t i = path_number(x); !f && i > 0; i--) {
        struct token_row row = { .rights = "all:read", .scope = "*", .created_at = x->now };
        (void)snprintf(row.name, sizeof row.name, "%s-%llu", x->request_id, (unsigned long long)i);
        (void)snprintf(row.id, sizeof row.id, "%.8s%08x", x->request_id, (unsigned)i);
        f = token_store_add(x->db, &row, why);
    }
    return f ? f : reply_text(x, OK, "written", why);
}

/* Answers without a look at the body. */
static enum fault answer_early(struct exchange *x, struct problem *why)
{
    return reply_text(x, TOO_LARGE, "early", why);
}

/* Many bytes, "0123456789abcdef0123...", with their length announced or not. */
static enum fault send_bytes(struct exchange *x, bool announced, struct problem *why)
{
    static const char pattern[] = "0123456789abcdef";
    enum { PATTERN_LEN = sizeof pattern - 1 };
    const uint64_t bytes = path_number(x);
    char chunk[IO_CHUNK];
    for (size_t i = 0; i < sizeof chunk; i++)
        chunk[i] = pattern[i % PATTERN_LEN];
    enum fault f = exchange_stream_begin(x, OK, "text/plain", announced ? (int64_t)bytes : -1, why);
    for (uint64_t done = 0; !f && done < bytes; done += sizeof chunk) {
        const uint64_t left = bytes - done;
        f = exchange_write(x, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk, why);
    }
    return f ? f : exchange_stream_end(x, why);
}

static enum fault send_announced(struct exchange *x, struct problem *why)
{
    return send_bytes(x, true, why);
}

static enum fault send_unannounced(struct exchange *x, struct problem *why)
{
    return send_bytes(x, false, why);
}

/* Sends as many bytes and then fails; length: what it announces. */
static enum fault send_and_fail(struct exchange *x, int64_t length, struct problem *why)
{
    enum fault f = exchange_stream_begin(x, OK, "text/plain", length, why);
    for (uint64_t left = path_number(x); !f && left > 0; left--)
        f = exchange_write(x, "x", 1, why);
    return f ? f : problem_internal(why, "broke off on purpose");
}

static enum fault break_off(struct exchange *x, struct problem *why)
{
    return send_and_fail(x, -1, why);
}

static enum fault break_short(struct exchange *x, struct problem *why)
{
    return send_and_fail(x, (int64_t)path_number(x) + 1, why);
}

static enum fault sleep_first(struct exchange *x, struct problem *why)
{
    (void)poll(NULL, 0, (int)path_number(x));
    return reply_text(x, OK, "slept", why);
}

static enum fault forget_to_ask(struct exchange *x, struct problem *why)
{
    return reply_text(x, OK, "secret", why);
}

static enum fault refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    int status = BAD;
    if (because->fault == FAULT_STALLED)
        status = TIMEOUT;
    else if (because->fault == FAULT_TOO_LARGE)
        status = TOO_LARGE;
    else if (because->fault == FAULT_INTERNAL)
        status = OURS;
    return reply_text(x, status, because->text, why);
}

static const char *const prefixes[] = { "/t/", NULL };
static const struct route routes[] = {
    { "GET", "/t/pid", RIGHT_NONE, tell_pid },
    { "POST", "/t/echo", RIGHT_NONE, echo_body },
    { "POST", "/t/count", RIGHT_NONE, count_body },
    { "POST", "/t/small", RIGHT_NONE, small_body },
    { "POST", "/t/json", RIGHT_NONE, read_json },
    { "POST", "/t/write/{count}", RIGHT_NONE, write_rows },
    { "POST", "/t/early", RIGHT_NONE, answer_early },
    { "GET", "/t/bytes/{count}", RIGHT_NONE, send_announced },
    { "GET", "/t/stream/{count}", RIGHT_NONE, send_unannounced },
    { "GET", "/t/break/{count}", RIGHT_NONE, break_off },
    { "GET", "/t/short/{count}", RIGHT_NONE, break_short },
    { "GET", "/t/sleep/{ms}", RIGHT_NONE, sleep_first },
    { "GET", "/t/bold", RIGHT_READ, forget_to_ask },
};
static const struct surface surface = {
    .name = "test",
    .prefixes = prefixes,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .refuse = refuse,
};

static int report(enum fault f, const struct problem *why)
{
    if (f)
        (void)fprintf(stderr, "echo: %s: %s %s\n", fault_name(f), why->text, why->detail);
    return f ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct surface *const surfaces[] = { &surface };
    static struct config config;
    struct problem why = PROBLEM_NONE;
    struct migrate_report migrated;
    enum fault f = config_load(&config, environ, &why);
    if (f || argc != 2)
        return report(f ? f : FAULT_MALFORMED, &why);
    if (strcmp(argv[1], "migrate") == 0)
        f = migrate_run(config.state, config.lock_wait_ms, clock_now_ms(), &migrated, &why);
    else
        f = worker_run(&config, -1, surfaces, 1, &surface, &why);
    return report(f, &why);
}
