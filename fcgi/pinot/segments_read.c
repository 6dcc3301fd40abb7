#include "pinot/segments_read.h"

#include "auth/auth.h"
#include "pinot/request.h"

enum fault tables_of_name(struct exchange *x, enum right right, struct tables_of_name *out,
                          struct problem *why)
{
    static const enum pinot_type types[TABLES_OF_NAME_MAX] = { PINOT_OFFLINE, PINOT_REALTIME };
    *out = (struct tables_of_name){ .count = 0 };
    enum fault f =
        table_name_parse(exchange_path(x, 0), exchange_header(x, "database"), &out->name, why);
    if (!f)
        f = auth_require(x, right, out->name.raw, why);
    if (!f)
        f = request_type(x, "type", &out->type, why);
    const enum pinot_type wanted = out->type == PINOT_NO_TYPE ? out->name.type : out->type;
    for (size_t i = 0; i < TABLES_OF_NAME_MAX && !f; i++) {
        char full[NAME_MAX_BYTES];
        bool found = false;
        if (wanted != PINOT_NO_TYPE && wanted != types[i])
            continue;
        table_name_full(out->name.raw, types[i], full);
        f = pinot_store_table_get(x->db, full, x->arena, &out->tables[out->count], &found, why);
        out->count += !f && found;
    }
    return f;
}

enum fault tables_required(const struct tables_of_name *found, bool alone, struct problem *why)
{
    char full[NAME_MAX_BYTES];
    if (found->count > 0)
        return FAULT_NONE;
    const enum pinot_type type =
        alone && found->type == PINOT_NO_TYPE ? PINOT_OFFLINE : found->type;
    table_name_full(found->name.raw, type, full);
    return problem_set(why, FAULT_MISSING, "Table '%s' not found.",
                       type == PINOT_NO_TYPE ? found->name.given : full);
}
