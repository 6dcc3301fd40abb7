#include "pinot/table_configs.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "pinot/config_json.h"
#include "pinot/configs.h"
#include "pinot/names.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/schema_config.h"
#include "pinot/table_config.h"
#include "pinot/tables.h"
#include "json/json.h"

#include <string.h>

static const char *const members[] = { "tableName", "schema", "offline", "realtime", NULL };

/* Where each type's config stands, in the order of struct configs. */
static const struct {
    enum pinot_type type;
    const char *member;
    const char *path;
} sides[PINOT_TABLES_OF_NAME] = { { PINOT_OFFLINE, "offline", "/offline" },
                                  { PINOT_REALTIME, "realtime", "/realtime" } };

/* What a request holds. */
struct request_configs {
    struct table_name name;
    struct schema_config schema;
    struct table_config tables[PINOT_TABLES_OF_NAME];
    bool has[PINOT_TABLES_OF_NAME];
    json_object *unrecognized;
};

/* ---- reading the body ---- */

static enum fault read_name(json_object *body, const char *database, struct request_configs *out,
                            struct problem *why)
{
    const char *given = json_text_of(body, "tableName");
    if (!given || given[0] == '\0')
        return problem_set(why, FAULT_MALFORMED, "'tableName' cannot be empty in TableConfigs");
    const enum fault f = table_name_parse(given, database, &out->name, why);
    if (f || out->name.type == PINOT_NO_TYPE)
        return f;
    return problem_set(why, FAULT_MALFORMED, "Invalid table name: %s. Use raw table name.",
                       out->name.given);
}

/* A part's fault, told as one of the whole. */
static enum fault of_whole(const struct request_configs *configs, enum fault f, struct problem *why)
{
    if (f != FAULT_MALFORMED)
        return f;
    const struct problem cause = *why;
    *why = PROBLEM_NONE;
    return problem_set(why, f, "Invalid TableConfigs: %s. %.768s", configs->name.raw, cause.text);
}

static enum fault read_schema(struct exchange *x, json_object *schema, struct request_configs *out,
                              struct problem *why)
{
    const char *raw = out->name.raw;
    out->schema.unrecognized = out->unrecognized;
    const enum fault f =
        of_whole(out,
                 schema_config_read(schema, "/schema", exchange_header(x, "database"), x->arena,
                                    &out->schema, why),
                 why);
    if (f || strcmp(out->schema.name, raw) == 0)
        return f;
    return problem_set(why, FAULT_MALFORMED,
                       "Invalid TableConfigs: %s. 'tableName': %s must be equal to 'schemaName' "
                       "from 'schema': %s",
                       raw, raw, out->schema.name);
}

static enum fault read_table(struct exchange *x, json_object *config, size_t side,
                             struct request_configs *out, struct problem *why)
{
    const char *raw = out->name.raw;
    struct table_config *table = &out->tables[side];
    table->unrecognized = out->unrecognized;
    const enum fault f =
        of_whole(out,
                 table_config_read(config, sides[side].path, exchange_header(x, "database"),
                                   x->arena, table, why),
                 why);
    if (f)
        return f;
    if (strcmp(table->table.raw, raw) != 0) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid TableConfigs: %s. Name in '%s' table config: %s must be equal "
                           "to 'tableName': %s",
                           raw, sides[side].member, table->table.raw, raw);
    }
    if (strcmp(table->table.type, pinot_type_word(sides[side].type)) != 0) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid TableConfigs: %s. '%s' holds a table of type %s", raw,
                           sides[side].member, table->table.type);
    }
    out->has[side] = true;
    return FAULT_NONE;
}

static enum fault read_members(struct exchange *x, json_object *body, struct request_configs *out,
                               struct problem *why)
{
    json_object *schema = config_json_member(body, "schema");
    json_object *tables[PINOT_TABLES_OF_NAME];
    if (!config_json_take_unknown(body, members, "", out->unrecognized))
        return config_json_no_memory(why);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME; i++)
        tables[i] = config_json_member(body, sides[i].member);
    if (!tables[0] && !tables[1]) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid TableConfigs: %s. Must provide at least one of 'realtime' or "
                           "'offline' table configs for adding TableConfigs: %s",
                           out->name.raw, out->name.raw);
    }
    if (!schema) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid TableConfigs: %s. Must provide 'schema' for adding "
                           "TableConfigs: %s",
                           out->name.raw, out->name.raw);
    }
    enum fault f = read_schema(x, schema, out, why);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
        if (tables[i])
            f = read_table(x, tables[i], i, out, why);
    }
    return f;
}

static enum fault read_body(struct exchange *x, enum right right, struct request_configs *out,
                            struct problem *why)
{
    const char *text = NULL;
    size_t len = 0;
    json_object *body = NULL;
    enum fault f = auth_require(x, right, NULL, why);
    if (!f)
        f = request_config(x, &text, &len, why);
    if (!f)
        f = config_json_parse(text, len, "Invalid TableConfigs. ", &body, why);
    if (!f)
        f = config_json_unknown(x->arena, &out->unrecognized, why);
    if (!f)
        f = read_name(body, exchange_header(x, "database"), out, why);
    if (!f)
        f = auth_require(x, right, out->name.raw, why);
    if (!f)
        f = read_members(x, body, out, why);
    json_object_put(body);
    return f;
}

/* ---- writing ---- */

static enum fault write_all(struct exchange *x, enum configs_write how,
                            const struct request_configs *configs, struct problem *why)
{
    const struct configs write = {
        .how = how,
        .force = request_flag(request_query(x, "forceTableSchemaUpdate"), false),
        .raw = configs->name.raw,
        .schema = &configs->schema,
        .tables = { configs->has[0] ? &configs->tables[0].table : NULL,
                    configs->has[1] ? &configs->tables[1].table : NULL },
    };
    return configs_put(x, &write, why);
}

/* POST /tableConfigs */
enum fault pinot_table_configs_post(struct exchange *x, struct problem *why)
{
    struct request_configs configs = { 0 };
    enum fault f = read_body(x, RIGHT_ADMIN, &configs, why);
    if (!f)
        f = write_all(x, CONFIGS_ALL_NEW, &configs, why);
    if (f)
        return f;
    return pinot_reply_written(
        x, configs.unrecognized,
        arena_printf(x->arena, "TableConfigs %s successfully added", configs.name.raw), why);
}

/* The name that the path has, without a type, and the right to it. */
static enum fault named(struct exchange *x, enum right right, struct table_name *name,
                        struct problem *why)
{
    enum fault f = table_name_parse(exchange_path(x, 0), exchange_header(x, "database"), name, why);
    if (!f)
        f = auth_require(x, right, name->raw, why);
    if (f || name->type == PINOT_NO_TYPE)
        return f;
    return problem_set(why, FAULT_MALFORMED, "Invalid table name: %s. Use raw table name.",
                       name->given);
}

/* PUT /tableConfigs/{table} */
enum fault pinot_table_configs_put(struct exchange *x, struct problem *why)
{
    struct request_configs configs = { 0 };
    struct table_name name;
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    if (!f)
        f = read_body(x, RIGHT_ADMIN, &configs, why);
    if (!f && strcmp(configs.name.raw, name.raw) != 0) {
        f = problem_set(why, FAULT_MALFORMED,
                        "Invalid TableConfigs: %s. Reason: 'tableName' in TableConfigs: %s must "
                        "match provided tableName: %s",
                        name.raw, configs.name.raw, name.raw);
    }
    if (!f)
        f = write_all(x, CONFIGS_ALL_REPLACE, &configs, why);
    if (f)
        return f;
    return pinot_reply_written(
        x, configs.unrecognized,
        arena_printf(x->arena, "TableConfigs updated for %s", configs.name.raw), why);
}

/* ---- telling ---- */

/* {"tableName":..,"schema":..,"offline":..,"realtime":..}, but for its end.  configs: in the order of
 * sides; NULL: none. */
static void add_whole(struct text *out, const char *raw, const char *schema,
                      const char *const configs[PINOT_TABLES_OF_NAME])
{
    text_adds(out, "{\"tableName\":");
    json_quote(out, raw, strlen(raw));
    text_adds(out, ",\"schema\":");
    text_adds(out, schema);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME; i++) {
        if (!configs[i])
            continue;
        text_addf(out, ",\"%s\":", sides[i].member);
        text_adds(out, configs[i]);
    }
}

/* POST /tableConfigs/validate */
enum fault pinot_table_configs_validate(struct exchange *x, struct problem *why)
{
    struct request_configs configs = { 0 };
    const char *tables[PINOT_TABLES_OF_NAME] = { NULL, NULL };
    struct text body;
    enum fault f = read_body(x, RIGHT_READ, &configs, why);
    if (!f)
        f = write_all(x, CONFIGS_ALL_CHECK, &configs, why);
    if (f)
        return f;
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME; i++)
        tables[i] = configs.has[i] ? configs.tables[i].table.config : NULL;
    text_init(&body, JSON_REPLY_MAX);
    add_whole(&body, configs.name.raw, configs.schema.config, tables);
    text_adds(&body, ",\"unrecognizedProperties\":");
    json_write(&body, configs.unrecognized);
    text_addc(&body, '}');
    f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

struct listing {
    struct exchange *x;
    struct text body;
    char last[NAME_MAX_BYTES];
};

static enum fault add_name(void *ctx, const char *name, const char *raw, struct problem *why)
{
    struct listing *list = ctx;
    (void)name;
    (void)why;
    if (strcmp(list->last, raw) == 0 || !tables_listed(list->x, raw))
        return FAULT_NONE;
    text_adds(&list->body, list->last[0] ? "," : "");
    json_quote(&list->body, raw, strlen(raw));
    (void)strncpy(list->last, raw, sizeof list->last - 1);
    return FAULT_NONE;
}

/* GET /tableConfigs: the raw names that the token's scope covers */
enum fault pinot_table_configs_list(struct exchange *x, struct problem *why)
{
    struct listing list = { .x = x };
    text_init(&list.body, JSON_REPLY_MAX);
    text_addc(&list.body, '[');
    enum fault f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f)
        f = pinot_store_table_list(x->db, add_name, &list, why);
    text_addc(&list.body, ']');
    if (!f)
        f = pinot_reply_text(x, &list.body, why);
    text_release(&list.body);
    return f;
}

/* The three configs of a name as one read sees them. */
struct reading {
    struct exchange *x;
    const char *raw;
    const char *schema;
    const char *tables[PINOT_TABLES_OF_NAME];
};

static enum fault read_stored(struct db *db, void *ctx, struct problem *why)
{
    struct reading *r = ctx;
    enum fault f = pinot_store_schema_get(db, r->raw, r->x->arena, &r->schema, why);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
        char full[NAME_MAX_BYTES];
        struct pinot_table table;
        bool found = false;
        table_name_full(r->raw, sides[i].type, full);
        f = pinot_store_table_get(db, full, r->x->arena, &table, &found, why);
        r->tables[i] = !f && found ? table.config : NULL;
    }
    return f;
}

/* GET /tableConfigs/{table} */
enum fault pinot_table_configs_read(struct exchange *x, struct problem *why)
{
    struct table_name name;
    struct text body;
    struct reading r = { .x = x, .raw = name.raw };
    enum fault f = named(x, RIGHT_READ, &name, why);
    if (!f)
        f = db_read(x->db, read_stored, &r, why);
    if (f)
        return f;
    if (!r.schema) {
        return problem_set(why, FAULT_MISSING,
                           "Schema does not exist for table %s Use POST to create it first.",
                           name.raw);
    }
    text_init(&body, JSON_REPLY_MAX);
    add_whole(&body, name.raw, r.schema, r.tables);
    text_addc(&body, '}');
    f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

/* DELETE /tableConfigs/{table} */
enum fault pinot_table_configs_delete(struct exchange *x, struct problem *why)
{
    enum { AS_THE_TABLE_SAYS = -1 };
    struct table_name name;
    struct pinot_schema_deletion schema = { .found = false };
    bool any = false;
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    do { /* a table may come between; it then goes, too */
        for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
            char full[NAME_MAX_BYTES];
            bool found = false;
            table_name_full(name.raw, sides[i].type, full);
            f = tables_remove(x, full, AS_THE_TABLE_SAYS, &found, why);
            any = any || found;
        }
        if (!f)
            f = pinot_store_schema_delete(x->db, name.raw, &schema, why);
    } while (!f && schema.table[0]);
    if (f)
        return f;
    const bool deleted = any || schema.found;
    return pinot_reply_status(
        x,
        arena_printf(
            x->arena, "%s%s%s", deleted ? "Deleted TableConfigs: " : "TableConfigs: ", name.raw,
            deleted ? "" : " don't exist. Invoked delete anyway to clean stale metadata/segments"),
        why);
}
