#include "db/pinot_table_store.h"

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

enum fault pinot_table_get(struct db *db, const char *name, struct arena *arena,
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

static enum fault exists(struct db *db, enum statement which, const char *name, bool *found,
                         struct problem *why)
{
    struct query q = query_for(db, which);
    query_text(&q, ":name", name);
    const enum fault f = query_step(&q, found, why);
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

enum fault pinot_table_add(struct db *db, const struct pinot_table *table, int64_t now,
                           struct problem *why)
{
    bool known = false;
    bool schema = false;
    enum fault f = db_begin(db, why);
    if (!f)
        f = exists(db, STMT_PINOT_SCHEMA_GET, table->raw, &schema, why);
    if (!f)
        f = exists(db, STMT_PINOT_TABLE_GET, table->name, &known, why);
    if (!f && !schema)
        f = problem_set(why, FAULT_MALFORMED, "Failed to find schema for table: %s", table->name);
    if (!f && known) {
        f = problem_set(why, FAULT_CONFLICT,
                        "Table config for %s already exists. If this is unexpected, try deleting "
                        "the table to remove all metadata associated with it before attempting to "
                        "recreate.",
                        table->name);
    }
    if (!f)
        f = table_insert(db, table, now, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db); /* does nothing after a commit */
    return f;
}

enum fault pinot_table_update(struct db *db, const struct pinot_table *table, int64_t now,
                              struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f) {
        struct query q = query_for(db, STMT_PINOT_TABLE_UPDATE);
        bind_table(&q, table, now);
        f = query_run(&q, &changes, why);
    }
    if (!f && changes == 0)
        f = problem_set(why, FAULT_MISSING, "Table %s does not exist", table->name);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

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

enum fault pinot_table_list(struct db *db, pinot_name_each each, void *ctx, struct problem *why)
{
    return list_all(db, STMT_PINOT_TABLE_LIST, each, ctx, why);
}

enum fault pinot_schema_list(struct db *db, pinot_name_each each, void *ctx, struct problem *why)
{
    return list_all(db, STMT_PINOT_SCHEMA_LIST, each, ctx, why);
}

static enum fault table_remove(struct db *db, int64_t table, struct problem *why)
{
    struct query unlock = query_for(db, STMT_PINOT_TABLE_UNLOCK);
    query_int(&unlock, ":table", table);
    enum fault f = query_run(&unlock, NULL, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_PINOT_TABLE_DELETE);
    query_int(&q, ":table", table);
    return query_run(&q, NULL, why);
}

enum fault pinot_table_delete(struct db *db, const char *name, bool *gone, struct problem *why)
{
    int64_t id = 0;
    int64_t segments = 0;
    enum fault f = db_begin(db, why);
    if (!f) {
        struct query q = query_for(db, STMT_PINOT_TABLE_GET);
        bool row = false;
        query_text(&q, ":name", name);
        f = query_step(&q, &row, why);
        id = !f && row ? query_column_int(&q, TABLE_ID) : 0;
        segments = !f && row ? query_column_int(&q, TABLE_SEGMENTS) : 0;
        query_done(&q);
    }
    *gone = !f && segments == 0;
    if (*gone && id != 0)
        f = table_remove(db, id, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
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

enum fault pinot_schema_put(struct db *db, const char *name, const char *config, bool override,
                            bool must_exist, int64_t now, struct problem *why)
{
    bool known = false;
    enum fault f = db_begin(db, why);
    if (!f)
        f = exists(db, STMT_PINOT_SCHEMA_GET, name, &known, why);
    if (!f && known && !override)
        f = problem_set(why, FAULT_CONFLICT, "Schema: %s already exists", name);
    if (!f && !known && must_exist)
        f = problem_set(why, FAULT_MISSING, "Cannot find schema: %s", name);
    if (!f)
        f = schema_write(db, name, config, now, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

enum fault pinot_schema_get(struct db *db, const char *name, struct arena *arena,
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

static enum fault schema_unused(struct db *db, const char *name, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_TABLE_OF_SCHEMA);
    query_text(&q, ":raw", name);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        f = problem_set(why, FAULT_CONFLICT,
                        "Cannot delete schema %s, as it is associated with table %s", name,
                        query_column_text(&q, 0));
    }
    query_done(&q);
    return f;
}

enum fault pinot_schema_delete(struct db *db, const char *name, struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = schema_unused(db, name, why);
    if (!f) {
        struct query q = query_for(db, STMT_PINOT_SCHEMA_DELETE);
        query_text(&q, ":name", name);
        f = query_run(&q, &changes, why);
    }
    if (!f && changes == 0)
        f = problem_set(why, FAULT_MISSING, "Schema %s not found", name);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}
