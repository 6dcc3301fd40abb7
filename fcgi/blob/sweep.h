/*
 * sweep.h - takes back the bytes that no row names.
 *
 * The rows are behind an interface, because db/ and blob/ never see each other; main.c puts the two
 * together.  Every decision to delete is taken between lock() and unlock(), where the interface
 * says what rows name, so that no upload can come between.
 */
#ifndef BLOB_SWEEP_H
#define BLOB_SWEEP_H

#include "base/problem.h"
#include "blob/blob.h"

#include <stdbool.h>
#include <stdint.h>

/* What the sweeper asks of the rows.  lock..unlock is one write transaction under the writers'
 * lock; unlock commits it durably (keep true) or ends it without a trace (keep false). */
struct blob_rows {
    void *ctx;
    enum fault (*lock)(void *ctx, struct problem *why);
    enum fault (*unlock)(void *ctx, bool keep, struct problem *why);
    /* Calls each(arg, ref) for every content that rows name in file, by ascending start, until
     * each() raises a fault, which it then returns.  A plain read: also called outside
     * lock..unlock, to find what is worth deciding under the lock. */
    enum fault (*contents)(void *ctx, int64_t file,
                           enum fault (*each)(void *arg, const struct blob_ref *ref,
                                              struct problem *why),
                           void *arg, struct problem *why);
    /* Makes durable what contents() has told: a row whose deletion a crash could undo must find
     * its bytes.  Called outside lock..unlock. */
    enum fault (*settle)(void *ctx, struct problem *why);
    /* All rows that name from name to instead; inside lock..unlock.  Rows that are gone by then
     * are no fault. */
    enum fault (*move)(void *ctx, const struct blob_ref *from, const struct blob_ref *to,
                       struct problem *why);
};

struct blob_sweep_report {
    uint64_t files_looked_at;
    uint64_t files_removed;
    uint64_t packs_compacted;
    uint64_t bytes_freed;
    uint64_t locks_removed; /* folders of dead workers that are now closed */
};

/* What to look at. */
enum blob_sweep_extent {
    BLOB_SWEEP_DEAD, /* folders of dead workers that have not been swept: at start, cheap */
    BLOB_SWEEP_ALL   /* every folder but those of living workers: gc */
};

/* Removes files that no row names, cuts the tail of a pack that no row names, compacts packs of
 * which at least half is named by no row (BLOB_SWEEP_ALL), and closes the folders of dead workers.
 * Compaction copies into store's own pack, flushes, moves the rows, and only then unlinks; so
 * store is one that writes, with nothing in it that is not kept.  A pack that cannot be read is
 * left as it is: the rest is swept, then FAULT_INTERNAL names it.  The files of living workers,
 * store's own too, are not looked at.  dry_run: reports, changes nothing, never calls
 * lock(). */
MUST_CHECK enum fault blob_sweep(struct blob_store *store, const struct blob_rows *rows,
                                 enum blob_sweep_extent extent, bool dry_run,
                                 struct blob_sweep_report *report, struct problem *why);

#endif
