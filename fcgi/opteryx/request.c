#include "opteryx/request.h"

#include "http/json.h"

static void put_object(void *object)
{
    json_object_put(object);
}

enum fault opteryx_request_json(struct exchange *x, struct validate *v, bool optional,
                                json_object **out, struct problem *why)
{
    const char *text = NULL;
    size_t len = 0;
    json_object *made = NULL;
    enum fault f = exchange_body_text(x, OPTERYX_BODY_MAX, &text, &len, why);
    if (f || (optional && len == 0))
        return f;
    f = validate_json(v, exchange_header(x, "Content-Type"), text, len, &made, why);
    if (!f && made && !arena_defer(x->arena, put_object, made))
        f = problem_set(why, FAULT_TOO_LARGE, "the body is too large");
    if (!f)
        *out = made;
    return f;
}

const char *opteryx_request_table(struct exchange *x, const struct opteryx_target *target)
{
    return arena_printf(x->arena, "%s.%s.%s", target->workspace, target->collection,
                        target->dataset);
}

json_object *opteryx_request_schema(const struct columns *columns)
{
    json_object *schema = json_object_new_object();
    if (schema && !json_add(schema, "columns", columns_json(columns))) {
        json_object_put(schema);
        return NULL;
    }
    return schema;
}

enum fault opteryx_request_no_memory(struct problem *why)
{
    return problem_internal(why, "no memory for an answer");
}
