#include "pinot/configs.h"

#include "base/limits.h"
#include "pinot/names.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const enum pinot_type types[PINOT_TABLES_OF_NAME] = { PINOT_OFFLINE, PINOT_REALTIME };

/* ---- what must be there before ---- */

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
    if (!schema && c->how == CONFIGS_TABLE_CHECK) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid table config: %s. Failed to find schema for table: %s", name,
                           name);
    }
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

static enum fault decide_all(const struct configs *c, const struct pinot_configs_there *there,
                             struct problem *why)
{
    const bool tables = there->tables[0].there || there->tables[1].there;
    if (c->how == CONFIGS_ALL_NEW && (tables || there->schema)) {
        return problem_set(why, FAULT_MALFORMED,
                           "TableConfigs: %s already exists. Use PUT to update existing config",
                           c->raw);
    }
    if (c->how == CONFIGS_ALL_REPLACE && !tables) {
        return problem_set(why, FAULT_MALFORMED,
                           "TableConfigs: %s does not exist. Use POST to create it first.", c->raw);
    }
    return FAULT_NONE;
}

static enum fault decide_existence(const struct configs *c, const struct pinot_configs_there *there,
                                   struct problem *why)
{
    const bool schema = there->schema != NULL;
    enum fault f = decide_all(c, there, why);
    if (!f && c->schema)
        f = decide_schema(c, schema, why);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
        if (c->tables[i])
            f = decide_table(c, c->tables[i]->name, there->tables[i].there, schema || c->schema,
                             why);
    }
    return f;
}

/* ---- what must agree ---- */

/* The controller says it in other words for each way that leads here. */
static enum fault no_time_column(const struct configs *c, size_t at, const char *column,
                                 struct problem *why)
{
    char full[NAME_MAX_BYTES];
    struct problem reason = PROBLEM_NONE;
    table_name_full(c->raw, types[at], full);
    (void)problem_set(
        &reason, FAULT_MALFORMED,
        "Cannot find valid fieldSpec for timeColumn: %s from the table config: %s, in "
        "the schema: %s",
        column, full, c->raw);
    switch (c->how) {
    case CONFIGS_SCHEMA_NEW:
    case CONFIGS_SCHEMA_PUT:
    case CONFIGS_SCHEMA_REPLACE:
    case CONFIGS_SCHEMA_CHECK:
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid schema: %s. Reason: Schema is incompatible with tableConfig "
                           "with name: %s and type: %s, reason: %s",
                           c->raw, full, pinot_type_word(types[at]), reason.text);
    case CONFIGS_TABLE_NEW:
        return problem_set(why, FAULT_MALFORMED, "%s", reason.text);
    case CONFIGS_TABLE_REPLACE:
        return problem_set(why, FAULT_MALFORMED, "Invalid table config: %s with error: %s", full,
                           reason.text);
    case CONFIGS_TABLE_CHECK:
        return problem_set(why, FAULT_MALFORMED, "Invalid table config: %s. %s", full, reason.text);
    case CONFIGS_ALL_NEW:
    case CONFIGS_ALL_CHECK:
        return problem_set(why, FAULT_MALFORMED, "Invalid TableConfigs: %s. %s", c->raw,
                           reason.text);
    case CONFIGS_ALL_REPLACE:
        return problem_set(why, FAULT_MALFORMED, "Invalid TableConfigs: %s. Reason: %s", c->raw,
                           reason.text);
    }
    return problem_internal(why, "a config was refused without a reason");
}

/* Each table's time column, as it will be, is a column of time in the schema as it will be. */
static enum fault check_times(const struct configs *c, const struct pinot_configs_there *there,
                              const struct schema_columns *columns, struct problem *why)
{
    const bool look = c->how != CONFIGS_ALL_CHECK;
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME; i++) {
        const struct pinot_table *table = c->tables[i];
        const char *column = table ? table->time_column : look ? there->tables[i].time_column : "";
        const bool concerned = table || c->schema; /* others are as they were */
        if (concerned && column && column[0] && !schema_columns_has_time(columns, column))
            return no_time_column(c, i, column, why);
    }
    return FAULT_NONE;
}

static enum fault not_compatible(const struct configs *c, const char *details, struct problem *why)
{
    static const char suggestions[] =
        "\n\nSuggestions to fix:"
        "\n1. Ensure all columns from the existing schema are retained in the new schema"
        "\n2. Do not change the data type or field type of existing columns"
        "\n3. Do not change primary key columns"
        "\n4. New columns should be added as optional fields with default values"
        "\n5. If you must make breaking changes, consider creating a new schema version or use "
        "force=true (use with caution)";
    if (c->how == CONFIGS_SCHEMA_REPLACE) {
        return problem_set(why, FAULT_MALFORMED,
                           "Backward incompatible schema %s. Only allow adding new columns:%s",
                           c->raw, details);
    }
    return problem_set(why, FAULT_MALFORMED,
                       "%s%s%sNew schema: %s is not backward-compatible with the existing schema."
                       "\n\nIncompatibility Details:%s%s",
                       c->how == CONFIGS_ALL_REPLACE ? "Failed to update TableConfigs for: " : "",
                       c->how == CONFIGS_ALL_REPLACE ? c->raw : "",
                       c->how == CONFIGS_ALL_REPLACE ? ", " : "", c->raw, details, suggestions);
}

/* A schema of fewer or other columns than the one before would make segments of it unreadable. */
static enum fault check_columns(const struct configs *c, const struct schema_columns *before,
                                struct problem *why)
{
    enum { DETAILS_MAX = 4 * KIB, SHOWN_MAX = 256 };
    struct text details;
    enum fault f = FAULT_NONE;
    text_init(&details, DETAILS_MAX);
    if (!schema_columns_agree(before, &c->schema->columns, &details)) {
        char shown[SHOWN_MAX + sizeof "..."];
        (void)snprintf(shown, sizeof shown, "%.*s%s", SHOWN_MAX, text_string(&details),
                       details.len > SHOWN_MAX || text_failed(&details) ? "..." : "");
        f = not_compatible(c, shown, why);
    }
    text_release(&details);
    return f;
}

static bool needs_schema_before(const struct configs *c, const struct pinot_configs_there *there)
{
    if (!there->schema || c->how == CONFIGS_ALL_CHECK)
        return false;
    if (!c->schema)
        return true; /* of tables alone: for their time columns */
    return !c->force && c->how != CONFIGS_SCHEMA_CHECK &&
           strcmp(there->schema, c->schema->config) != 0;
}

static enum fault decide(void *ctx, const struct pinot_configs_there *there, struct problem *why)
{
    const struct configs *c = ctx;
    struct schema_columns before = { 0 };
    enum fault f = decide_existence(c, there, why);
    const bool need = !f && needs_schema_before(c, there);
    if (need)
        f = schema_columns_read(there->schema, &before, why);
    if (!f)
        f = check_times(c, there, c->schema ? &c->schema->columns : &before, why);
    if (!f && need && c->schema)
        f = check_columns(c, &before, why);
    schema_columns_release(&before);
    return f;
}

enum fault configs_put(struct exchange *x, const struct configs *configs, struct problem *why)
{
    struct configs once = *configs;
    const struct pinot_configs write = {
        .raw = configs->raw,
        .schema = configs->schema ? configs->schema->config : NULL,
        .tables = { configs->tables[0], configs->tables[1] },
        .now = x->now,
        .ctx = &once,
        .decide = decide,
    };
    assert(configs->schema || configs->tables[0] || configs->tables[1]);
    switch (configs->how) {
    case CONFIGS_TABLE_CHECK:
    case CONFIGS_SCHEMA_CHECK:
    case CONFIGS_ALL_CHECK:
        return pinot_store_configs_look(x->db, &write, why);
    case CONFIGS_SCHEMA_NEW:
    case CONFIGS_SCHEMA_PUT:
    case CONFIGS_SCHEMA_REPLACE:
    case CONFIGS_TABLE_NEW:
    case CONFIGS_TABLE_REPLACE:
    case CONFIGS_ALL_NEW:
    case CONFIGS_ALL_REPLACE:
        break;
    }
    return pinot_store_configs_put(x->db, &write, why);
}
