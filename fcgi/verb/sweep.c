#include "verb/sweep.h"

#include "base/clock.h"
#include "blob/blob.h"
#include "db/blob_names.h"
#include "db/blob_rows.h"
#include "db/db.h"
#include "verb/verb.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MS_A_DAY = 24 * 3600 * 1000 };

/* What db_hold() runs. */
struct held {
    enum fault (*body)(void *arg, struct problem *why);
    void *arg;
};

static enum fault run_held(struct db *db, void *ctx, struct problem *why)
{
    const struct held *held = ctx;
    (void)db;
    return held->body(held->arg, why);
}

static enum fault rows_hold(void *ctx, enum fault (*body)(void *arg, struct problem *why),
                            void *arg, struct problem *why)
{
    const struct sweep *sweep = ctx;
    struct held held = { body, arg };
    return db_hold(sweep->db, run_held, &held, why);
}

static enum fault rows_contents(void *ctx, int64_t file, blob_each each, void *arg,
                                struct problem *why)
{
    const struct sweep *sweep = ctx;
    return blob_rows_contents(sweep->db, file, sweep->names, each, arg, why);
}

static enum fault rows_walk(void *ctx, blob_each each, void *arg, struct problem *why)
{
    const struct sweep *sweep = ctx;
    return blob_rows_walk(sweep->db, sweep->names, each, arg, why);
}

static enum fault rows_settle(void *ctx, struct problem *why)
{
    const struct sweep *sweep = ctx;
    return db_settle(sweep->db, why);
}

static enum fault move_all(struct db *db, void *ctx, struct problem *why)
{
    struct blob_moves *moves = ctx;
    enum fault f = FAULT_NONE;
    moves->rows = 0;
    for (size_t i = 0; i < moves->count && !f; i++) {
        int64_t rows = 0;
        f = blob_rows_move(db, &moves->from[i], &moves->to[i], &rows, why);
        moves->rows += (uint64_t)rows;
    }
    return f;
}

static enum fault rows_move(void *ctx, struct blob_moves *moves, struct problem *why)
{
    const struct sweep *sweep = ctx;
    enum fault f = db_write(sweep->db, move_all, moves, why);
    moves->named = db_named(sweep->db);
    if (!f)
        f = db_settle(sweep->db, why);
    return f;
}

static struct blob_rows rows_of(struct sweep *sweep)
{
    return (struct blob_rows){ .ctx = sweep,
                               .hold = rows_hold,
                               .contents = rows_contents,
                               .walk = rows_walk,
                               .settle = rows_settle,
                               .move = rows_move };
}

/* "2026-01-31" of a time. */
static void day_of(int64_t at_ms, char out[SWEEP_DAY_MAX])
{
    _Static_assert((int)SWEEP_DAY_MAX >= (int)CLOCK_ISO_MAX, "a day is the beginning of a time");
    clock_iso(at_ms, out);
    out[strcspn(out, "T")] = '\0';
}

enum fault sweep_open(const struct config *config, int64_t now, struct sweep *sweep,
                      struct problem *why)
{
    char folder[PATH_MAX];
    uint64_t worker = 0;
    const int len = snprintf(folder, sizeof folder, "%s/" BLOB_FOLDER, config->state);
    if (len < 0 || (size_t)len >= sizeof folder)
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE is too long");
    clock_random(&worker, sizeof worker);
    if (config->quarantine_days > 0)
        day_of(now, sweep->day);
    day_of(now - config->quarantine_days * MS_A_DAY, sweep->empty_before);
    enum fault f = verb_open_db(config, false, &sweep->db, why);
    if (!f)
        f = blob_open(folder, blob_worker_of(worker), &sweep->blobs, why);
    return f;
}

void sweep_close(struct sweep *sweep)
{
    blob_close(sweep->blobs);
    blob_names_destroy(sweep->names);
    db_close(sweep->db);
}

enum fault sweep_files(struct sweep *sweep, enum blob_sweep_extent extent, bool dry_run,
                       struct problem *why)
{
    const struct blob_rows rows = rows_of(sweep);
    const struct blob_sweep_plan plan = { .extent = extent,
                                          .dry_run = dry_run,
                                          .day = sweep->day[0] ? sweep->day : NULL };
    return blob_sweep(sweep->blobs, &rows, &plan, &sweep->report, why);
}

enum fault sweep_return(struct sweep *sweep, uint64_t *files, struct problem *why)
{
    const struct blob_rows rows = rows_of(sweep);
    struct blob_quarantine_report report = { 0 };
    const enum fault f = blob_quarantine_return(sweep->blobs, &rows, &report, why);
    *files = report.files;
    return f;
}

enum fault sweep_quarantine(struct sweep *sweep, bool all, bool dry_run, struct problem *why)
{
    const struct blob_rows rows = rows_of(sweep);
    enum fault f = blob_quarantine_empty(sweep->blobs, &rows, all ? NULL : sweep->empty_before,
                                         dry_run, &sweep->emptied, why);
    if (!f)
        f = blob_quarantine_size(sweep->blobs, &sweep->held, why);
    return f;
}
