/*
 * sweep.h - takes back the bytes that no row names, by way of the quarantine.
 *
 * The rows are behind an interface, because db/ and blob/ never see each other; verb/sweep.c puts
 * the two together.  A file goes only when a walk through all rows, which trusts no index, has found
 * none that names it, and an index says the same under the writers' lock, so that no upload can come
 * between.
 */
#ifndef BLOB_SWEEP_H
#define BLOB_SWEEP_H

#include "base/problem.h"
#include "blob/blob.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum fault (*blob_each)(void *arg, const struct blob_ref *ref, struct problem *why);

/* Contents that have moved, of which rows are to be told. */
struct blob_moves {
    const struct blob_ref *from;
    const struct blob_ref *to; /* of the same length each */
    size_t count;
    uint64_t rows; /* out: rows that moved */
    bool named;    /* out: rows may name the new places, also after a fault */
};

/* What the sweeper asks of the rows. */
struct blob_rows {
    void *ctx;
    /* Runs body(arg) while nobody changes a row: body deletes what contents() does not name. */
    enum fault (*hold)(void *ctx, enum fault (*body)(void *arg, struct problem *why), void *arg,
                       struct problem *why);
    /* Calls each(arg, ref) for every content that rows name in file, by ascending start, until
     * each() raises a fault, which it then returns.  Also inside hold(). */
    enum fault (*contents)(void *ctx, int64_t file, blob_each each, void *arg, struct problem *why);
    /* The same for every row there is, in any order, by a walk that no index leads.  Also inside
     * hold(). */
    enum fault (*walk)(void *ctx, blob_each each, void *arg, struct problem *why);
    /* Makes durable what contents() has told: a row whose deletion a crash could undo must find
     * its bytes.  Not called inside hold(). */
    enum fault (*settle)(void *ctx, struct problem *why);
    /* One transaction, durable when it returns: all rows that name one of from name to instead.
     * Rows that are gone by then are no fault. */
    enum fault (*move)(void *ctx, struct blob_moves *moves, struct problem *why);
};

struct blob_sweep_report {
    uint64_t files_looked_at;
    uint64_t files_removed;
    uint64_t packs_compacted;
    uint64_t bytes_freed;   /* that are gone, or in the quarantine */
    uint64_t locks_removed; /* folders of dead workers that are now closed */
};

/* What to look at. */
enum blob_sweep_extent {
    BLOB_SWEEP_DEAD, /* folders of dead workers that have not been swept: at start, cheap */
    BLOB_SWEEP_ALL   /* every folder but those of living workers: gc */
};

struct blob_sweep_plan {
    enum blob_sweep_extent extent;
    bool dry_run;    /* reports, changes nothing, never calls hold() */
    const char *day; /* folder of the quarantine that takes files; NULL: they are deleted */
};

/* Removes files that no row names, compacts packs of which at least half is named by no row
 * (BLOB_SWEEP_ALL), and closes the folders of dead workers.  Without a quarantine it cuts the tail
 * of a pack that no row names, too.  Compaction copies into store's own pack, flushes, moves the
 * rows, and only then takes the pack; so store is one that writes, with nothing in it that is not
 * kept.  A pack that cannot be read, or where an index and its table do not agree, is left as it
 * is: the rest is swept, then FAULT_INTERNAL names it.  The files of living workers, store's own
 * too, are not looked at. */
MUST_CHECK enum fault blob_sweep(struct blob_store *store, const struct blob_rows *rows,
                                 const struct blob_sweep_plan *plan,
                                 struct blob_sweep_report *report, struct problem *why);

/* ---- the quarantine: blobs/quarantine/<day>/<worker>-<number> ---- */

struct blob_quarantine_report {
    uint64_t files;
    uint64_t bytes;
};

/* Gives back every file of it that a row names: the database is newer than the one that it was
 * taken by. */
MUST_CHECK enum fault blob_quarantine_return(struct blob_store *store, const struct blob_rows *rows,
                                             struct blob_quarantine_report *report,
                                             struct problem *why);

/* Deletes what it took before a day (all days are ten characters, in the order of time), but no file
 * that a row names; dry_run: only counts. */
MUST_CHECK enum fault blob_quarantine_empty(struct blob_store *store, const struct blob_rows *rows,
                                            const char *before, bool dry_run,
                                            struct blob_quarantine_report *report,
                                            struct problem *why);

/* What it holds. */
MUST_CHECK enum fault blob_quarantine_size(struct blob_store *store,
                                           struct blob_quarantine_report *report,
                                           struct problem *why);

#endif
