/* Transactions, the durable commit, and checkpoints.  README.md tells the reasons. */
#include "db/sqlite/sqlite.h"

#include "db/sqlite/lock.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

/* After a checkpoint that a reader kept from completing, the next is tried when the WAL has grown
 * by this part of checkpoint_bytes. */
enum { CHECKPOINT_RETRY_PART = 4 };

/* Leaves errno as the step left it. */
static int step_once(struct db *db, enum statement which)
{
    sqlite3_stmt *stmt = NULL;
    errno = 0;
    int code = db_statement(db, which, &stmt);
    if (code != SQLITE_OK)
        return code;
    code = sqlite3_step(stmt);
    const int system = errno;
    (void)sqlite3_reset(stmt);
    errno = system;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- the WAL and the disk ---- */

/* The WAL's file as SQLite has it open; NULL before the first read. */
static sqlite3_file *wal_file(struct db *db)
{
    sqlite3_file *file = NULL;
    const int code =
        sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, (void *)&file);
    return code == SQLITE_OK && file && file->pMethods ? file : NULL;
}

static enum fault wal_sync(struct db *db, struct problem *why)
{
    sqlite3_file *file = wal_file(db);
    if (!file)
        return problem_internal(why, "sync: the log is not open");
    const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
    if (code == SQLITE_OK)
        return FAULT_NONE;
    char cause[PROBLEM_DETAIL_MAX];
    (void)snprintf(cause, sizeof cause, "sync of the log (SQLite %d, errno %d)", code, errno);
    return db_poison(db, cause, why);
}

enum fault db_sync(struct db *db, struct problem *why)
{
    const uint64_t committed = db->counters ? atomic_load(&db->counters->committed) : 0;
    enum fault f = wal_sync(db, why);
    if (!f)
        f = db_healthy(db, why); /* or another's failure made this sync look good */
    if (!f && db->counters)
        counters_settle(db->counters, committed);
    return f;
}

/* Makes the commits up to number durable unless they are.  What was counted as durable before a sync
 * failed is durable after it, so answers that rest on nothing newer go on. */
static enum fault settle_to(struct db *db, uint64_t number, struct problem *why)
{
    if (db->counters && atomic_load(&db->counters->durable) >= number)
        return FAULT_NONE;
    const enum fault f = db_healthy(db, why); /* a process that failed must not sync again */
    return f ? f : db_sync(db, why);
}

/* A number that is begun before its COMMIT and looked at after the read covers whatever was read,
 * also the row of a writer that was killed before it could say that it had committed. */
void db_rest_on_begun(struct db *db)
{
    const uint64_t begun = db->counters ? atomic_load(&db->counters->begun) : 0;
    if (begun > db->rests_on)
        db->rests_on = begun;
}

enum fault db_settle(struct db *db, struct problem *why)
{
    if (db->rests_on == 0)
        return FAULT_NONE;
    const enum fault f = settle_to(db, db->rests_on, why);
    if (!f)
        db->rests_on = 0;
    return f;
}

/* A checkpoint's failures: lack of space or memory, and a disk that refuses to be written, leave the
 * WAL as it was, to be tried again, and spoil no answer.  Any other may have cost pages that the
 * kernel will not tell of a second time, as a failed sync does. */
static enum fault checkpoint_fault(struct db *db, int code, struct problem *why)
{
    const int system = errno;
    const int primary = code & DB_PRIMARY_CODE;
    struct problem cause = PROBLEM_NONE;
    enum fault f = FAULT_NONE;
    if (code == SQLITE_IOERR_FSYNC && db_refused(system)) {
        /* The database's own: the WAL's was synced before.  README.md says why this is harmless. */
        f = problem_errno(&cause, system, "checkpoint: sync of the database");
    } else {
        errno = system;
        f = db_fault(db, code, "checkpoint", &cause);
    }
    const bool harmless = f == FAULT_STORAGE_FULL || db_refused(system) ||
                          primary == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM;
    if (!harmless)
        return db_poison(db, cause.detail, why);
    if (why->fault == FAULT_NONE)
        *why = cause;
    return f;
}

enum fault db_checkpoint(struct db *db, int mode, bool *complete, struct problem *why)
{
    int in_wal = -1;
    int in_database = -1;
    *complete = false;
    if (wal_file(db)) { /* so that a failed sync inside the checkpoint is the database's */
        const enum fault f = wal_sync(db, why);
        if (f)
            return f;
    }
    errno = 0;
    const int code = sqlite3_wal_checkpoint_v2(db->sqlite, "main", mode, &in_wal, &in_database);
    const int primary = code & DB_PRIMARY_CODE;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        return FAULT_NONE;
    if (code != SQLITE_OK)
        return checkpoint_fault(db, code, why);
    *complete = in_wal >= 0 && in_wal == in_database;
    return FAULT_NONE;
}

/* Checkpoints when the WAL has grown enough.  The commit before it stands whatever comes: only a
 * failure after which no sync can be believed is the caller's. */
static enum fault checkpoint_due(struct db *db, uint64_t number, struct problem *why)
{
    if (db->wal_bytes < db->checkpoint_bytes)
        db->checkpoint_at = db->checkpoint_bytes; /* somebody began the WAL anew */
    if (db->wal_bytes < db->checkpoint_at)
        return FAULT_NONE;

    bool complete = false;
    struct problem cause = PROBLEM_NONE;
    const enum fault f = db_checkpoint(db, SQLITE_CHECKPOINT_PASSIVE, &complete, &cause);
    if (complete)
        counters_settle(db->counters, number);
    else
        db->checkpoint_at = db->wal_bytes + db->checkpoint_bytes / CHECKPOINT_RETRY_PART;
    if (!db->failed)
        return FAULT_NONE;
    if (why->fault == FAULT_NONE)
        *why = cause;
    return f;
}

enum fault db_checkpoint_idle(struct db *db, int64_t least_bytes, struct problem *why)
{
    sqlite3_int64 size = 0;
    sqlite3_file *file = wal_file(db);
    if (db->state != DB_IDLE || db->read_only || !file)
        return FAULT_NONE;
    if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size < least_bytes || size == 0)
        return FAULT_NONE;
    if (!lock_try(db->lock))
        return FAULT_NONE;

    bool complete = false;
    const uint64_t number = atomic_load(&db->counters->begun);
    enum fault f = db_healthy(db, why);
    (void)sqlite3_busy_timeout(db->sqlite, 0); /* writers must not wait for a reader */
    if (!f)
        f = db_checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, &complete, why);
    (void)sqlite3_busy_timeout(db->sqlite, DB_BUSY_TIMEOUT_MS);
    if (complete)
        counters_settle(db->counters, number);
    lock_release(db->lock);
    return f;
}

enum fault db_empty_kept_log(struct db *db, struct problem *why)
{
    if (atomic_load(&db->counters->log_kept) == 0)
        return FAULT_NONE;
    bool complete = false;
    enum fault f = db_checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, &complete, why);
    if (!f && !complete)
        f = problem_set(why, FAULT_BUSY, "the database is busy, retry later");
    if (!f) {
        counters_level(db->counters);
        atomic_store(&db->counters->log_kept, 0);
    }
    return f;
}

/* ---- transactions ---- */

/* Ends the write transaction in whatever state it is. */
static void write_end(struct db *db)
{
    db_reset_statements(db);
    if (!sqlite3_get_autocommit(db->sqlite)) /* a failed statement may have ended it already */
        (void)step_once(db, STMT_ROLLBACK);
    lock_release(db->lock);
    db->state = DB_IDLE;
}

enum fault db_begin(struct db *db, struct problem *why)
{
    assert(db->state == DB_IDLE);
    if (db->read_only)
        return problem_internal(why, "a write on a connection that only looks");
    db->named = false;

    enum fault f = db_healthy(db, why); /* no waiting for what would be refused */
    if (!f)
        f = lock_take(db->lock, db->lock_wait_ms, why);
    if (f)
        return f;
    db->state = DB_WRITING;
    f = db_healthy(db, why);
    if (!f)
        f = db_empty_kept_log(db, why);
    if (!f) {
        const int code = step_once(db, STMT_BEGIN_WRITE);
        if (code != SQLITE_OK)
            f = db_fault(db, code, "begin", why);
    }
    if (f)
        write_end(db);
    return f;
}

enum fault db_hold(struct db *db, db_body body, void *ctx, struct problem *why)
{
    assert(db->state == DB_IDLE);
    if (db->read_only)
        return problem_internal(why, "the writers' lock on a connection that only looks");
    enum fault f = db_healthy(db, why);
    if (!f)
        f = lock_take(db->lock, db->lock_wait_ms, why);
    if (f)
        return f;
    db->state = DB_HOLDING;
    f = db_healthy(db, why);
    if (!f)
        f = body(db, ctx, why);
    db_reset_statements(db);
    db->state = DB_IDLE;
    lock_release(db->lock);
    return f;
}

/* Whether COMMIT failed before a frame that could count as the commit was written whole: then not
 * even a crash can bring the transaction back.  The frame that says so is the last that COMMIT
 * writes, so a write that was refused is that one's or an earlier one's. */
static bool surely_undone(int code, int system)
{
    const int primary = code & DB_PRIMARY_CODE;
    return primary == SQLITE_FULL || primary == SQLITE_BUSY || primary == SQLITE_CONSTRAINT ||
           (code == SQLITE_IOERR_WRITE && db_refused(system));
}

/* COMMIT and its number, under the lock. */
static enum fault commit_rows(struct db *db, uint64_t *number, struct problem *why)
{
    db_reset_statements(db);
    if (sqlite3_get_autocommit(db->sqlite))
        return problem_internal(why, "commit: a failed statement has ended the transaction");
    *number = counters_begin(db->counters);
    const int code = step_once(db, STMT_COMMIT);
    const int system = errno;
    counters_commit(db->counters, *number);
    db->named = !surely_undone(code, system);
    db->rests_on = *number; /* what it has read is older */
    if (!db->named)
        counters_void(db->counters, *number);
    else if (db->when_named)
        db->when_named(db->when_named_ctx);
    errno = system;
    return code == SQLITE_OK ? FAULT_NONE : db_fault(db, code, "commit", why);
}

/* COMMIT and what follows under the lock, which ends with it. */
static enum fault commit_visible(struct db *db, uint64_t *number, struct problem *why)
{
    assert(db->state == DB_WRITING);
    enum fault f = commit_rows(db, number, why);
    if (!f)
        f = checkpoint_due(db, *number, why);
    write_end(db);
    return f;
}

enum fault db_commit(struct db *db, struct problem *why)
{
    uint64_t number = 0;
    const enum fault f = commit_visible(db, &number, why);
    return f ? f : settle_to(db, number, why);
}

enum fault db_commit_unsettled(struct db *db, struct problem *why)
{
    uint64_t number = 0;
    return commit_visible(db, &number, why);
}

void db_rollback(struct db *db)
{
    db_reset_statements(db); /* also what a fault outside of a transaction has left */
    if (db->state == DB_WRITING)
        write_end(db);
    db_read_end(db);
}

bool db_named(const struct db *db)
{
    return db->named;
}

enum fault db_read_begin(struct db *db, struct problem *why)
{
    assert(db->state == DB_IDLE);
    const int code = step_once(db, STMT_BEGIN_READ);
    if (code != SQLITE_OK)
        return db_fault(db, code, "begin of a read", why);
    db->state = DB_READING;
    return FAULT_NONE;
}

void db_read_end(struct db *db)
{
    if (db->state != DB_READING)
        return;
    db_reset_statements(db);
    if (!sqlite3_get_autocommit(db->sqlite))
        (void)step_once(db, STMT_ROLLBACK);
    db->state = DB_IDLE;
}
