#include "db/migrate.h"

#include "base/text.h"
#include "db/sqlite/lock.h"
#include "db/sqlite/poison.h"
#include "db/sqlite/sqlite.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct migration {
    const char *name;
    const char *sql;
    size_t len;
};

#include "migrations.inc"

enum {
    STATE_UMASK = 0027, /* SQLite asks for 0644, and gives the WAL what the database has */
    MIGRATION_COUNT = sizeof migrations / sizeof migrations[0],
    SHA256_BYTES = 32,
    SHA256_HEX_MAX = 2 * SHA256_BYTES + 1,
};

/* These statements run before the schema is known, so they are not among the prepared ones. */
static const char sql_table[] = "CREATE TABLE IF NOT EXISTS migration ("
                                " name       TEXT    NOT NULL PRIMARY KEY,"
                                " sha256     TEXT    NOT NULL,"
                                " applied_at INTEGER NOT NULL"
                                ") STRICT, WITHOUT ROWID";
static const char sql_tables[] =
    "SELECT count(*), coalesce(sum(name = 'migration'), 0) FROM sqlite_schema WHERE type = 'table'";
static const char sql_list[] = "SELECT name, sha256 FROM migration ORDER BY name";
static const char sql_add[] =
    "INSERT INTO migration (name, sha256, applied_at) VALUES (:name, :sha256, :applied_at)";

/* ---- what stands in the database ---- */

static enum fault prepare(struct db *db, const char *sql, sqlite3_stmt **out, struct problem *why)
{
    const int code = sqlite3_prepare_v2(db->sqlite, sql, -1, out, NULL);
    return code == SQLITE_OK ? FAULT_NONE : db_fault(db, code, sql, why);
}

static enum fault digest_of(const struct migration *migration, char out[SHA256_HEX_MAX],
                            struct problem *why)
{
    uint8_t hash[SHA256_BYTES];
    if (EVP_Digest(migration->sql, migration->len, hash, NULL, EVP_sha256(), NULL) != 1)
        return problem_internal(why, "sha256 of migration %s", migration->name);
    text_hex(hash, sizeof hash, out);
    return FAULT_NONE;
}

/* Compares the applied migration at place i, in the order of names, with the program's. */
static enum fault compare(size_t i, const char *name, const char *sha256, struct problem *why)
{
    char expected[SHA256_HEX_MAX];
    if (i >= MIGRATION_COUNT || strcmp(name, migrations[i].name) != 0) {
        return problem_set(why, FAULT_UNAVAILABLE,
                           "the database has migration %s, which this program does not know in "
                           "that place: install the program that applied it, or a newer one",
                           name);
    }
    const enum fault f = digest_of(&migrations[i], expected, why);
    if (!f && strcmp(sha256, expected) != 0) {
        return problem_set(why, FAULT_UNAVAILABLE,
                           "migration %s was changed after it had been applied: install the "
                           "program that applied it",
                           name);
    }
    return f;
}

static enum fault compare_all(struct db *db, size_t *count, struct problem *why)
{
    sqlite3_stmt *list = NULL;
    size_t seen = 0;
    int code = SQLITE_ROW;

    enum fault f = prepare(db, sql_list, &list, why);
    while (!f && code == SQLITE_ROW) {
        code = sqlite3_step(list);
        if (code == SQLITE_ROW) {
            f = compare(seen, (const char *)sqlite3_column_text(list, 0),
                        (const char *)sqlite3_column_text(list, 1), why);
            seen++;
        } else if (code != SQLITE_DONE) {
            f = db_fault(db, code, "list of migrations", why);
        }
    }
    (void)sqlite3_finalize(list);
    if (!f)
        *count = seen;
    return f;
}

/* How many tables there are, and whether ours of migrations is among them. */
static enum fault tables_of(struct db *db, int64_t *tables, bool *ours, struct problem *why)
{
    sqlite3_stmt *stmt = NULL;
    enum fault f = prepare(db, sql_tables, &stmt, why);
    if (f)
        return f;
    const int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        *tables = sqlite3_column_int64(stmt, 0);
        *ours = sqlite3_column_int64(stmt, 1) > 0;
    } else {
        f = db_fault(db, code, "tables", why);
    }
    (void)sqlite3_finalize(stmt);
    return f;
}

/* The number of applied migrations, all of them this program's; 0 for an empty database. */
static enum fault applied_of(struct db *db, size_t *count, struct problem *why)
{
    int64_t tables = 0;
    bool ours = false;
    const enum fault f = tables_of(db, &tables, &ours, why);
    if (f)
        return f;
    if (ours)
        return compare_all(db, count, why);
    if (tables > 0) {
        return problem_set(why, FAULT_UNAVAILABLE,
                           "the state folder holds a database of another program");
    }
    *count = 0;
    return FAULT_NONE;
}

enum fault migrate_verify(struct db *db, struct problem *why)
{
    size_t applied = 0;
    const enum fault f = applied_of(db, &applied, why);
    if (!f && applied < MIGRATION_COUNT) {
        return problem_set(why, FAULT_UNAVAILABLE,
                           "the database lacks migration %s: run `sluice migrate`",
                           migrations[applied].name);
    }
    return f;
}

/* ---- bringing it up ---- */

static enum fault record(struct db *db, const struct migration *migration, int64_t now,
                         struct problem *why)
{
    char sha256[SHA256_HEX_MAX];
    sqlite3_stmt *add = NULL;

    enum fault f = digest_of(migration, sha256, why);
    if (!f)
        f = prepare(db, sql_add, &add, why);
    if (f)
        return f;
    int code = sqlite3_bind_text(add, 1, migration->name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_text(add, 2, sha256, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(add, 3, now);
    if (code == SQLITE_OK)
        code = sqlite3_step(add);
    if (code != SQLITE_DONE)
        f = db_fault(db, code, "record of a migration", why);
    (void)sqlite3_finalize(add);
    return f;
}

static enum fault apply_one(struct db *db, const struct migration *migration, int64_t now,
                            struct problem *why)
{
    const enum fault f = db_exec(db, migration->sql, migration->name, why);
    if (f)
        return f;
    if (sqlite3_get_autocommit(db->sqlite))
        return problem_internal(why, "migration %s ends the transaction", migration->name);
    return record(db, migration, now, why);
}

/* Applies what is missing: all of it or none. */
static enum fault apply_from(struct db *db, size_t first, int64_t now, struct problem *why)
{
    enum fault f = db_exec(db, "BEGIN IMMEDIATE", "begin of migrations", why);
    if (!f)
        f = db_exec(db, sql_table, "table of migrations", why);
    for (size_t i = first; !f && i < MIGRATION_COUNT; i++)
        f = apply_one(db, &migrations[i], now, why);
    if (!f)
        f = db_exec(db, "COMMIT", "commit of migrations", why);
    if (!sqlite3_get_autocommit(db->sqlite))
        (void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    return f;
}

/* Everything into the database file, and the WAL to nothing: what a crash left behind its last
 * whole transaction must not be there when the next writer comes (README.md, "resurrection"). */
static enum fault empty_wal(struct db *db, struct problem *why)
{
    bool complete = false;
    const enum fault f = db_checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE, &complete, why);
    if (!f && !complete) {
        return problem_set(why, FAULT_BUSY,
                           "somebody is reading the database, so its log cannot be emptied: "
                           "close other programs that have it open");
    }
    return f;
}

static enum fault check_integrity(struct db *db, struct problem *why)
{
    sqlite3_stmt *check = NULL;
    enum fault f = prepare(db, "PRAGMA integrity_check(1)", &check, why);
    if (f)
        return f;
    const int code = sqlite3_step(check);
    const char *verdict = code == SQLITE_ROW ? (const char *)sqlite3_column_text(check, 0) : NULL;
    if (code != SQLITE_ROW) {
        f = db_fault(db, code, "integrity_check", why);
    } else if (!verdict || strcmp(verdict, "ok") != 0) {
        f = problem_set(why, FAULT_UNAVAILABLE, "the database is damaged: restore a backup");
        (void)snprintf(why->detail, sizeof why->detail, "integrity_check: %s",
                       verdict ? verdict : "out of memory");
    }
    (void)sqlite3_finalize(check);
    return f;
}

/* After a failed sync nobody's index of the WAL is to be believed, so nobody else may be there. */
static enum fault connect(struct db *db, const char *folder, bool alone, struct problem *why)
{
    struct problem cause = PROBLEM_NONE;
    const enum fault f = db_connect(db, folder, DB_CREATE, alone, &cause);
    if (f == FAULT_BUSY && alone) {
        return problem_set(why, f,
                           "a sync has failed, and the database is still open elsewhere: stop the "
                           "service and other programs that use it, then run this again");
    }
    if (f && why->fault == FAULT_NONE)
        *why = cause;
    return f;
}

/* The checkpoint lacked room.  A database that needs nothing else can be read: what its log holds is
 * made durable, and nobody writes behind it before it has been emptied. */
static enum fault keep_log(struct db *db, size_t applied, struct migrate_report *report,
                           struct problem *why)
{
    if (applied < MIGRATION_COUNT || report->was_poisoned)
        return why->fault;
    *why = PROBLEM_NONE;
    const enum fault f = db_sync(db, why);
    if (f)
        return f;
    report->full = true;
    atomic_store(&db->counters->log_kept, 1);
    return FAULT_NONE;
}

/* All of it under the writers' lock. */
static enum fault bring_up(struct db *db, const char *folder, int64_t now,
                           struct migrate_report *report, struct problem *why)
{
    size_t before = 0;
    report->was_poisoned = poison_present(db->folder, db->counters);

    enum fault f = connect(db, folder, report->was_poisoned, why);
    if (!f && report->was_poisoned)
        f = check_integrity(db, why);
    if (!f)
        f = applied_of(db, &before, why);
    if (!f)
        f = empty_wal(db, why);
    if (f == FAULT_STORAGE_FULL)
        f = keep_log(db, before, report, why);
    if (!f && before < MIGRATION_COUNT)
        f = apply_from(db, before, now, why);
    if (!f && before < MIGRATION_COUNT)
        f = empty_wal(db, why);
    if (!f && fsync(db->folder) != 0)
        f = db_poison(db, "fsync of the state folder", why);
    if (f)
        return f;

    report->before = (int)before;
    report->after = MIGRATION_COUNT;
    report->created = before == 0;
    counters_level(db->counters);
    if (!report->full)
        atomic_store(&db->counters->log_kept, 0);
    return report->was_poisoned ? poison_clear(db->folder, db->counters, why) : FAULT_NONE;
}

/* Whether a file that all processes share is missing beside a database. */
static bool lacks_shared(int folder)
{
    return faccessat(folder, "sluice.db", F_OK, 0) == 0 &&
           (faccessat(folder, "sluice.lock", F_OK, 0) != 0 ||
            faccessat(folder, "sluice.seq", F_OK, 0) != 0);
}

/* Makes them while nobody else has the database open: it stays locked until they are there. */
static enum fault make_shared(const struct db_options *options, struct problem *why)
{
    struct db *guard = NULL;
    struct db *db = NULL;
    enum fault f = db_attach(options, DB_LOOK, &guard, why);
    if (f == FAULT_UNAVAILABLE) { /* there is no folder */
        *why = PROBLEM_NONE;
        return FAULT_NONE;
    }
    if (f || !lacks_shared(guard->folder)) {
        db_detach(guard);
        return f;
    }
    struct problem cause = PROBLEM_NONE;
    f = db_connect(guard, options->folder, DB_CREATE, true, &cause);
    if (f == FAULT_BUSY) {
        f = problem_set(why, f,
                        "sluice.lock or sluice.seq is gone, and the database is still open "
                        "elsewhere: stop the service, then run this again");
    } else if (f && why->fault == FAULT_NONE) {
        *why = cause;
    }
    if (!f)
        f = db_attach(options, DB_CREATE, &db, why);
    db_detach(db);
    db_detach(guard);
    return f;
}

enum fault migrate_run(const char *folder, int64_t lock_wait_ms, int64_t now,
                       struct migrate_report *report, struct problem *why)
{
    const struct db_options options = { .folder = folder, .lock_wait_ms = lock_wait_ms };
    struct db *db = NULL;
    *report = (struct migrate_report){ 0 };

    const mode_t mask = umask(STATE_UMASK);
    enum fault f = make_shared(&options, why);
    if (!f)
        f = db_attach(&options, DB_CREATE, &db, why);
    if (!f)
        f = lock_take(db->lock, lock_wait_ms, why);
    if (!f)
        f = bring_up(db, folder, now, report, why);
    db_detach(db); /* and the lock with it */
    (void)umask(mask);
    return f;
}

enum fault migrate_pending(const char *folder, bool *alone, struct problem *why)
{
    const struct db_options options = { .folder = folder, .read_only = true };
    struct db *db = NULL;
    size_t applied = 0;

    enum fault f = db_attach(&options, DB_LOOK, &db, why);
    if (!f)
        f = db_connect(db, folder, DB_LOOK, false, why);
    if (!f)
        f = applied_of(db, &applied, why);
    if (!f) {
        const struct counters *counters = counters_look(db->folder);
        *alone = applied < MIGRATION_COUNT || lacks_shared(db->folder) || !counters ||
                 poison_present(db->folder, counters);
        counters_close(counters);
    }
    db_detach(db);
    return f;
}

enum fault migrate_check(const char *folder, struct problem *why)
{
    const struct db_options options = { .folder = folder, .read_only = true };
    struct db *db = NULL;

    enum fault f = db_attach(&options, DB_LOOK, &db, why);
    if (!f)
        f = db_connect(db, folder, DB_LOOK, false, why);
    if (!f)
        f = migrate_verify(db, why);
    if (f) {
        db_detach(db);
        return f;
    }
    const struct counters *counters = counters_look(db->folder);
    if (poison_present(db->folder, counters)) {
        f = problem_set(why, FAULT_UNAVAILABLE,
                        "a sync has failed, and nothing is written until all is started anew: "
                        "`sluice migrate` checks the database first");
    } else if (counters && atomic_load(&counters->log_kept) != 0) {
        f = problem_set(
            why, FAULT_STORAGE_FULL,
            "the disk had no room at the start: reads are served, and writes once there "
            "is room");
    }
    counters_close(counters);
    db_detach(db);
    return f;
}

const char *migrate_sqlite_version(const char **defects)
{
    /* README.md describes both.  Where a defect's last release is not known, the library counts
     * as having it. */
    enum { WAL_RESET_FROM = 3007000, WAL_RESET_UP_TO = 3051002, SPILLED_ROLLBACK_GONE = 3054001 };
    const int version = sqlite3_libversion_number();
    const bool reset = version >= WAL_RESET_FROM && version <= WAL_RESET_UP_TO;
    const bool spilled = version < SPILLED_ROLLBACK_GONE;
    if (reset && spilled)
        *defects = "wal-reset, spilled-rollback";
    else if (reset)
        *defects = "wal-reset";
    else
        *defects = spilled ? "spilled-rollback" : "none";
    return sqlite3_libversion();
}
