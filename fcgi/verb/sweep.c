#include "verb/sweep.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "db/blob_rows.h"
#include "db/db.h"
#include "verb/verb.h"

#include <limits.h>
#include <stdio.h>

static enum fault rows_lock(void *ctx, struct problem *why)
{
    return db_begin(ctx, why);
}

static enum fault rows_unlock(void *ctx, bool keep, struct problem *why)
{
    if (keep)
        return db_commit(ctx, why);
    db_rollback(ctx);
    return FAULT_NONE;
}

static enum fault rows_contents(void *ctx, int64_t file,
                                enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                   struct problem *why),
                                void *arg, struct problem *why)
{
    return blob_rows_contents(ctx, file, each, arg, why);
}

static enum fault rows_settle(void *ctx, struct problem *why)
{
    return db_settle(ctx, why);
}

static enum fault rows_move(void *ctx, const struct blob_ref *from, const struct blob_ref *to,
                            struct problem *why)
{
    return blob_rows_move(ctx, from, to, why);
}

enum fault sweep_open(const struct config *config, struct sweep *sweep, struct problem *why)
{
    char folder[PATH_MAX];
    uint64_t worker = 0;
    const int len = snprintf(folder, sizeof folder, "%s/" BLOB_FOLDER, config->state);
    if (len < 0 || (size_t)len >= sizeof folder)
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE is too long");
    clock_random(&worker, sizeof worker);
    enum fault f = verb_open_db(config, false, &sweep->db, why);
    if (!f)
        f = blob_open(folder, blob_worker_of(worker), &sweep->blobs, why);
    return f;
}

void sweep_close(struct sweep *sweep)
{
    blob_close(sweep->blobs);
    db_close(sweep->db);
}

enum fault sweep_files(struct sweep *sweep, enum blob_sweep_extent extent, bool dry_run,
                       struct problem *why)
{
    const struct blob_rows rows = { .ctx = sweep->db,
                                    .lock = rows_lock,
                                    .unlock = rows_unlock,
                                    .contents = rows_contents,
                                    .settle = rows_settle,
                                    .move = rows_move };
    return blob_sweep(sweep->blobs, &rows, extent, dry_run, &sweep->report, why);
}
