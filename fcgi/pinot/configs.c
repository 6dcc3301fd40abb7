#include "pinot/configs.h"

#include <stddef.h>

static enum fault decide_schema(const struct configs *c, bool there, struct problem *why)
{
    if (there && c->how == CONFIGS_SCHEMA_NEW)
        return problem_set(why, FAULT_CONFLICT, "Schema: %s already exists", c->raw);
    if (!there && c->how == CONFIGS_SCHEMA_REPLACE)
        return problem_set(why, FAULT_MISSING, "Cannot find schema: %s", c->raw);
    return FAULT_NONE;
}

static enum fault decide_table(const struct configs *c, const char *name, bool there, bool schema,
                               struct problem *why)
{
    if (!there && c->how == CONFIGS_TABLE_REPLACE)
        return problem_set(why, FAULT_MISSING, "Table %s does not exist", name);
    if (!schema)
        return problem_set(why, FAULT_MALFORMED, "Failed to find schema for table: %s", name);
    if (!there || c->how != CONFIGS_TABLE_NEW)
        return FAULT_NONE;
    return problem_set(why, FAULT_CONFLICT,
                       "Table config for %s already exists. If this is unexpected, try deleting "
                       "the table to remove all metadata associated with it before attempting to "
                       "recreate.",
                       name);
}

static enum fault decide(void *ctx, const struct pinot_configs_there *there, struct problem *why)
{
    const struct configs *c = ctx;
    const bool schema = there->schema != NULL;
    enum fault f = c->schema ? decide_schema(c, schema, why) : FAULT_NONE;
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
        if (c->tables[i])
            f = decide_table(c, c->tables[i]->name, there->tables[i].there, schema || c->schema,
                             why);
    }
    return f;
}

enum fault configs_put(struct exchange *x, const struct configs *configs, struct problem *why)
{
    struct configs once = *configs;
    const struct pinot_configs write = {
        .raw = configs->raw,
        .schema = configs->schema,
        .tables = { configs->tables[0], configs->tables[1] },
        .now = x->now,
        .ctx = &once,
        .decide = decide,
    };
    return pinot_store_configs_put(x->db, &write, why);
}
