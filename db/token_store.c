#include "db/token_store.h"

#include <string.h>

static bool copy_hash(const struct query *q, int column, uint8_t out[TOKEN_HASH_BYTES])
{
    size_t len = 0;
    const void *hash = query_column_blob(q, column, &len);
    if (!hash || len != TOKEN_HASH_BYTES)
        return false;
    memcpy(out, hash, TOKEN_HASH_BYTES);
    return true;
}

/* The current row of TOKEN_GET or TOKEN_LIST. */
static enum fault read_row(const struct query *q, struct token_row *out, struct problem *why)
{
    enum { ID, NAME, HASH, RIGHTS, SCOPE, CREATED_AT, EXPIRES_AT };
    struct token_row row = { .created_at = query_column_int(q, CREATED_AT),
                             .expires_at = query_column_int(q, EXPIRES_AT) };
    if (!query_column_copy(q, ID, row.id, sizeof row.id) ||
        !query_column_copy(q, NAME, row.name, sizeof row.name) || !copy_hash(q, HASH, row.hash) ||
        !query_column_copy(q, RIGHTS, row.rights, sizeof row.rights) ||
        !query_column_copy(q, SCOPE, row.scope, sizeof row.scope))
        return problem_internal(why, "a row of the table token does not fit");
    *out = row;
    return FAULT_NONE;
}

/* What is known of a token is durable, whoever wrote it: token_store_get() relies on it. */
static enum fault settled(struct db *db, enum fault f, struct problem *why)
{
    struct problem cause = PROBLEM_NONE;
    if (f && f != FAULT_CONFLICT && f != FAULT_MISSING)
        return f;
    const enum fault unsettled = db_settle(db, &cause);
    if (!unsettled)
        return f;
    *why = cause;
    return unsettled;
}

static enum fault add(struct db *db, void *ctx, struct problem *why)
{
    const struct token_row *row = ctx;
    int64_t added = 0;
    struct query q = query_for(db, STMT_TOKEN_ADD);
    query_text(&q, ":id", row->id);
    query_text(&q, ":name", row->name);
    query_blob(&q, ":hash", row->hash, sizeof row->hash);
    query_text(&q, ":rights", row->rights);
    query_text(&q, ":scope", row->scope);
    query_int(&q, ":created_at", row->created_at);
    query_int(&q, ":expires_at", row->expires_at);
    const enum fault f = query_run(&q, &added, why);
    if (!f && added == 0)
        return problem_set(why, FAULT_CONFLICT, "a token named %s exists", row->name);
    return f;
}

enum fault token_store_add(struct db *db, const struct token_row *row, struct problem *why)
{
    struct token_row copy = *row;
    return settled(db, db_write(db, add, &copy, why), why);
}

enum fault token_store_get(struct db *db, const char *id, struct token_row *out, bool *found,
                           struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_TOKEN_GET);
    query_known_durable(&q);
    query_text(&q, ":id", id);

    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = read_row(&q, out, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault token_store_list(struct db *db,
                            enum fault (*each)(void *ctx, const struct token_row *row,
                                               struct problem *why),
                            void *ctx, struct problem *why)
{
    struct query q = query_for(db, STMT_TOKEN_LIST);
    struct token_row token;
    bool row = false;

    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        f = read_row(&q, &token, why);
        if (!f)
            f = each(ctx, &token, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault revoke(struct db *db, void *ctx, struct problem *why)
{
    const char *const *name = ctx;
    int64_t removed = 0;
    struct query q = query_for(db, STMT_TOKEN_REVOKE);
    query_text(&q, ":name", *name);
    const enum fault f = query_run(&q, &removed, why);
    if (!f && removed == 0)
        return problem_set(why, FAULT_MISSING, "there is no token named %s", *name);
    return f;
}

enum fault token_store_revoke(struct db *db, const char *name, struct problem *why)
{
    return settled(db, db_write(db, revoke, &name, why), why);
}
