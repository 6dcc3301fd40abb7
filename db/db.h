/*
 * db.h - the one SQLite file: named statements, write transactions under one lock, and the durable
 * commit.  No file outside db/ knows SQL or SQLite.
 *
 * A writer takes the writers' lock (flock on sluice.lock, a fair queue, bounded by lock_wait_ms),
 * begins IMMEDIATE, writes, commits at synchronous=NORMAL, checkpoints when one is due, unlocks,
 * syncs the WAL, looks for the poison mark, and only then lets its caller answer.  A process that
 * fails to sync sets the mark; from then on every writer answers FAULT_UNAVAILABLE until
 * `sluice migrate` has looked at the database.  README.md of this folder tells why.
 *
 * Times are milliseconds UTC and come in as parameters.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct sqlite3_stmt;

struct db_options {
    const char *folder;       /* the state folder: sluice.db and its companions */
    int64_t lock_wait_ms;     /* bound of the wait for the writers' lock */
    int64_t checkpoint_bytes; /* size of the WAL at which a commit checkpoints */
    bool read_only;           /* for verbs that only look; begins are refused */
};

/* Opens the database; statements are prepared at their first use.  FAULT_UNAVAILABLE with a text that names the
 * next step when the schema is older or newer than this program's, or changed.  Does not create:
 * migrate.h does.  The caller owns *out. */
MUST_CHECK enum fault db_open(const struct db_options *options, struct db **out,
                              struct problem *why);

/* Rolls back what is open; never checkpoints.  db may be NULL. */
void db_close(struct db *db);

/* ---- transactions ---- */

/* What a transaction does: reads what its decision rests on and writes.  It may be run again from
 * the start (another store retries whole bodies), so it sets what ctx takes out from the start each
 * time, adds nothing up outside, and touches no file.  A fault takes everything back. */
typedef enum fault (*db_body)(struct db *db, void *ctx, struct problem *why);

/* Runs body as one write transaction, under the writers' lock, and commits it: others see its rows,
 * and the next db_settle() of this connection makes them durable.  The reply path and the verbs
 * settle before they answer, so that several transactions of a request need one sync.  One that
 * changed nothing commits nothing.  The faults of body; FAULT_BUSY after lock_wait_ms;
 * FAULT_UNAVAILABLE when the poison mark is set. */
MUST_CHECK enum fault db_write(struct db *db, db_body body, void *ctx, struct problem *why);

/* Runs body as one read transaction, for answers that need several statements to agree.  Nothing of
 * it is open when this returns. */
MUST_CHECK enum fault db_read(struct db *db, db_body body, void *ctx, struct problem *why);

/* Runs body with the writers' lock held and without a transaction, so that no row changes while it
 * takes away what no row names.  body reads by single statements and writes no row; it is run
 * once.  The faults of body; FAULT_BUSY and FAULT_UNAVAILABLE as above. */
MUST_CHECK enum fault db_hold(struct db *db, db_body body, void *ctx, struct problem *why);

/* named(ctx) is called after each COMMIT that took effect or may have, durable or not: the bytes
 * that its rows name must stay.  One listener a connection. */
void db_when_named(struct db *db, void (*named)(void *ctx), void *ctx);

/* The rest of this section is what db_write() and db_read() are made of.
 *
 * Starts the one deciding transaction of a request.  FAULT_BUSY after lock_wait_ms,
 * FAULT_UNAVAILABLE when the poison mark is set. */
MUST_CHECK enum fault db_begin(struct db *db, struct problem *why);

/* Commits durably, as above.  Whatever it returns, the transaction is over; after a fault
 * db_named() tells whether its rows may exist. */
MUST_CHECK enum fault db_commit(struct db *db, struct problem *why);

/* The same but for the sync: others see the rows, but they are durable only after the next
 * db_settle() or db_commit() of this connection, and until then nothing may be answered that rests
 * on them.  For requests of several transactions, which then need one sync. */
MUST_CHECK enum fault db_commit_unsettled(struct db *db, struct problem *why);

/* Takes the open transaction back, write or read, and the lock off, and ends queries that a fault
 * left in the middle of their rows; does nothing without any. */
void db_rollback(struct db *db);

/* Whether the last transaction's COMMIT took effect or may have, durable or not: then the bytes it
 * names must stay. */
bool db_named(const struct db *db);

/* Starts and ends a read transaction, for answers that need several statements to agree.  Never
 * left open across a reply or a client's read. */
MUST_CHECK enum fault db_read_begin(struct db *db, struct problem *why);
void db_read_end(struct db *db);

/* Makes durable what this connection has read and written since it was last called, whoever
 * committed it.  The reply path calls it before every answer below 500, and verbs before they print
 * what they did; surfaces do not.  Free when a sync of any process has covered it. */
MUST_CHECK enum fault db_settle(struct db *db, struct problem *why);

/* Checkpoints when the WAL holds at least least_bytes and the lock is free right now; for idle
 * workers. */
MUST_CHECK enum fault db_checkpoint_idle(struct db *db, int64_t least_bytes, struct problem *why);

/* Reads every table through and asks every foreign key, each table in a read of its own.  progress
 * is called before each with its name; NULL: nobody listens.  FAULT_UNAVAILABLE when the database is
 * damaged: then nothing may be decided by it. */
MUST_CHECK enum fault db_check(struct db *db, void (*progress)(void *ctx, const char *table),
                               void *ctx, struct problem *why);

/* Bytes of memory that the open transaction's pages take; 0 where a store holds none.  Changed pages
 * stay in memory until the commit. */
int64_t db_cache_bytes(const struct db *db);

/* ---- statements: used by the stores of this folder alone ---- */

enum statement {
#define STATEMENT(name, sql) STMT_##name,
#include "db/statements.def"
#undef STATEMENT
    STATEMENT_COUNT
};

/* A bound statement.  Binding is sticky: the first failure is reported by the step. */
struct query {
    struct db *db;
    struct sqlite3_stmt *stmt;
    int failed;           /* SQLite's code of the first failed binding */
    bool known_durable;   /* see query_known_durable() */
    enum statement which; /* for the log */
};

/* Starts binding; the statement must not be in use (one query of a name at a time). */
struct query query_for(struct db *db, enum statement which);

/* name: ":name" as in the SQL; a name that the statement lacks is our defect.  Texts and blobs are
 * borrowed until the query is done; a NULL text binds NULL. */
void query_text(struct query *q, const char *name, const char *value);
void query_text_n(struct query *q, const char *name, const char *value, size_t len);
void query_int(struct query *q, const char *name, int64_t value);
void query_blob(struct query *q, const char *name, const void *bytes, size_t len);
void query_null(struct query *q, const char *name);

/* For what nobody can have been told of before it was durable (tokens, which their verb prints after
 * the sync): reading it makes no answer wait for the disk. */
void query_known_durable(struct query *q);

/* One step: *row is true when there is a row to read, false at the end (the query is then done).
 * After a fault the query is done, too. */
MUST_CHECK enum fault query_step(struct query *q, bool *row, struct problem *why);

/* Steps to the end and is done; for statements without rows.  changes may be NULL. */
MUST_CHECK enum fault query_run(struct query *q, int64_t *changes, struct problem *why);

/* The number of the row that an INSERT which has run to its end added.  For statements that run for
 * every content: RETURNING makes a table of its own for each row that it returns. */
int64_t query_added(const struct query *q);

/* Columns of the current row, from 0.  Texts are borrowed until the next step; NULL for NULL. */
int64_t query_column_int(const struct query *q, int column);
const char *query_column_text(const struct query *q, int column);
const void *query_column_blob(const struct query *q, int column, size_t *len);
bool query_column_null(const struct query *q, int column);

/* Copies a column's text into out; false when it is NULL or does not fit. */
bool query_column_copy(const struct query *q, int column, char *out, size_t out_max);

/* Resets and clears the bindings; harmless when done already. */
void query_done(struct query *q);

#endif
