/* A connection: SQLite's codes as faults; the folder, its lock and counters; SQLite with its settings. */
#include "db/sqlite/sqlite.h"

#include "db/sqlite/poison.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE_FILE "sluice.db"
#define LOCK_FILE "sluice.lock"

enum {
    FOLDER_MODE = 0750,
    LOCK_MODE = 0640,
    WAL_FRAME_HEADER = 24, /* bytes; https://www.sqlite.org/fileformat2.html#walformat */
};

#ifdef DB_RUN_TWICE /* the sanitized build: every body of a transaction is run twice */
enum { RUNS = 2 };
#else
enum { RUNS = 1 };
#endif

/* README.md says why each. */
static const char settings[] = "PRAGMA synchronous = NORMAL;"
                               "PRAGMA cache_spill = OFF;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA mmap_size = 0;"
                               "PRAGMA cache_size = -2048;"; /* KiB */

/* ---- faults ---- */

static const char text_refused[] = "the state folder cannot be opened or written";

/* A fault with a text for the client and a detail for the log. */
static enum fault fault_with(struct problem *why, enum fault fault, const char *text,
                             const char *detail)
{
    if (why->fault == FAULT_NONE) {
        (void)problem_set(why, fault, "%s", text);
        (void)snprintf(why->detail, sizeof why->detail, "%s", detail);
    }
    return fault;
}

enum fault db_poison(struct db *db, const char *cause, struct problem *why)
{
    db->failed = true;
    poison_set(db->folder, db->counters);
    return fault_with(why, FAULT_UNAVAILABLE,
                      "the store takes nothing more until it has been restarted", cause);
}

enum fault db_healthy(struct db *db, struct problem *why)
{
    if (!db->failed && !poison_present(db->folder, db->counters))
        return FAULT_NONE;
    return fault_with(
        why, FAULT_UNAVAILABLE, "the store takes nothing more until it has been restarted",
        "a sync has failed: restart the service, `sluice migrate` checks the database");
}

static bool is_full(int code, int system)
{
    if ((code & DB_PRIMARY_CODE) == SQLITE_FULL)
        return true;
    return (code & DB_PRIMARY_CODE) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
}

/* Whether a file system refuses to be written. */
static bool is_read_only(int system)
{
    return system == EROFS || system == EACCES || system == EPERM;
}

bool db_refused(int system)
{
    return system == ENOSPC || system == EDQUOT || is_read_only(system);
}

enum fault db_fault(struct db *db, int code, const char *step, struct problem *why)
{
    const int system = errno; /* sqlite3_system_errno() does not hear of a COMMIT's failure */
    char detail[PROBLEM_DETAIL_MAX];
    (void)snprintf(detail, sizeof detail, "%s: %s (SQLite %d, errno %d)", step,
                   sqlite3_errmsg(db->sqlite), code, system);
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
        return db_poison(db, detail, why);
    if ((code & DB_PRIMARY_CODE) == SQLITE_IOERR && is_read_only(system))
        return fault_with(why, FAULT_UNAVAILABLE, text_refused, detail);
    if (is_full(code, system))
        return fault_with(why, FAULT_STORAGE_FULL, "no space left in the store", detail);

    switch (code & DB_PRIMARY_CODE) { /* the primary code: https://www.sqlite.org/rescode.html */
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return fault_with(why, FAULT_BUSY, "the database is busy, retry later", detail);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return fault_with(why, FAULT_UNAVAILABLE, text_refused, detail);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return problem_internal(why, "the database is damaged, restore a backup: %s", detail);
    default:
        return problem_internal(why, "%s", detail);
    }
}

enum fault db_exec(struct db *db, const char *sql, const char *step, struct problem *why)
{
    errno = 0;
    const int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? FAULT_NONE : db_fault(db, code, step, why);
}

/* ---- opening ---- */

/* A failed system call of opening. */
static enum fault system_fault(struct problem *why, int code, const char *step)
{
    char detail[PROBLEM_DETAIL_MAX];
    if (!is_read_only(code))
        return problem_errno(why, code, step);
    (void)snprintf(detail, sizeof detail, "%s: %s", step, strerror(code));
    return fault_with(why, FAULT_UNAVAILABLE, text_refused, detail);
}

/* Makes the name of a folder that was just made durable.  One whose parent may not be read is for
 * the file system to keep. */
static enum fault parent_sync(int folder, struct problem *why)
{
    const int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0)
        return FAULT_NONE;
    const int code = fsync(parent) == 0 ? 0 : errno;
    (void)close(parent);
    return code == 0 ? FAULT_NONE : problem_errno(why, code, "fsync of the state folder's parent");
}

static enum fault folder_open(const char *path, enum db_access access, int *out,
                              struct problem *why)
{
    const bool made = access == DB_CREATE && mkdir(path, FOLDER_MODE) == 0;
    if (access == DB_CREATE && !made && errno != EEXIST)
        return system_fault(why, errno, "mkdir of the state folder");
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out >= 0)
        return made ? parent_sync(*out, why) : FAULT_NONE;
    if (errno == ENOENT) {
        (void)problem_set(why, FAULT_UNAVAILABLE, "there is no state folder: run `sluice migrate`");
        (void)snprintf(why->detail, sizeof why->detail, "SLUICE_STATE is %s", path);
        return why->fault;
    }
    return problem_errno(why, errno, "open of the state folder");
}

static enum fault lock_open(int folder, enum db_access access, int *out, struct problem *why)
{
    const int create = access == DB_CREATE ? O_CREAT : 0;
    *out = openat(folder, LOCK_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW | create, LOCK_MODE);
    if (*out >= 0)
        return FAULT_NONE;
    if (errno == ENOENT)
        return problem_set(why, FAULT_UNAVAILABLE,
                           "the state folder is not prepared: run `sluice migrate`");
    return system_fault(why, errno, "open of " LOCK_FILE);
}

enum fault db_attach(const struct db_options *options, enum db_access access, struct db **out,
                     struct problem *why)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        (void)problem_internal(why, "out of memory");
        return FAULT_INTERNAL;
    }
    db->folder = -1;
    db->lock = -1;
    db->lock_wait_ms = options->lock_wait_ms;
    db->checkpoint_bytes = options->checkpoint_bytes;
    db->checkpoint_at = options->checkpoint_bytes;
    db->read_only = access == DB_LOOK;
    db->runs = RUNS;

    enum fault f = folder_open(options->folder, access, &db->folder, why);
    if (!f && !db->read_only)
        f = lock_open(db->folder, access, &db->lock, why);
    if (!f && !db->read_only)
        f = counters_open(db->folder, access == DB_CREATE, &db->counters, why);
    if (f)
        db_detach(db);
    else
        *out = db;
    return f;
}

/* SQLite reports here after each commit how many frames the WAL holds; having a hook of our own
 * also takes the automatic checkpoint's place, which would swallow its errors. */
static int on_wal(void *ctx, sqlite3 *sqlite, const char *schema, int frames)
{
    struct db *db = ctx;
    (void)sqlite;
    (void)schema;
    db->wal_bytes = frames * db->frame_bytes;
    return SQLITE_OK;
}

/* There are no threads, so SQLite need not lock around each of its allocations nor count them.
 * Refused, which is harmless, once SQLite is in use: then it has been said before. */
static void sqlite_prepare(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum fault file_open(struct db *db, const char *folder, enum db_access access,
                            struct problem *why)
{
    char path[PATH_MAX];
    const char *here = folder[0] == '/' ? "" : "./"; /* "file:x" would be taken for a URI */
    const int len = snprintf(path, sizeof path, "%s%s/" DATABASE_FILE, here, folder);
    if (len < 0 || (size_t)len >= sizeof path)
        return problem_internal(why, "the state folder's path is too long");

    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= access == DB_LOOK ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= access == DB_CREATE ? SQLITE_OPEN_CREATE : 0;
    sqlite_prepare();
    const int code = sqlite3_open_v2(path, &db->sqlite, flags, NULL);
    if (code == SQLITE_OK)
        return FAULT_NONE;
    if (!db->sqlite)
        return problem_internal(why, "out of memory");
    if ((code & DB_PRIMARY_CODE) == SQLITE_CANTOPEN &&
        faccessat(db->folder, DATABASE_FILE, F_OK, 0) != 0)
        return problem_set(why, FAULT_UNAVAILABLE, "there is no database: run `sluice migrate`");
    return db_fault(db, code, "open", why);
}

/* The settings that are calls. */
static enum fault configure(struct db *db, struct problem *why)
{
    (void)sqlite3_busy_timeout(db->sqlite, DB_BUSY_TIMEOUT_MS);
    int code = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (code != SQLITE_OK)
        return db_fault(db, code, "sqlite3_db_config", why);
    (void)sqlite3_wal_hook(db->sqlite, on_wal, db);
    return FAULT_NONE;
}

/* The one number that a statement without parameters gives. */
static enum fault number_of(struct db *db, const char *sql, int64_t *out, struct problem *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return code == SQLITE_ROW ? FAULT_NONE : db_fault(db, code, sql, why);
}

static enum fault wal_verify(struct db *db, struct problem *why)
{
    int64_t in_wal = 0;
    const enum fault f =
        number_of(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &in_wal, why);
    if (!f && !in_wal)
        return problem_set(why, FAULT_UNAVAILABLE,
                           "the database keeps no write-ahead log: run `sluice migrate`");
    return f;
}

enum fault db_connect(struct db *db, const char *folder, enum db_access access, bool alone,
                      struct problem *why)
{
    int64_t page_bytes = 0;
    int64_t tables = 0;

    enum fault f = file_open(db, folder, access, why);
    if (!f)
        f = configure(db, why);
    if (!f && alone) /* before the first read, or it has no effect on the WAL's index */
        f = db_exec(db, "PRAGMA locking_mode = EXCLUSIVE", "locking_mode", why);
    if (!f)
        f = db_exec(db, settings, "settings", why);
    if (!f)
        f = number_of(db, "SELECT count(*) FROM sqlite_schema", &tables, why);
    if (!f && access == DB_CREATE)
        f = db_exec(db, "PRAGMA journal_mode = WAL", "journal_mode", why);
    if (!f)
        f = wal_verify(db, why);
    if (!f)
        f = number_of(db, "PRAGMA page_size", &page_bytes, why);
    if (!f && !db->read_only && sqlite3_db_readonly(db->sqlite, "main") != 0)
        f = problem_set(why, FAULT_UNAVAILABLE, "%s", text_refused);
    db->frame_bytes = page_bytes + WAL_FRAME_HEADER;
    return f;
}

void db_detach(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(db->statements[i]);
    (void)sqlite3_close(db->sqlite);
    counters_close(db->counters);
    if (db->lock >= 0)
        (void)close(db->lock); /* and with it the lock, if migrate holds it */
    if (db->folder >= 0)
        (void)close(db->folder);
    free(db);
}
