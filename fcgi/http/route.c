#include "http/route.h"

#include "blob/blob.h"
#include "http/origin.h"

#include <stdbool.h>
#include <string.h>

enum { STATUS_OK = 200, STATUS_NO_CONTENT = 204, STATUS_INTERNAL = 500, ALLOW_MAX = 512 };

/* ---- whose path it is ---- */

/* Whether the request's path lies under prefix, segment by segment. */
static bool owns(const char *prefix, const struct uri *uri)
{
    size_t i = 0;
    const char *at = prefix;
    while (*at == '/') {
        const size_t len = strcspn(at + 1, "/");
        if (len == 0)
            return i < uri->segment_count; /* a final '/': what is below */
        if (i == uri->segment_count || strlen(uri->segments[i]) != len ||
            memcmp(uri->segments[i], at + 1, len) != 0)
            return false;
        at += 1 + len;
        i++;
    }
    return true;
}

static const struct surface *owner(const struct uri *uri, const struct surface *const *surfaces,
                                   size_t count, const struct surface *fallback)
{
    for (size_t i = 0; i < count; i++) {
        for (const char *const *prefix = surfaces[i]->prefixes; *prefix; prefix++) {
            if (owns(*prefix, uri))
                return surfaces[i];
        }
    }
    return fallback;
}

/* ---- which route it is ---- */

/* The segments from i on, as the client wrote them but decoded, in one text. */
static const char *join(struct exchange *x, size_t i)
{
    size_t len = 0;
    for (size_t k = i; k < x->uri.segment_count; k++)
        len += strlen(x->uri.segments[k]) + 1;
    char *out = arena_alloc(x->arena, len + 1);
    if (!out)
        return NULL;
    char *at = out;
    for (size_t k = i; k < x->uri.segment_count; k++) {
        at = stpcpy(at, x->uri.segments[k]);
        if (k + 1 < x->uri.segment_count)
            *at++ = '/';
    }
    return out;
}

static bool capture(struct exchange *x, const char *value)
{
    if (!value || !value[0] || x->capture_count == CAPTURES_MAX)
        return false;
    x->captures[x->capture_count++] = value;
    return true;
}

/* Matches the whole path against a pattern and leaves the captures in x. */
static bool fits(struct exchange *x, const char *pattern)
{
    static const char rest[] = "...}";
    size_t i = 0;
    x->capture_count = 0;
    for (const char *at = pattern; *at == '/'; i++) {
        const char *piece = at + 1;
        const size_t len = strcspn(piece, "/");
        at = piece + len;
        if (i == x->uri.segment_count)
            return false;
        const char *segment = x->uri.segments[i];
        if (piece[0] != '{') {
            if (strlen(segment) != len || memcmp(segment, piece, len) != 0)
                return false;
        } else if (len >= sizeof rest &&
                   strncmp(at - (sizeof rest - 1), rest, sizeof rest - 1) == 0) {
            return capture(x, join(x, i));
        } else if (!capture(x, segment)) {
            return false;
        }
    }
    return i == x->uri.segment_count;
}

static bool takes_method(const struct route *route, const struct exchange *x)
{
    return strcmp(route->method, x->method) == 0 ||
           (x->head_only && strcmp(route->method, "GET") == 0);
}

/* Appends a method to a list of them, once. */
static void allow_add(char allow[ALLOW_MAX], const char *method)
{
    const size_t len = strlen(method);
    for (const char *at = strstr(allow, method); at; at = strstr(at + 1, method)) {
        const bool begins = at == allow || at[-1] == ' ';
        if (begins && (at[len] == '\0' || at[len] == ','))
            return;
    }
    const size_t used = strlen(allow);
    if (used + len + 2 >= ALLOW_MAX)
        return;
    char *end = stpcpy(allow + used, used ? ", " : "");
    (void)stpcpy(end, method);
}

/* The route of the request, or NULL and in allow the methods that the path has (none: the path is
 * unknown). */
static const struct route *find(struct exchange *x, char allow[ALLOW_MAX])
{
    allow[0] = '\0';
    for (size_t i = 0; i < x->surface->route_count; i++) {
        const struct route *route = &x->surface->routes[i];
        if (!fits(x, route->pattern))
            continue;
        if (takes_method(route, x))
            return route;
        allow_add(allow, route->method);
        if (strcmp(route->method, "GET") == 0)
            allow_add(allow, "HEAD");
    }
    if (allow[0])
        allow_add(allow, "OPTIONS");
    return NULL;
}

/* ---- what is answered ---- */

/* What adds to the store leaves the operator's room on the disk free; what deletes may use it. */
static enum fault room_check(struct exchange *x, struct problem *why)
{
    const enum right right = x->route->right;
    const bool adds =
        (right == RIGHT_WRITE || right == RIGHT_ADMIN) && strcmp(x->method, "DELETE") != 0;
    return adds && x->blobs ? blob_room(x->blobs, 0, why) : FAULT_NONE;
}

/* Sets x->route, or answers what has none. */
static enum fault dispatch(struct exchange *x, struct problem *why)
{
    char allow[ALLOW_MAX];
    x->route = find(x, allow);
    if (x->uri.bad_escape && !(x->route && strstr(x->route->pattern, "%...}")))
        return problem_set(why, FAULT_MALFORMED, "malformed percent escape in the request address");
    if (x->route)
        return room_check(x, why);
    x->capture_count = 0;
    if (!allow[0])
        return problem_code(why, FAULT_MISSING, ROUTE_UNKNOWN, "Not Found");
    exchange_set_header(x, "Allow", allow);
    if (strcmp(x->method, "OPTIONS") == 0)
        return exchange_reply_empty(x, STATUS_NO_CONTENT, why);
    return problem_code(why, FAULT_METHOD, ROUTE_METHOD, "Method Not Allowed");
}

/* The surface's own error body; when even that fails, the shortest possible. */
static void refuse(struct exchange *x, const struct problem *because)
{
    static const char text[] = "internal error\n";
    struct problem again = PROBLEM_NONE;
    if (x->reply == REPLY_HELD) { /* as if it had not begun */
        x->reply = REPLY_NONE;
        x->reply_bytes = 0;
        x->status = 0;
        text_clear(&x->held);
    }
    if (x->reply != REPLY_NONE || because->fault == FAULT_ABORTED)
        return;
    enum fault f = x->surface->refuse(x, because, &again);
    if (x->reply == REPLY_NONE && f && f != FAULT_INTERNAL) { /* what it rests on is not durable */
        const struct problem unsettled = again;
        again = PROBLEM_NONE;
        f = x->surface->refuse(x, &unsettled, &again);
    }
    if (x->reply == REPLY_NONE) {
        again = PROBLEM_NONE;
        f = exchange_reply(x, STATUS_INTERNAL, "text/plain", text, sizeof text - 1, &again);
    }
    (void)f; /* a reply that nobody takes is no news: the worker sees its state */
}

static enum fault answer(struct exchange *x, enum fault f, struct problem *why)
{
    if (!f && x->reply != REPLY_DONE)
        f = problem_internal(why, "the handler gave no answer");
    if (f && why->fault == FAULT_NONE)
        f = problem_internal(why, "a fault without a reason: %s", fault_name(f));
    if (f)
        refuse(x, why);
    return f;
}

/* As far as the address, the method and the headers lead. */
static enum fault enter(struct exchange *x, const struct surface *const *surfaces, size_t count,
                        const struct surface *fallback, struct problem *why)
{
    x->surface = owner(&x->uri, surfaces, count, fallback);
    enum fault f = origin_check(x, why);
    if (!f && x->surface->gate)
        f = x->surface->gate(x, why);
    if (!f && x->reply == REPLY_NONE)
        f = dispatch(x, why);
    return f;
}

enum fault route_serve(struct exchange *x, const struct surface *const *surfaces, size_t count,
                       const struct surface *fallback, struct problem *why)
{
    enum fault f = enter(x, surfaces, count, fallback, why);
    if (!f && x->reply == REPLY_NONE)
        f = x->route->handle(x, why);
    return answer(x, f, why);
}

enum fault route_allow(struct exchange *x, const struct surface *const *surfaces, size_t count,
                       const struct surface *fallback,
                       enum fault (*allow)(struct exchange *x, enum right right,
                                           const char *resource, struct problem *why),
                       struct problem *why)
{
    enum fault f = enter(x, surfaces, count, fallback, why);
    if (!f && x->reply == REPLY_NONE && x->route->right != RIGHT_NONE)
        f = allow(x, x->route->right, NULL, why);
    if (!f && x->reply == REPLY_NONE)
        f = exchange_reply(x, STATUS_OK, NULL, "", 0, why);
    return answer(x, f, why);
}

enum fault route_refuse(struct exchange *x, const struct surface *const *surfaces, size_t count,
                        const struct surface *fallback, struct problem *why)
{
    struct problem of_gate = PROBLEM_NONE;
    x->surface = owner(&x->uri, surfaces, count, fallback);
    /* for the headers that every answer carries; the first fault is the one that is answered */
    if (x->surface->gate && x->surface->gate(x, &of_gate) == FAULT_NONE && x->reply != REPLY_NONE)
        return why->fault;
    return answer(x, why->fault, why);
}
