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

struct blob_store;
struct db;

/* The two stores and what came of a run. */
struct sweep {
    struct db *db;
    struct blob_store *blobs;
    struct blob_sweep_report report;
    int64_t rows_forgotten;
    int64_t sessions_expired;
    int64_t uploads_expired;
};

/* Opens both stores as the settings say.  sweep_close() ends it, whatever this returned. */
MUST_CHECK enum fault sweep_open(const struct config *config, struct sweep *sweep,
                                 struct problem *why);
void sweep_close(struct sweep *sweep);

/* Removes the files that no row names; the report tells what came of it. */
MUST_CHECK enum fault sweep_files(struct sweep *sweep, enum blob_sweep_extent extent, bool dry_run,
                                  struct problem *why);

#endif
