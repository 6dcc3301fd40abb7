#include "db/pinot_store_config.h"

#include "db/pinot_store_lineage.h"

#include <string.h>

/* A list is read by pieces of this many names, so that no read stays open for long. */
enum { PIECE = 500 };

static enum fault copy_text(struct arena *arena, const char *text, const char **out,
                            struct problem *why)
{
    *out = NULL;
    if (!text)
        return FAULT_NONE;
    *out = arena_strdup(arena, text, strlen(text));
    return *out ? FAULT_NONE : problem_set(why, FAULT_TOO_LARGE, "the answer is too large");
}

static int64_t optional_int(const struct query *q, int column)
{
    return query_column_null(q, column) ? -1 : query_column_int(q, column);
}

enum table_column {
    TABLE_ID,
    TABLE_NAME,
    TABLE_RAW,
    TABLE_TYPE,
    TABLE_CONFIG,
    TABLE_TIME_COLUMN,
    TABLE_TIME_CHECK,
    TABLE_REPLICATION,
    TABLE_QUOTA_BYTES,
    TABLE_QUOTA_TEXT,
    TABLE_QUOTA_SEGMENTS,
    TABLE_DELETED_KEEP_MS,
    TABLE_SEGMENTS,
    TABLE_BYTES
};

static enum fault table_of(const struct query *q, struct arena *arena, struct pinot_table *out,
                           struct problem *why)
{
    const struct {
        int column;
        const char **to;
    } texts[] = {
        { TABLE_NAME, &out->name },
        { TABLE_RAW, &out->raw },
        { TABLE_TYPE, &out->type },
        { TABLE_CONFIG, &out->config },
        { TABLE_TIME_COLUMN, &out->time_column },
        { TABLE_QUOTA_TEXT, &out->quota_text },
    };
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && !f; i++)
        f = copy_text(arena, query_column_text(q, texts[i].column), texts[i].to, why);
    out->id = query_column_int(q, TABLE_ID);
    out->time_check = query_column_int(q, TABLE_TIME_CHECK) != 0;
    out->replication = query_column_int(q, TABLE_REPLICATION);
    out->quota_bytes = optional_int(q, TABLE_QUOTA_BYTES);
    out->quota_segments = optional_int(q, TABLE_QUOTA_SEGMENTS);
    out->deleted_keep_ms = query_column_int(q, TABLE_DELETED_KEEP_MS);
    out->segments = query_column_int(q, TABLE_SEGMENTS);
    out->bytes = query_column_int(q, TABLE_BYTES);
    return f;
}

enum fault pinot_store_table_get(struct db *db, const char *name, struct arena *arena,
                                 struct pinot_table *out, bool *found, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_TABLE_GET);
    query_text(&q, ":name", name);
    enum fault f = query_step(&q, found, why);
    if (!f && *found)
        f = table_of(&q, arena, out, why);
    query_done(&q);
    return f;
}

static void bind_optional(struct query *q, const char *name, int64_t value)
{
    if (value < 0)
        query_null(q, name);
    else
        query_int(q, name, value);
}

static void bind_table(struct query *q, const struct pinot_table *table, int64_t now)
{
    query_text(q, ":name", table->name);
    query_text(q, ":config", table->config);
    query_text(q, ":time_column", table->time_column);
    query_int(q, ":time_check", table->time_check);
    query_int(q, ":replication", table->replication);
    bind_optional(q, ":quota_bytes", table->quota_bytes);
    query_text(q, ":quota_text", table->quota_text);
    bind_optional(q, ":quota_segments", table->quota_segments);
    query_int(q, ":keep", table->deleted_keep_ms);
    query_int(q, ":now", now);
}

static enum fault table_number(struct db *db, int64_t *number, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_TABLE_NUMBER);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f)
        return f;
    *number = query_column_int(&q, 0);
    query_done(&q);
    return FAULT_NONE;
}

static enum fault table_insert(struct db *db, const struct pinot_table *table, int64_t now,
                               struct problem *why)
{
    int64_t number = 0;
    const enum fault f = table_number(db, &number, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_PINOT_TABLE_ADD);
    bind_table(&q, table, now);
    query_int(&q, ":id", number);
    query_text(&q, ":raw", table->raw);
    query_text(&q, ":type", table->type);
    return query_run(&q, NULL, why);
}

static enum fault table_write(struct db *db, const struct pinot_table *table, bool there,
                              int64_t now, struct problem *why)
{
    if (!there)
        return table_insert(db, table, now, why);
    struct query q = query_for(db, STMT_PINOT_TABLE_UPDATE);
    bind_table(&q, table, now);
    return query_run(&q, NULL, why);
}

static enum fault schema_write(struct db *db, const char *name, const char *config, int64_t now,
                               struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SCHEMA_PUT);
    query_text(&q, ":name", name);
    query_text(&q, ":config", config);
    query_int(&q, ":now", now);
    return query_run(&q, NULL, why);
}

/* ---- a schema and its tables ---- */

/* Looks at the tables of a raw name, of which there are at most two. */
static enum fault tables_there(struct db *db, const char *raw, struct pinot_configs_there *there,
                               struct problem *why)
{
    enum { TYPE = 1, TIME_COLUMN = 2 };
    struct query q = query_for(db, STMT_PINOT_TABLES_OF_RAW);
    query_text(&q, ":raw", raw);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        const size_t at = strcmp(query_column_text(&q, TYPE), "OFFLINE") == 0 ? 0 : 1;
        there->tables[at].there = true;
        (void)query_column_copy(&q, TIME_COLUMN, there->tables[at].time_column, NAME_MAX_BYTES);
        f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault look_and_decide(struct db *db, const struct pinot_configs *configs,
                                  struct pinot_configs_there *there, struct problem *why)
{
    bool row = false;
    enum fault f = tables_there(db, configs->raw, there, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_PINOT_SCHEMA_GET);
    query_text(&q, ":name", configs->raw);
    f = query_step(&q, &row, why);
    if (!f) {
        there->schema = row ? query_column_text(&q, 0) : NULL;
        f = configs->decide(configs->ctx, there, why);
    }
    query_done(&q);
    return f;
}

static enum fault look_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_configs_there there = { .schema = NULL };
    return look_and_decide(db, ctx, &there, why);
}

enum fault pinot_store_configs_look(struct db *db, const struct pinot_configs *configs,
                                    struct problem *why)
{
    struct pinot_configs once = *configs;
    return db_read(db, look_body, &once, why);
}

static enum fault put_body(struct db *db, void *ctx, struct problem *why)
{
    const struct pinot_configs *configs = ctx;
    struct pinot_configs_there there = { .schema = NULL };
    enum fault f = look_and_decide(db, configs, &there, why);
    if (!f && configs->schema)
        f = schema_write(db, configs->raw, configs->schema, configs->now, why);
    for (size_t i = 0; i < PINOT_TABLES_OF_NAME && !f; i++) {
        if (configs->tables[i])
            f = table_write(db, configs->tables[i], there.tables[i].there, configs->now, why);
    }
    return f;
}

enum fault pinot_store_configs_put(struct db *db, const struct pinot_configs *configs,
                                   struct problem *why)
{
    struct pinot_configs once = *configs;
    return db_write(db, put_body, &once, why);
}

/* ---- lists ---- */

/* One piece of a list; last is the name to go on behind, "" at the end. */
static enum fault list_piece(struct db *db, enum statement which, char last[NAME_MAX_BYTES],
                             pinot_name_each each, void *ctx, struct problem *why)
{
    struct query q = query_for(db, which);
    char after[NAME_MAX_BYTES];
    memcpy(after, last, sizeof after);
    query_text(&q, ":after", after);
    query_int(&q, ":limit", PIECE);
    int64_t count = 0;
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        const char *name = query_column_text(&q, 0);
        const char *raw = which == STMT_PINOT_TABLE_LIST ? query_column_text(&q, 1) : name;
        count++;
        (void)strncpy(last, name, NAME_MAX_BYTES - 1);
        f = each(ctx, name, raw, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    if (count < PIECE)
        last[0] = '\0';
    return f;
}

static enum fault list_all(struct db *db, enum statement which, pinot_name_each each, void *ctx,
                           struct problem *why)
{
    char last[NAME_MAX_BYTES] = "";
    enum fault f = FAULT_NONE;
    do {
        f = list_piece(db, which, last, each, ctx, why);
    } while (!f && last[0] != '\0');
    return f;
}

enum fault pinot_store_table_list(struct db *db, pinot_name_each each, void *ctx,
                                  struct problem *why)
{
    return list_all(db, STMT_PINOT_TABLE_LIST, each, ctx, why);
}

enum fault pinot_store_schema_list(struct db *db, pinot_name_each each, void *ctx,
                                   struct problem *why)
{
    return list_all(db, STMT_PINOT_SCHEMA_LIST, each, ctx, why);
}

/* ---- deleting ---- */

static enum fault table_remove(struct db *db, int64_t table, struct problem *why)
{
    struct query unlock = query_for(db, STMT_PINOT_TABLE_UNLOCK);
    query_int(&unlock, ":table", table);
    enum fault f = query_run(&unlock, NULL, why);
    if (!f)
        f = pinot_store_lineage_forget(db, table, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_PINOT_TABLE_DELETE);
    query_int(&q, ":table", table);
    return query_run(&q, NULL, why);
}

struct table_deletion {
    const char *name;
    bool gone;
};

static enum fault table_delete_body(struct db *db, void *ctx, struct problem *why)
{
    struct table_deletion *deletion = ctx;
    struct query q = query_for(db, STMT_PINOT_TABLE_GET);
    bool row = false;
    query_text(&q, ":name", deletion->name);
    deletion->gone = false;
    const enum fault f = query_step(&q, &row, why);
    const int64_t id = !f && row ? query_column_int(&q, TABLE_ID) : 0;
    const int64_t segments = !f && row ? query_column_int(&q, TABLE_SEGMENTS) : 0;
    query_done(&q);
    deletion->gone = !f && segments == 0;
    return deletion->gone && id != 0 ? table_remove(db, id, why) : f;
}

enum fault pinot_store_table_delete(struct db *db, const char *name, bool *gone,
                                    struct problem *why)
{
    struct table_deletion deletion = { .name = name };
    const enum fault f = db_write(db, table_delete_body, &deletion, why);
    *gone = !f && deletion.gone;
    return f;
}

enum fault pinot_store_schema_get(struct db *db, const char *name, struct arena *arena,
                                  const char **config, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SCHEMA_GET);
    query_text(&q, ":name", name);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    if (!f)
        f = copy_text(arena, row ? query_column_text(&q, 0) : NULL, config, why);
    query_done(&q);
    return f;
}

struct schema_deletion {
    const char *name;
    struct pinot_schema_deletion *out;
};

static enum fault schema_delete_body(struct db *db, void *ctx, struct problem *why)
{
    const struct schema_deletion *deletion = ctx;
    struct pinot_schema_deletion *out = deletion->out;
    int64_t changes = 0;
    bool row = false;
    *out = (struct pinot_schema_deletion){ .found = false };
    struct query q = query_for(db, STMT_PINOT_TABLES_OF_RAW);
    query_text(&q, ":raw", deletion->name);
    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        (void)query_column_copy(&q, 0, out->table, sizeof out->table);
    query_done(&q);
    if (f || out->table[0])
        return f;
    struct query drop = query_for(db, STMT_PINOT_SCHEMA_DELETE);
    query_text(&drop, ":name", deletion->name);
    f = query_run(&drop, &changes, why);
    out->found = changes > 0;
    return f;
}

enum fault pinot_store_schema_delete(struct db *db, const char *name,
                                     struct pinot_schema_deletion *out, struct problem *why)
{
    struct schema_deletion deletion = { .name = name, .out = out };
    return db_write(db, schema_delete_body, &deletion, why);
}
