#include "opteryx/reply.h"

#include "http/route.h"
#include "opteryx/request.h"
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
    STATUS_FORM = 415,
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

static bool is_contracts(const struct exchange *x)
{
    return x->route && strncmp(x->route->pattern, "/v2/contracts", strlen("/v2/contracts")) == 0;
}

/* The code of a contract's refusal; NULL: it is told as everywhere else. */
static const char *contract_code(const struct problem *because)
{
    switch (because->fault) {
    case FAULT_FORBIDDEN:
        return "not_authorized";
    case FAULT_MISSING:
        return "contract_not_found";
    case FAULT_GONE:
        return "contract_expired";
    case FAULT_CONFLICT:
        return because->code ? because->code : "conflict";
    case FAULT_PRECONDITION:
        return "precondition_failed";
    case FAULT_UNSUPPORTED:
    case FAULT_UNPROCESSABLE:
        return "format_unreadable";
    case FAULT_STORAGE_FULL:
        return "storage_full";
    case FAULT_INTERNAL:
        return "internal";
    case FAULT_NONE:
    case FAULT_DAMAGED:
    case FAULT_MALFORMED:
    case FAULT_UNAUTHENTIC: /* the client takes no code here for a missing credential */
    case FAULT_METHOD:
    case FAULT_TOO_LARGE:
    case FAULT_STALLED:
    case FAULT_ABORTED:
    case FAULT_BUSY:
    case FAULT_UNAVAILABLE:
        break;
    }
    return NULL;
}

static void contract_body(const struct exchange *x, const struct problem *because, const char *code,
                          const char *detail, struct text *body)
{
    enum { REFERENCE = 8 }; /* characters of the request's id */
    text_addf(body, "{\"error\":{\"code\":\"%s\",\"message\":", code);
    json_quote(body, detail, strlen(detail));
    if (because->fault == FAULT_FORBIDDEN)
        text_addf(body, ",\"action\":\"%s\"", x->route->right == RIGHT_READ ? "read" : "create");
    if (because->fault == FAULT_INTERNAL)
        text_addf(body, ",\"reference\":\"%.*s\"", REFERENCE, x->request_id);
    text_adds(body, "}}");
}

enum fault opteryx_refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    const bool is_form = because->code && strcmp(because->code, EXCHANGE_IS_FORM) == 0;
    const char *detail = because->text;
    const char *code = is_contracts(x) ? contract_code(because) : NULL;
    struct text body;
    if (because->fault == FAULT_UNAUTHENTIC) {
        exchange_set_header(x, "WWW-Authenticate", "Bearer");
        detail = "Not authenticated";
    } else if (because->fault == FAULT_FORBIDDEN) {
        detail = refused_action(x);
    }
    text_init(&body, DETAIL_MAX);
    if (code) {
        contract_body(x, because, code, detail, &body);
    } else {
        text_adds(&body, "{\"detail\":");
        json_quote(&body, detail, strlen(detail));
        text_addc(&body, '}');
    }
    enum fault f = FAULT_NONE;
    if (text_failed(&body))
        f = problem_internal(why, "no memory for an error body");
    else
        f = exchange_reply(x, is_form ? STATUS_FORM : status_of(because->fault), media_type,
                           body.data, body.len, why);
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
