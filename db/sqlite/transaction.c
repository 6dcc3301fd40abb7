/* One way to run a transaction; commit.c makes it durable. */
#include "db/sqlite/sqlite.h"

/* Commits unless there is nothing to commit, which would cost a sync. */
static enum fault commit_changes(struct db *db, int64_t before, struct problem *why)
{
    if (sqlite3_total_changes64(db->sqlite) == before)
        return FAULT_NONE;
    return db_commit_unsettled(db, why);
}

enum fault db_write(struct db *db, db_body body, void *ctx, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (int run = 1; !f && run <= db->runs; run++) {
        f = db_begin(db, why);
        const int64_t before = sqlite3_total_changes64(db->sqlite);
        if (!f)
            f = body(db, ctx, why);
        if (!f && run == db->runs)
            f = commit_changes(db, before, why);
        db_rollback(db); /* does nothing after a commit */
    }
    return f;
}

enum fault db_read(struct db *db, db_body body, void *ctx, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (int run = 1; !f && run <= db->runs; run++) {
        f = db_read_begin(db, why);
        if (!f)
            f = body(db, ctx, why);
        db_rollback(db);
    }
    return f;
}

void db_when_named(struct db *db, void (*named)(void *ctx), void *ctx)
{
    db->when_named = named;
    db->when_named_ctx = ctx;
}
