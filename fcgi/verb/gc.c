/*
 * gc.c - sluice gc: takes back what has expired and the bytes that nothing names.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "db/blob_rows.h"
#include "db/db.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "db/oxen_store_clean.h"
#include "verb/sweep.h"
#include "verb/verb.h"

#include <getopt.h>
#include <stdio.h>

enum {
    FORGET_PIECE = 1000, /* rows looked at under the writers' lock at a time */
    MS_AN_HOUR = 3600 * 1000,
};

/* Upload sessions past their time, one a transaction, and the rows of dropped datasets. */
static enum fault expire_sessions(struct sweep *sweep, bool dry_run, int64_t now,
                                  struct problem *why)
{
    if (dry_run)
        return opteryx_store_sweepable(sweep->db, now, &sweep->sessions_expired, why);
    enum fault f = FAULT_NONE;
    for (bool more = true; !f && more;) /* what a killed `sluice dataset drop` has left */
        f = opteryx_store_dropped_sweep(sweep->db, &more, why);
    for (bool more = true; !f && more;) {
        f = opteryx_store_sweep(sweep->db, now, &more, why);
        sweep->sessions_expired += !f && more;
    }
    return f;
}

/* Uploads in parts that were left alone, and what a crash has left of deleted repositories. */
static enum fault expire_uploads(struct sweep *sweep, bool dry_run, int64_t now,
                                 struct problem *why)
{
    const int64_t before = now - (int64_t)OXEN_UPLOAD_IDLE_HOURS * MS_AN_HOUR;
    if (dry_run)
        return oxen_store_clean_uploads_count(sweep->db, before, &sweep->uploads_expired, why);
    enum fault f = FAULT_NONE;
    for (bool more = true; !f && more;)
        f = oxen_store_clean_uploads_piece(sweep->db, before, &sweep->uploads_expired, &more, why);
    for (bool more = true; !f && more;)
        f = oxen_store_clean_retired_piece(sweep->db, &more, why);
    return f;
}

/* The rows of contents that no surface names any more, a piece a transaction. */
static enum fault forget_rows(struct sweep *sweep, bool dry_run, struct problem *why)
{
    struct blob_rows_piece piece = { 0 };
    enum fault f = FAULT_NONE;
    do {
        f = db_begin(sweep->db, why);
        if (!f)
            f = blob_rows_forget(sweep->db, FORGET_PIECE, &piece, why);
        if (!f && !dry_run && piece.forgotten > 0)
            f = db_commit(sweep->db, why);
        db_rollback(sweep->db);
        sweep->rows_forgotten += piece.forgotten;
    } while (!f && piece.looked_at > 0);
    return f;
}

static void print_report(const struct sweep *sweep, bool dry_run)
{
    const struct blob_sweep_report *report = &sweep->report;
    (void)printf(
        "%s%lld expired sessions, %lld contents that nothing names, %lld expired uploads, "
        "%llu of %llu files removed, %llu packs compacted, %llu bytes freed\n",
        dry_run ? "would take back: " : "took back: ", (long long)sweep->sessions_expired,
        (long long)sweep->rows_forgotten, (long long)sweep->uploads_expired,
        (unsigned long long)report->files_removed, (unsigned long long)report->files_looked_at,
        (unsigned long long)report->packs_compacted, (unsigned long long)report->bytes_freed);
}

int verb_gc(const struct config *config, int argc, char **argv)
{
    static const struct option options[] = { { "dry-run", no_argument, NULL, 'd' },
                                             { NULL, 0, NULL, 0 } };
    static const char gc_usage[] = "gc [--dry-run]";
    struct problem why = PROBLEM_NONE;
    struct sweep sweep = { 0 };
    bool dry_run = false;
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c != 'd')
            return verb_misused(gc_usage);
        dry_run = true;
    }
    if (optind < argc)
        return verb_misused(gc_usage);
    enum fault f = sweep_open(config, &sweep, &why);
    if (!f)
        f = expire_sessions(&sweep, dry_run, clock_now_ms(), &why);
    if (!f)
        f = expire_uploads(&sweep, dry_run, clock_now_ms(), &why);
    if (!f)
        f = forget_rows(&sweep, dry_run, &why);
    if (!f)
        f = sweep_files(&sweep, BLOB_SWEEP_ALL, dry_run, &why);
    if (!f)
        f = db_settle(sweep.db, &why);
    sweep_close(&sweep);
    if (f)
        return verb_failed(&why);
    print_report(&sweep, dry_run);
    return EXIT_DONE;
}
