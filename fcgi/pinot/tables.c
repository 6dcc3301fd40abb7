#include "pinot/tables.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "db/pinot_store_config.h"
#include "db/pinot_store_delete.h"
#include "pinot/configs.h"
#include "pinot/names.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/table_config.h"
#include "json/json.h"

#include <inttypes.h>
#include <string.h>

static const enum pinot_type types[] = { PINOT_OFFLINE, PINOT_REALTIME };

enum { TYPE_COUNT = 2 };

static enum fault named(struct exchange *x, enum right right, struct table_name *name,
                        struct problem *why)
{
    enum fault f = table_name_parse(exchange_path(x, 0), exchange_header(x, "database"), name, why);
    return f ? f : auth_require(x, right, name->raw, why);
}

/* ---- writing ---- */

static enum fault read_config(struct exchange *x, enum right right, struct table_config *config,
                              struct problem *why)
{
    const char *text = NULL;
    size_t len = 0;
    enum fault f = auth_require(x, right, NULL, why);
    if (!f)
        f = request_config(x, &text, &len, why);
    if (!f)
        f = table_config_parse(text, len, exchange_header(x, "database"), x->arena, config, why);
    return f ? f : auth_require(x, right, config->table.raw, why);
}

static enum fault write_table(struct exchange *x, enum configs_write how,
                              const struct pinot_table *table, struct problem *why)
{
    const bool offline = strcmp(table->type, "OFFLINE") == 0;
    const struct configs configs = {
        .how = how,
        .raw = table->raw,
        .tables = { offline ? table : NULL, offline ? NULL : table },
    };
    return configs_put(x, &configs, why);
}

/* POST /tables */
enum fault pinot_tables_post(struct exchange *x, struct problem *why)
{
    struct table_config config = { 0 };
    enum fault f = read_config(x, RIGHT_ADMIN, &config, why);
    if (!f)
        f = write_table(x, CONFIGS_TABLE_NEW, &config.table, why);
    if (f)
        return f;
    return pinot_reply_written(
        x, config.unrecognized,
        arena_printf(x->arena, "Table %s successfully added", config.table.name), why);
}

/* PUT /tables/{table} */
enum fault pinot_table_put(struct exchange *x, struct problem *why)
{
    struct table_config config = { 0 };
    struct table_name name;
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    if (!f)
        f = read_config(x, RIGHT_ADMIN, &config, why);
    if (!f && strcmp(config.table.raw, name.raw) != 0) {
        f = problem_set(why, FAULT_MALFORMED,
                        "Request table %s does not match table name in the body %s", name.given,
                        config.table.name);
    }
    if (!f)
        f = write_table(x, CONFIGS_TABLE_REPLACE, &config.table, why);
    if (f)
        return f;
    return pinot_reply_written(
        x, config.unrecognized,
        arena_printf(x->arena, "Table config updated for %s", config.table.name), why);
}

/* POST /tables/validate: the config as it would be read back */
enum fault pinot_tables_validate(struct exchange *x, struct problem *why)
{
    struct table_config config = { 0 };
    struct text body;
    enum fault f = read_config(x, RIGHT_READ, &config, why);
    if (!f)
        f = write_table(x, CONFIGS_TABLE_CHECK, &config.table, why);
    text_init(&body, JSON_REPLY_MAX);
    if (!f) {
        text_addf(&body, "{\"%s\":", config.table.type);
        text_adds(&body, config.table.config);
        text_adds(&body, ",\"unrecognizedProperties\":");
        json_write(&body, config.unrecognized);
        text_addc(&body, '}');
        f = pinot_reply_text(x, &body, why);
    }
    text_release(&body);
    return f;
}

/* ---- reading ---- */

struct listing {
    struct exchange *x;
    struct text body;
    enum pinot_type type; /* PINOT_NO_TYPE: raw names, each once */
    char last[NAME_MAX_BYTES];
};

/* database NULL: tables without one */
static bool in_database(const char *raw, const char *database)
{
    const char *dot = strchr(raw, '.');
    if (!database)
        return !dot;
    return dot && strlen(database) == (size_t)(dot - raw) &&
           memcmp(raw, database, strlen(database)) == 0;
}

bool tables_listed(const struct exchange *x, const char *raw)
{
    const char *database = exchange_header(x, "database");
    if (database && (database[0] == '\0' || strcmp(database, "default") == 0))
        database = NULL;
    return in_database(raw, database) && auth_scope_matches(x->who->scope, raw);
}

/* Tables come by full name, so the two types of one follow each other. */
static enum fault list_table(void *ctx, const char *name, const char *raw, struct problem *why)
{
    struct listing *list = ctx;
    const char *shown = list->type == PINOT_NO_TYPE ? raw : name;
    (void)why;
    if (strcmp(list->last, shown) == 0 || !tables_listed(list->x, raw))
        return FAULT_NONE;
    if (list->type != PINOT_NO_TYPE &&
        strcmp(name + strlen(raw) + 1, pinot_type_word(list->type)) != 0)
        return FAULT_NONE;
    text_adds(&list->body, list->last[0] ? "," : "");
    json_quote(&list->body, shown, strlen(shown));
    (void)strncpy(list->last, shown, sizeof list->last - 1);
    return FAULT_NONE;
}

/* GET /tables: those that the token's scope covers */
enum fault pinot_tables_list(struct exchange *x, struct problem *why)
{
    struct listing list = { .x = x };
    text_init(&list.body, JSON_REPLY_MAX);
    enum fault f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f)
        f = request_type(x, "type", &list.type, why);
    text_adds(&list.body, "{\"tables\":[");
    if (!f)
        f = pinot_store_table_list(x->db, list_table, &list, why);
    text_adds(&list.body, "]}");
    if (!f)
        f = pinot_reply_text(x, &list.body, why);
    text_release(&list.body);
    return f;
}

/* The configs of the types that are asked for, as members of one object. */
static enum fault add_configs(struct exchange *x, const struct table_name *name,
                              enum pinot_type type, struct text *body, size_t *count,
                              struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < TYPE_COUNT && !f; i++) {
        char full[NAME_MAX_BYTES];
        struct pinot_table table;
        bool found = false;
        if (type != PINOT_NO_TYPE && type != types[i])
            continue;
        table_name_full(name->raw, types[i], full);
        f = pinot_store_table_get(x->db, full, x->arena, &table, &found, why);
        if (f || !found)
            continue;
        text_addf(body, "%s\"%s\":", *count > 0 ? "," : "", table.type);
        text_adds(body, table.config);
        (*count)++;
    }
    return f;
}

/* GET /tables/{table} */
enum fault pinot_table_read(struct exchange *x, struct problem *why)
{
    struct table_name name;
    struct text body;
    enum pinot_type type = PINOT_NO_TYPE;
    char full[NAME_MAX_BYTES];
    size_t count = 0;
    text_init(&body, JSON_REPLY_MAX);
    text_addc(&body, '{');
    enum fault f = named(x, RIGHT_READ, &name, why);
    if (!f)
        f = request_type(x, "type", &type, why);
    if (!f && type == PINOT_NO_TYPE)
        type = name.type;
    if (!f)
        f = add_configs(x, &name, type, &body, &count, why);
    text_addc(&body, '}');
    if (!f && count == 0) {
        table_name_full(name.raw, type, full);
        f = problem_set(why, FAULT_MISSING, "Table %s does not exist",
                        type == PINOT_NO_TYPE ? name.given : full);
    }
    if (!f)
        f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

/* GET /tables/{table}/schema */
enum fault pinot_table_schema(struct exchange *x, struct problem *why)
{
    struct table_name name;
    const char *config = NULL;
    enum fault f = named(x, RIGHT_READ, &name, why);
    if (!f)
        f = pinot_store_schema_get(x->db, name.raw, x->arena, &config, why);
    if (f)
        return f;
    if (!config)
        return problem_set(why, FAULT_MISSING, "Schema not found for table: %s", name.given);
    return exchange_reply(x, PINOT_OK, "application/json", config, strlen(config), why);
}

/* What the segments' rows say of one type, as a member of the answer. */
static enum fault add_size(struct exchange *x, const struct table_name *name, enum pinot_type type,
                           struct text *parts, int64_t *total, bool *any, struct problem *why)
{
    char full[NAME_MAX_BYTES];
    struct pinot_table table;
    bool found = false;
    table_name_full(name->raw, type, full);
    const enum fault f = pinot_store_table_get(x->db, full, x->arena, &table, &found, why);
    if (f)
        return f;
    text_addf(parts, ",\"%s\":", type == PINOT_OFFLINE ? "offlineSegments" : "realtimeSegments");
    if (!found) {
        text_adds(parts, "null");
        return FAULT_NONE;
    }
    *any = true;
    *total += table.bytes;
    text_addf(parts,
              "{\"reportedSizeInBytes\":%" PRId64 ",\"estimatedSizeInBytes\":%" PRId64
              ",\"missingSegments\":0,\"segmentCount\":%" PRId64 "}",
              table.bytes, table.bytes, table.segments);
    return FAULT_NONE;
}

static enum fault send_size(struct exchange *x, const char *raw, const struct text *parts,
                            int64_t total, struct problem *why)
{
    struct text body;
    text_init(&body, JSON_REPLY_MAX);
    text_adds(&body, "{\"tableName\":");
    json_quote(&body, raw, strlen(raw));
    text_addf(&body, ",\"reportedSizeInBytes\":%" PRId64 ",\"estimatedSizeInBytes\":%" PRId64,
              total, total);
    text_add(&body, text_string(parts), parts->len);
    text_addc(&body, '}');
    const enum fault f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

/* GET /tables/{table}/size; no server is asked */
enum fault pinot_table_size(struct exchange *x, struct problem *why)
{
    struct table_name name;
    struct text parts;
    int64_t total = 0;
    bool any = false;
    text_init(&parts, JSON_REPLY_MAX);
    enum fault f = named(x, RIGHT_READ, &name, why);
    for (size_t i = 0; i < TYPE_COUNT && !f; i++)
        f = add_size(x, &name, types[i], &parts, &total, &any, why);
    if (!f && !any)
        f = problem_set(why, FAULT_MISSING, "Table %s not found", name.given);
    if (!f)
        f = send_size(x, name.raw, &parts, total, why);
    text_release(&parts);
    return f;
}

/* ---- deleting ---- */

enum fault tables_remove(struct exchange *x, const char *full, int64_t keep_ms, bool *found,
                         struct problem *why)
{
    struct pinot_deletion segments = { .table = full, .keep_ms = keep_ms, .now = x->now };
    bool gone = false;
    enum fault f = FAULT_NONE;
    *found = false;
    while (!f && !gone) { /* a push may come between the two; it then goes, too */
        f = pinot_store_delete_all(x->db, &segments, why);
        *found = *found || (!f && segments.found);
        if (!f)
            f = pinot_store_table_delete(x->db, full, &gone, why);
    }
    return f;
}

/* DELETE /tables/{table} */
enum fault pinot_tables_delete(struct exchange *x, struct problem *why)
{
    struct table_name name;
    struct text status;
    enum pinot_type type = PINOT_NO_TYPE;
    const char *retention = request_query(x, "retention");
    int64_t keep_ms = -1;
    size_t count = 0;
    text_init(&status, PROBLEM_TEXT_MAX);
    text_adds(&status, "Tables: [");
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    if (!f)
        f = request_type(x, "type", &type, why);
    if (!f && retention && !table_config_period(retention, &keep_ms))
        f = problem_set(why, FAULT_MALFORMED,
                        "Invalid time spec '%.64s' (Valid examples: '3h', '4h30m')", retention);
    for (size_t i = 0; i < TYPE_COUNT && !f; i++) {
        char full[NAME_MAX_BYTES];
        bool found = false;
        const enum pinot_type wanted = type == PINOT_NO_TYPE ? name.type : type;
        if (wanted != PINOT_NO_TYPE && wanted != types[i])
            continue;
        table_name_full(name.raw, types[i], full);
        f = tables_remove(x, full, keep_ms, &found, why);
        if (f || !found)
            continue;
        text_addf(&status, "%s%s", count > 0 ? ", " : "", full);
        count++;
    }
    if (!f && count == 0)
        f = problem_set(why, FAULT_MISSING, "Table '%s' with type %s does not exist", name.given,
                        pinot_type_word(type));
    text_adds(&status, "] deleted");
    if (!f)
        f = pinot_reply_status(x, text_string(&status), why);
    text_release(&status);
    return f;
}
