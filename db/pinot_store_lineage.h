/*
 * pinot_store_lineage.h - segments that replace others: entries that are begun, ended or reverted,
 * each in one transaction, and what they hide.
 *
 * While an entry is IN_PROGRESS, and after it was REVERTED, its replacing segments are hidden; once
 * it is COMPLETED, those that they have replaced are.  A refusal is told as a fact and is no fault.
 */
#ifndef DB_PINOT_STORE_LINEAGE_H
#define DB_PINOT_STORE_LINEAGE_H

#include "base/limits.h"
#include "base/problem.h"
#include "base/text.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PINOT_ENTRY_MAX = 40 /* bytes of an entry's id with the NUL */ };

/* Why a call was refused. */
enum pinot_lineage_refused {
    PINOT_LINEAGE_DONE = 0,
    PINOT_LINEAGE_NO_TABLE,
    PINOT_LINEAGE_NO_ENTRY,
    PINOT_LINEAGE_STATE,       /* the entry's state does not allow it */
    PINOT_LINEAGE_FROM_ABSENT, /* begin: a segment to be replaced is not there or is hidden */
    PINOT_LINEAGE_TO_PRESENT,  /* begin: a replacing segment is there already */
    PINOT_LINEAGE_FROM_TAKEN,  /* begin: another entry replaces it */
    PINOT_LINEAGE_TO_TAKEN,    /* begin: another entry replaces with it */
    PINOT_LINEAGE_TO_ABSENT,   /* end: a replacing segment was not pushed */
    PINOT_LINEAGE_TO_FOREIGN,  /* end: a segment that the entry does not name */
    PINOT_LINEAGE_FROM_GONE,   /* revert: a replaced segment is not there any more */
    PINOT_LINEAGE_TO_REPLACED, /* revert: another entry replaces a replacing segment */
};

struct pinot_lineage_refusal {
    enum pinot_lineage_refused what;
    char segment[NAME_MAX_BYTES]; /* "" when it is about none */
    char entry[PINOT_ENTRY_MAX];  /* the other entry; "" when there is none */
};

/* One call.  Texts are borrowed; no name is twice in a list. */
struct pinot_lineage_call {
    const char *table; /* full name */
    const char *entry; /* begin: the id that a new one gets */
    const char *const *from;
    size_t from_count;
    const char *const *to; /* end: those that were made; none: all of the entry */
    size_t to_count;
    bool force;   /* begin: forceCleanup; revert: forceRevert */
    bool refresh; /* begin: the table is one whose data is replaced as a whole */
    bool cleanup; /* end: the replaced segments are deleted at once */
    int64_t now;
    int64_t expired_before; /* as of pinot_store_lineage_expire() */

    char begun[PINOT_ENTRY_MAX]; /* set by begin: the entry's id */
    struct pinot_lineage_refusal refusal;
};

/* Begins a replacement.  An entry IN_PROGRESS that is just the same is the answer to a repeated call.
 * force: entries IN_PROGRESS that are in the way are reverted, what reverted ones left is deleted, and
 * with refresh what the entry that made the segments to be replaced has replaced is deleted, so that
 * two snapshots of the data are kept. */
MUST_CHECK enum fault pinot_store_lineage_begin(struct db *db, struct pinot_lineage_call *call,
                                                struct problem *why);

/* The replacing segments take the place of the replaced ones.  Does nothing for a COMPLETED entry. */
MUST_CHECK enum fault pinot_store_lineage_end(struct db *db, struct pinot_lineage_call *call,
                                              struct problem *why);

/* Takes the replacement back and deletes the replacing segments.  Does nothing for a REVERTED entry;
 * one IN_PROGRESS needs force. */
MUST_CHECK enum fault pinot_store_lineage_revert(struct db *db, struct pinot_lineage_call *call,
                                                 struct problem *why);

/* Takes one entry whose last change is not after before: IN_PROGRESS it is reverted; COMPLETED or
 * REVERTED it is forgotten, and what it hides is deleted.  Inside a write transaction; every push and
 * every call above does it. */
MUST_CHECK enum fault pinot_store_lineage_expire(struct db *db, int64_t before, int64_t now,
                                                 struct problem *why);

/* Forgets all entries of a table (its id); inside a write transaction. */
MUST_CHECK enum fault pinot_store_lineage_forget(struct db *db, int64_t table, struct problem *why);

/* One entry, for telling. */
struct pinot_lineage {
    int64_t id; /* 0 before the first */
    int64_t changed_at;
    char entry[PINOT_ENTRY_MAX];
    char state[sizeof "IN_PROGRESS"];
};

/* Called while the database is being read: it must not reply. */
typedef enum fault (*pinot_lineage_each)(void *ctx, const char *segment, bool replacing,
                                         struct problem *why);

/* The entry behind *at of a table (its id), the longest unchanged first, and each of its segments:
 * the replaced ones, then the replacing ones.  *found is false behind the last. */
MUST_CHECK enum fault pinot_store_lineage_next(struct db *db, int64_t table,
                                               struct pinot_lineage *at, bool *found,
                                               pinot_lineage_each each, void *ctx,
                                               struct problem *why);

#endif
