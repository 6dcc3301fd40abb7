#include "opteryx/request.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

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

const char *opteryx_request_session(const struct exchange *x)
{
    static const char of_contract[] = "ct_";
    const char *id = exchange_path(x, 0);
    return strncmp(id, of_contract, sizeof of_contract - 1) == 0 ? "" : id;
}

const char *opteryx_request_file_name(struct exchange *x)
{
    enum { ASCII_END = 0x80, LEAD = 0xC0, TAIL = 0x80, TAIL_BITS = 6, TAIL_MASK = 0x3F };
    const char *raw = exchange_header(x, "x-file-name");
    if (!raw || !raw[0])
        return NULL;
    unsigned char *out = arena_alloc(x->arena, 2 * strlen(raw) + 1);
    unsigned char *at = out;
    for (; out && *raw; raw++) {
        const unsigned char byte = (unsigned char)*raw;
        if (byte < ASCII_END) {
            *at++ = byte;
        } else {
            *at++ = (unsigned char)(LEAD | byte >> TAIL_BITS);
            *at++ = (unsigned char)(TAIL | (byte & TAIL_MASK));
        }
    }
    return (const char *)out;
}

enum fault opteryx_request_ratio(const struct exchange *x, uint64_t *decoded, size_t len,
                                 struct problem *why)
{
    const uint64_t ratio = (uint64_t)x->config->part_ratio_max;
    *decoded += len;
    if (*decoded <= CODING_RATIO_FROM || *decoded / ratio <= x->body_bytes)
        return FAULT_NONE;
    return problem_set(why, FAULT_TOO_LARGE,
                       "the body decodes to more than %llu times the bytes that were sent",
                       (unsigned long long)ratio);
}

const char *opteryx_request_if_match(struct exchange *x)
{
    const char *value = exchange_header(x, "If-Match");
    if (!value || !value[0])
        return NULL;
    const size_t len = strlen(value);
    const bool quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"' &&
                        strcmp(value, "\"" OPTERYX_ANY_COMMIT "\"") != 0;
    const char *bare = quoted ? arena_strdup(x->arena, value + 1, len - 2) : NULL;
    return bare ? bare : value;
}

void opteryx_request_commit_id(const struct exchange *x, char out[OPTERYX_COMMIT_ID_MAX])
{
    enum { RANDOM_AT = 16, RANDOM = 8 }; /* of the request's random bytes */
    char hex[2 * RANDOM + 1];
    text_hex(x->random + RANDOM_AT, RANDOM, hex);
    (void)snprintf(out, OPTERYX_COMMIT_ID_MAX, "snap_%s", hex);
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
