/*
 * reply.c - the half of exchange.h that answers; every reply goes through exchange_stream_begin().
 */
#include "http/exchange.h"

#include "db/db.h"
#include "http/route.h"
#include "json/json.h"

#include <string.h>

enum {
    STATUS_OK_END = 400, /* statuses below it are successes or redirections */
    STATUS_NO_CONTENT = 204,
    STATUS_NOT_MODIFIED = 304,
    STATUS_REDIRECT = 307,
    STATUS_INTERNAL = 500,
    HEAD_MAX = 2 * REPLY_HEADERS_MAX,
};

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 507, "Insufficient Storage" },
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Other";
}

static bool has_control(const char *text)
{
    enum { CONTROL_END = 0x20, DELETE = 0x7F };
    for (; *text; text++) {
        if ((unsigned char)*text < CONTROL_END || *text == DELETE)
            return true;
    }
    return false;
}

void exchange_set_header(struct exchange *x, const char *name, const char *value)
{
    if (has_control(name) || has_control(value))
        x->reply_headers.failed = true;
    text_addf(&x->reply_headers, "%s: %s\r\n", name, value);
}

/* What no reply may be: a second one, a success that nobody was authorised for, or one with headers
 * that could not be set. */
static enum fault reply_check(struct exchange *x, int status, struct problem *why)
{
    if (x->reply != REPLY_NONE)
        return problem_internal(why, "a second reply, %d after %d", status, x->status);
    if (status < STATUS_OK_END && x->route && x->route->right != RIGHT_NONE && !x->who)
        return problem_internal(why, "unauthorised success: %d on %s %s", status, x->route->method,
                                x->route->pattern);
    if (text_failed(&x->reply_headers)) {
        text_clear(&x->reply_headers);
        return problem_internal(why, "a reply header of %s could not be set",
                                x->route ? x->route->pattern : "the gate");
    }
    return FAULT_NONE;
}

/* No byte of an answer leaves before what it rests on is durable, whoever committed it.  Answers
 * from 500 on tell of no state. */
static enum fault settle(struct exchange *x, struct problem *why)
{
    return x->db && x->status < STATUS_INTERNAL ? db_settle(x->db, why) : FAULT_NONE;
}

/* Sends the head (RFC 3875 section 6.3). */
static enum fault send_head(struct exchange *x, const char *content_type, int64_t length,
                            struct problem *why)
{
    struct text head;
    enum fault f = FAULT_NONE;
    const bool may_have_body = x->status != STATUS_NO_CONTENT && x->status != STATUS_NOT_MODIFIED;
    text_init(&head, HEAD_MAX);
    text_addf(&head, "Status: %d %s\r\n", x->status, reason_of(x->status));
    if (content_type)
        text_addf(&head, "Content-Type: %s\r\n", content_type);
    text_addf(&head, "X-Request-Id: %s\r\n", x->request_id);
    if (length >= 0 && may_have_body)
        text_addf(&head, "Content-Length: %lld\r\n", (long long)length);
    text_add(&head, text_string(&x->reply_headers), x->reply_headers.len);
    text_adds(&head, "\r\n");
    if (text_failed(&head))
        f = problem_internal(why, "no memory for the head of a reply");
    else
        f = settle(x, why);
    if (!f) {
        x->reply = REPLY_STREAMING;
        x->reply_length = length;
        f = x->io.write(x->io.ctx, head.data, head.len, why);
    }
    text_release(&head);
    return f;
}

static enum fault send_body(struct exchange *x, const void *bytes, size_t len, struct problem *why)
{
    if (x->head_only || len == 0)
        return FAULT_NONE;
    const enum fault f = settle(x, why); /* pages of a long list are read while they are sent */
    return f ? f : x->io.write(x->io.ctx, bytes, len, why);
}

enum fault exchange_stream_begin(struct exchange *x, int status, const char *content_type,
                                 int64_t length, struct problem *why)
{
    enum fault f = reply_check(x, status, why);
    if (f)
        return f;
    x->status = status;
    if (length >= 0)
        return send_head(x, content_type, length, why);
    if (content_type)
        x->reply_type = arena_strdup(x->arena, content_type, strlen(content_type));
    if (content_type && !x->reply_type)
        return problem_internal(why, "no memory for a reply");
    x->reply = REPLY_HELD;
    return FAULT_NONE;
}

/* Sends what is held and does not wait for more; length: of all, or -1. */
static enum fault release_held(struct exchange *x, int64_t length, struct problem *why)
{
    enum fault f = send_head(x, x->reply_type, length, why);
    if (!f)
        f = send_body(x, text_string(&x->held), x->held.len, why);
    text_release(&x->held);
    return f;
}

enum fault exchange_write(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct exchange *x = ctx;
    if (x->reply != REPLY_STREAMING && x->reply != REPLY_HELD)
        return problem_internal(why, "reply bytes outside a reply");
    x->reply_bytes += len;
    if (x->reply == REPLY_HELD) {
        if (len <= STREAM_OUT_MAX - x->held.len) {
            text_add(&x->held, bytes, len);
            return text_failed(&x->held) ? problem_internal(why, "no memory for a reply")
                                         : FAULT_NONE;
        }
        enum fault f = release_held(x, -1, why);
        if (f)
            return f;
    }
    if (x->reply_length >= 0 && x->reply_bytes > (uint64_t)x->reply_length)
        return problem_internal(why, "a reply longer than its announced %lld bytes",
                                (long long)x->reply_length);
    return send_body(x, bytes, len, why);
}

enum fault exchange_stream_end(struct exchange *x, struct problem *why)
{
    if (x->reply == REPLY_HELD) {
        enum fault f = release_held(x, (int64_t)x->reply_bytes, why);
        if (f)
            return f;
    }
    if (x->reply != REPLY_STREAMING)
        return problem_internal(why, "the end of a reply that has not begun");
    if (!x->head_only && x->reply_length >= 0 && x->reply_bytes != (uint64_t)x->reply_length)
        return problem_internal(why, "a reply shorter than its announced %lld bytes",
                                (long long)x->reply_length);
    x->reply = REPLY_DONE;
    return FAULT_NONE;
}

enum fault exchange_reply(struct exchange *x, int status, const char *content_type,
                          const void *bytes, size_t len, struct problem *why)
{
    enum fault f = exchange_stream_begin(x, status, content_type, (int64_t)len, why);
    if (!f)
        f = exchange_write(x, bytes, len, why);
    if (!f)
        f = exchange_stream_end(x, why);
    return f;
}

enum fault exchange_reply_json(struct exchange *x, int status, json_object *body,
                               struct problem *why)
{
    struct text text;
    text_init(&text, JSON_REPLY_MAX);
    json_write(&text, body);
    json_object_put(body);
    enum fault f = FAULT_NONE;
    if (text_failed(&text))
        f = problem_internal(why, "a JSON reply past JSON_REPLY_MAX, or no memory for it");
    else
        f = exchange_reply(x, status, "application/json", text.data, text.len, why);
    text_release(&text);
    return f;
}

enum fault exchange_reply_empty(struct exchange *x, int status, struct problem *why)
{
    return exchange_reply(x, status, NULL, "", 0, why);
}

enum fault exchange_reply_redirect(struct exchange *x, const char *path, struct problem *why)
{
    const char *url = arena_printf(x->arena, "%s%s%s%s", exchange_base_url(x), path,
                                   x->uri.query[0] ? "?" : "", x->uri.query);
    if (!url)
        return problem_set(why, FAULT_TOO_LARGE, "the address is too long");
    exchange_set_header(x, "Location", url);
    return exchange_reply_empty(x, STATUS_REDIRECT, why);
}
