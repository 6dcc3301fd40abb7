/*
 * sqlite.h - what the files of this folder share: the connection, the mapping of
 * SQLite's codes, and the way to a healthy disk.  Included within db/sqlite alone.
 */
#ifndef SQLITE_SQLITE_H
#define SQLITE_SQLITE_H

#include "base/problem.h"
#include "db/db.h"
#include "db/sqlite/counters.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#define DB_PRIMARY_CODE 0xFF /* mask of an extended result code: sqlite.org/rescode.html */

/* For people's own writers and for recoveries; our writers queue for the lock. */
enum { DB_BUSY_TIMEOUT_MS = 500 };

/* What the connection is in the middle of. */
enum db_state { DB_IDLE = 0, DB_READING, DB_WRITING, DB_HOLDING };

struct db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct counters *counters; /* shared by all processes; NULL when read_only */
    int folder;                /* descriptor of the state folder */
    int lock;                  /* of sluice.lock; -1 when read_only */
    int64_t lock_wait_ms;
    int64_t checkpoint_bytes;
    int64_t checkpoint_at; /* size of the WAL at which the next checkpoint is tried */
    int64_t wal_bytes;     /* size of the WAL in use after this connection's last commit */
    int64_t frame_bytes;   /* a page and its frame header in the WAL */
    enum db_state state;
    uint64_t rests_on; /* the newest commit that was read or written since the last settle */
    void (*when_named)(void *ctx); /* NULL: nobody listens */
    void *when_named_ctx;
    int runs;    /* of each transaction's body: more than 1 shows that it can be run again */
    bool named;  /* see db_named() */
    bool failed; /* a sync of this process failed: it never writes or syncs again */
    bool read_only;
};

/* How a connection is made. */
enum db_access {
    DB_LOOK,   /* read only; neither lock nor counters */
    DB_WRITE,  /* everything must be there */
    DB_CREATE, /* what is missing is made, as far as the umask lets: folder 0750, files 0640 */
};

/* Opens the folder and, but for DB_LOOK, lock and counters; not yet the database.  *out is owned
 * by the caller and ended by db_detach(). */
MUST_CHECK enum fault db_attach(const struct db_options *options, enum db_access access,
                                struct db **out, struct problem *why);

/* Opens the database itself with every setting of README.md and reads it once, so that the WAL is
 * there.  alone: nobody else may have it open (FAULT_BUSY), and the index of the WAL is built anew
 * from the file, checksum by checksum, in this process's own memory. */
MUST_CHECK enum fault db_connect(struct db *db, const char *folder, enum db_access access,
                                 bool alone, struct problem *why);

/* Closes all that the two have opened; db may be NULL.  A transaction that is open is rolled back. */
void db_detach(struct db *db);

/* FAULT_UNAVAILABLE unless the schema is this program's; defined in migrate.c. */
MUST_CHECK enum fault migrate_verify(struct db *db, struct problem *why);

/* Runs SQL that is no named statement: settings and migrations. */
MUST_CHECK enum fault db_exec(struct db *db, const char *sql, const char *step,
                              struct problem *why);

/* The one place where SQLite's codes become faults.  Called right after the failed call, before
 * which errno was 0: lack of space may come as an I/O error.  step names what was done, for the log.
 * A failed sync inside SQLite sets the poison mark. */
enum fault db_fault(struct db *db, int code, const char *step, struct problem *why);

/* Whether an errno says that the disk refused the bytes and has none of them: no room, or no writing. */
bool db_refused(int system);

/* FAULT_UNAVAILABLE once a sync has failed, here or in any process. */
MUST_CHECK enum fault db_healthy(struct db *db, struct problem *why);

/* The end of this process's writing: remembers it, sets the poison mark, FAULT_UNAVAILABLE.
 * cause is for the log. */
enum fault db_poison(struct db *db, const char *cause, struct problem *why);

/* What this connection has read up to now may be as new as the last commit that was begun. */
void db_rest_on_begun(struct db *db);

/* Syncs the WAL and counts what that made durable; a failure ends this process's writing. */
MUST_CHECK enum fault db_sync(struct db *db, struct problem *why);

/* Checkpoints; the caller holds the lock and has no transaction.  mode: SQLITE_CHECKPOINT_...;
 * *complete is true when the whole WAL is in the database and both are durable.  A reader in the
 * way is no fault. */
MUST_CHECK enum fault db_checkpoint(struct db *db, int mode, bool *complete, struct problem *why);

/* Empties the WAL that a start had no room to empty, before anything is written behind what a crash
 * may have left in it; FAULT_STORAGE_FULL while there is no room.  The caller holds the lock. */
MUST_CHECK enum fault db_empty_kept_log(struct db *db, struct problem *why);

/* Ends every statement that a fault left in the middle of its rows: it would hold a read
 * transaction open. */
void db_reset_statements(struct db *db);

/* A statement, prepared at its first use and kept: most workers use few of them, and each takes
 * memory.  SQLite's code; *out is NULL when it cannot be prepared. */
int db_statement(struct db *db, enum statement which, sqlite3_stmt **out);

/* The program's statement texts and names, by enum statement. */
const char *db_statement_sql(enum statement which);
const char *db_statement_name(enum statement which);

#endif
