/*
 * pinot_store_delete.h - segments are deleted, and their copies kept for a while.
 */
#ifndef DB_PINOT_STORE_DELETE_H
#define DB_PINOT_STORE_DELETE_H

#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which segments of which table.  Texts are borrowed. */
struct pinot_deletion {
    const char *table;        /* full name */
    const char *const *names; /* those that are not there are passed over */
    size_t count;
    int64_t
        keep_ms; /* how long copies are kept; negative, or longer than the table says: as it says */
    int64_t now;
    bool found; /* set: there is such a table */
};

/* Deletes the named segments in one transaction. */
MUST_CHECK enum fault pinot_store_delete_named(struct db *db, struct pinot_deletion *deletion,
                                               struct problem *why);

/* Deletes all segments of the table, by transactions of a bounded size; names are not looked at. */
MUST_CHECK enum fault pinot_store_delete_all(struct db *db, struct pinot_deletion *deletion,
                                             struct problem *why);

/* The same in pieces, inside a write transaction: begun once (deletion->found tells of the table; none:
 * no more), then segment by segment, then ended. */
struct pinot_deleting {
    struct pinot_deletion *deletion;
    int64_t table;
    int64_t keep_ms;
    int64_t segments; /* deleted */
    int64_t bytes;
};
MUST_CHECK enum fault pinot_store_deleting_begin(struct db *db, struct pinot_deleting *deleting,
                                                 struct problem *why);
MUST_CHECK enum fault pinot_store_deleting_one(struct db *db, struct pinot_deleting *deleting,
                                               const char *name, struct problem *why);
MUST_CHECK enum fault pinot_store_deleting_end(struct db *db, const struct pinot_deleting *deleting,
                                               struct problem *why);

/* Lets go of copies of deleted segments whose retention is over, at most a thousand of them; inside
 * a write transaction.  Every delete and every push does it. */
MUST_CHECK enum fault pinot_store_deleted_expire(struct db *db, int64_t now, struct problem *why);

#endif
