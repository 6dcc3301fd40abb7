/*
 * blob_rows.h - the rows that say where contents lie: what the stores add, and what the sweeper of
 * the blob store asks (main.c puts the two together; db/ does not know blob/).
 *
 * A row of a surface names a content by a foreign key to a row here, so a content that is named
 * cannot be forgotten, whatever the sweeper believes.
 */
#ifndef DB_BLOB_ROWS_H
#define DB_BLOB_ROWS_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/blob_names.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

/* Adds the row of a durable content; *blob is its number, for a row that names it in the same write
 * transaction. */
MUST_CHECK enum fault blob_rows_add(struct db *db, const struct blob_ref *ref, int64_t *blob,
                                    struct problem *why);

/* Where a content lies and what it is, by the current row's columns file, start, bytes and digest,
 * of which file is first. */
struct blob_ref blob_rows_ref(const struct query *q, int first);

/* Sets the digest of a content that was not known when its row was added; inside a write
 * transaction. */
MUST_CHECK enum fault blob_rows_digest(struct db *db, int64_t blob,
                                       const uint8_t digest[BLOB_DIGEST_BYTES],
                                       struct problem *why);

/* *found is false when there is no such row. */
MUST_CHECK enum fault blob_rows_get(struct db *db, int64_t blob, struct blob_ref *out, bool *found,
                                    struct problem *why);

/* Calls each(arg, ref) once for every content that rows place in file, by ascending start.  only:
 * of the contents that it has; NULL: of all.  each must not call this again. */
MUST_CHECK enum fault blob_rows_contents(struct db *db, int64_t file, const struct blob_names *only,
                                         enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                            struct problem *why),
                                         void *arg, struct problem *why);

/* Calls each(arg, ref) for every row, in any order, by a walk through the table in one read. */
MUST_CHECK enum fault blob_rows_walk(struct db *db, const struct blob_names *only,
                                     enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                        struct problem *why),
                                     void *arg, struct problem *why);

/* Rows that place a content at from place it at to, which has from's length; *rows: how many.
 * Inside a write transaction.  No such row is no fault: it was forgotten meanwhile. */
MUST_CHECK enum fault blob_rows_move(struct db *db, const struct blob_ref *from,
                                     const struct blob_ref *to, int64_t *rows, struct problem *why);

enum { BLOB_ROWS_PIECE = 1000 }; /* rows that one transaction forgets at most */

/* One bounded piece of the way through all rows. */
struct blob_rows_piece {
    const struct blob_names *names;
    int64_t most;      /* rows to look at, up to BLOB_ROWS_PIECE */
    bool count_only;   /* write nothing */
    int64_t after;     /* in: the last row looked at so far, 0 to begin; out: the same after it */
    int64_t looked_at; /* rows of this piece; 0: the end was reached before it */
    int64_t
        forgotten; /* of them, deleted (or to be deleted) since no row of a surface names them */
};

/* Looks at the next rows and deletes those that neither names nor the indexes of today call named;
 * in one short transaction. */
MUST_CHECK enum fault blob_rows_forget(struct db *db, struct blob_rows_piece *piece,
                                       struct problem *why);

#endif
