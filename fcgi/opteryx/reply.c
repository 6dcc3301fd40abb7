#include "opteryx/reply.h"

#include "http/route.h"
#include "json/json.h"

#include <string.h>

enum {
    STATUS_MALFORMED = 400,
    STATUS_UNAUTHENTIC = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_MISSING = 404,
    STATUS_METHOD = 405,
    STATUS_STALLED = 408,
    STATUS_CONFLICT = 409,
    STATUS_GONE = 410,
    STATUS_PRECONDITION = 412,
    STATUS_TOO_LARGE = 413,
    STATUS_INVALID = 422,
    STATUS_INTERNAL = 500,
    STATUS_NOT_SERVED = 501,
    STATUS_UNAVAILABLE = 503,
    STATUS_BUSY = 504, /* the only status that the clients try again */
    STATUS_FULL = 507,
    DETAIL_MAX = 8 * PROBLEM_TEXT_MAX, /* bytes of an error body: every character escaped */
};

static const char media_type[] = "application/json";

static int status_of(enum fault fault)
{
    switch (fault) {
    case FAULT_NONE:
    case FAULT_DAMAGED:
    case FAULT_INTERNAL:
        return STATUS_INTERNAL;
    case FAULT_MALFORMED:
    case FAULT_ABORTED:
        return STATUS_MALFORMED;
    case FAULT_UNAUTHENTIC:
        return STATUS_UNAUTHENTIC;
    case FAULT_FORBIDDEN:
        return STATUS_FORBIDDEN;
    case FAULT_MISSING:
        return STATUS_MISSING;
    case FAULT_METHOD:
        return STATUS_METHOD;
    case FAULT_GONE:
        return STATUS_GONE;
    case FAULT_CONFLICT:
        return STATUS_CONFLICT;
    case FAULT_PRECONDITION:
        return STATUS_PRECONDITION;
    case FAULT_TOO_LARGE:
        return STATUS_TOO_LARGE;
    case FAULT_UNSUPPORTED: /* the clients know 422 as "unsupported or malformed" */
    case FAULT_UNPROCESSABLE:
        return STATUS_INVALID;
    case FAULT_STALLED:
        return STATUS_STALLED;
    case FAULT_BUSY:
        return STATUS_BUSY;
    case FAULT_UNAVAILABLE:
        return STATUS_UNAVAILABLE;
    case FAULT_STORAGE_FULL:
        return STATUS_FULL;
    }
    return STATUS_INTERNAL;
}

/* The live service's words for a refused right, which name what was tried. */
static const char *refused_action(const struct exchange *x)
{
    if (x->route && x->route->right == RIGHT_READ)
        return "authorization denied for action read";
    if (x->route && x->route->right == RIGHT_ADMIN)
        return "authorization denied for action administer";
    return "authorization denied for action create";
}

enum fault opteryx_refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    const char *detail = because->text;
    struct text body;
    if (because->fault == FAULT_UNAUTHENTIC) {
        exchange_set_header(x, "WWW-Authenticate", "Bearer");
        detail = "Not authenticated";
    } else if (because->fault == FAULT_FORBIDDEN) {
        detail = refused_action(x);
    }
    text_init(&body, DETAIL_MAX);
    text_adds(&body, "{\"detail\":");
    json_quote(&body, detail, strlen(detail));
    text_addc(&body, '}');
    enum fault f = FAULT_NONE;
    if (text_failed(&body))
        f = problem_internal(why, "no memory for an error body");
    else
        f = exchange_reply(x, status_of(because->fault), media_type, body.data, body.len, why);
    text_release(&body);
    return f;
}

enum fault opteryx_refuse_invalid(struct exchange *x, struct validate *v, struct problem *why)
{
    size_t len = 0;
    const char *body = validate_body(v, &len);
    if (!body)
        return problem_set(why, FAULT_TOO_LARGE, "the request has too many errors to list");
    return exchange_reply(x, STATUS_INVALID, media_type, body, len, why);
}

enum fault opteryx_refuse_contracts(struct exchange *x, struct problem *why)
{
    static const char body[] = "{\"error\":{\"code\":\"not_implemented\",\"message\":\"contracts "
                               "are not served here; use an upload session\"}}";
    return exchange_reply(x, STATUS_NOT_SERVED, media_type, body, sizeof body - 1, why);
}
