#include "oxen/request.h"

#include "oxen/reply.h"

enum fault oxen_request_bad_json(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, OXEN_SAID, "Invalid JSON");
}

enum fault oxen_request_json(struct exchange *x, json_object **out, struct problem *why)
{
    struct problem of_json = PROBLEM_NONE;
    const enum fault f = exchange_json(x, JSON_BODY_MAX, out, &of_json);
    if (f == FAULT_MALFORMED && x->body == BODY_COMPLETE)
        return oxen_request_bad_json(why);
    if (f)
        *why = of_json;
    return f;
}
