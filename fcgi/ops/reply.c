#include "ops/reply.h"

#include "json/json.h"

#include <string.h>

enum {
    STATUS_MALFORMED = 400,
    STATUS_UNAUTHENTIC = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_MISSING = 404,
    STATUS_METHOD = 405,
    STATUS_TOO_LARGE = 413,
    STATUS_INTERNAL = 500,
    STATUS_UNAVAILABLE = 503,
    STATUS_FULL = 507,
    DETAIL_MAX = 8 * PROBLEM_TEXT_MAX, /* bytes of an error body: every character escaped */
};

static int status_of(enum fault fault)
{
    static const int statuses[] = {
        [FAULT_MALFORMED] = STATUS_MALFORMED,     [FAULT_ABORTED] = STATUS_MALFORMED,
        [FAULT_UNAUTHENTIC] = STATUS_UNAUTHENTIC, [FAULT_FORBIDDEN] = STATUS_FORBIDDEN,
        [FAULT_MISSING] = STATUS_MISSING,         [FAULT_METHOD] = STATUS_METHOD,
        [FAULT_TOO_LARGE] = STATUS_TOO_LARGE,     [FAULT_BUSY] = STATUS_UNAVAILABLE,
        [FAULT_UNAVAILABLE] = STATUS_UNAVAILABLE, [FAULT_STORAGE_FULL] = STATUS_FULL,
        [FAULT_INTERNAL] = STATUS_INTERNAL,
    };
    const size_t count = sizeof statuses / sizeof statuses[0];
    const int status = (size_t)fault < count ? statuses[fault] : 0;
    return status ? status : STATUS_INTERNAL;
}

enum fault ops_refuse(struct exchange *x, const struct problem *because, struct problem *why)
{
    struct text body;
    if (because->fault == FAULT_UNAUTHENTIC)
        exchange_set_header(x, "WWW-Authenticate", "Bearer");
    text_init(&body, DETAIL_MAX);
    text_adds(&body, "{\"detail\":");
    json_quote(&body, because->text, strlen(because->text));
    text_addc(&body, '}');
    enum fault f = FAULT_NONE;
    if (text_failed(&body))
        f = problem_internal(why, "no memory for an error body");
    else
        f = exchange_reply(x, status_of(because->fault), "application/json", body.data, body.len,
                           why);
    text_release(&body);
    return f;
}
