/*
 * sweep.h - a run of the sweeper, for gc and migrate: the rows of db/ and the files of blob/, which
 * never see each other, are put together here.
 */
#ifndef VERB_SWEEP_H
#define VERB_SWEEP_H

#include "base/config.h"
#include "base/problem.h"
#include "blob/sweep.h"

#include <stdbool.h>
#include <stdint.h>

struct blob_names;
struct blob_store;
struct db;

enum { SWEEP_DAY_MAX = 32 }; /* bytes of a day with the NUL */

/* The two stores and what came of a run. */
struct sweep {
    struct db *db;
    struct blob_store *blobs;
    struct blob_names *names; /* which contents count; NULL: all that have a row */
    char day[SWEEP_DAY_MAX];  /* of the quarantine; "": there is none */
    char empty_before[SWEEP_DAY_MAX];
    struct blob_sweep_report report;
    struct blob_quarantine_report emptied;
    struct blob_quarantine_report held;
    int64_t rows_forgotten;
    int64_t sessions_expired;
    int64_t uploads_expired;
};

/* Opens both stores as the settings say.  now: milliseconds UTC.  sweep_close() ends it, whatever
 * this returned. */
MUST_CHECK enum fault sweep_open(const struct config *config, int64_t now, struct sweep *sweep,
                                 struct problem *why);
void sweep_close(struct sweep *sweep);

/* Takes the files that no row names; the report tells what came of it. */
MUST_CHECK enum fault sweep_files(struct sweep *sweep, enum blob_sweep_extent extent, bool dry_run,
                                  struct problem *why);

/* Gives files of the quarantine back that rows name; *files: how many. */
MUST_CHECK enum fault sweep_return(struct sweep *sweep, uint64_t *files, struct problem *why);

/* Deletes what has been in the quarantine for long enough, or all of it, and says what it holds. */
MUST_CHECK enum fault sweep_quarantine(struct sweep *sweep, bool all, bool dry_run,
                                       struct problem *why);

#endif
