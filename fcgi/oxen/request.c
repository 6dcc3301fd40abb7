#include "oxen/request.h"

#include "base/limits.h"
#include "oxen/reply.h"
#include "stream/coding.h"

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

enum fault oxen_request_gunzipped(const struct exchange *x, uint64_t bytes, struct problem *why)
{
    if (bytes <= OXEN_GUNZIP_FROM || bytes / OXEN_GUNZIP_RATIO <= x->body_bytes)
        return FAULT_NONE;
    return problem_code(why, FAULT_TOO_LARGE, CODING_TOO_LARGE,
                        "the request becomes more than %d times its %llu bytes", OXEN_GUNZIP_RATIO,
                        (unsigned long long)x->body_bytes);
}
