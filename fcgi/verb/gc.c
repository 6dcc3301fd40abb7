/*
 * gc.c - sluice gc: takes back what has expired and the bytes that nothing names.
 */
#include "base/limits.h"
#include "blob/blob.h"
#include "db/blob_names.h"
#include "db/blob_rows.h"
#include "db/db.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "db/oxen_store_clean.h"
#include "verb/sweep.h"
#include "verb/verb.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { MS_AN_HOUR = 3600 * 1000 };

struct gc_options {
    bool dry_run;
    bool empty_quarantine; /* all of it, not only what is old enough */
};

/* Uploads whose last part is older have expired. */
static int64_t uploads_before(int64_t now)
{
    return now - (int64_t)OXEN_UPLOAD_IDLE_HOURS * MS_AN_HOUR;
}

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
    const int64_t before = uploads_before(now);
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
static enum fault forget_rows(struct sweep *sweep, bool dry_run, int64_t now, struct problem *why)
{
    const struct blob_names_gone gone = { .sessions_before = now,
                                          .uploads_before = uploads_before(now) };
    enum fault f = blob_names_read(sweep->db, &gone, &sweep->names, why);
    struct blob_rows_piece piece = { .names = sweep->names,
                                     .most = BLOB_ROWS_PIECE,
                                     .count_only = dry_run };
    do {
        if (!f)
            f = blob_rows_forget(sweep->db, &piece, why);
        if (!f)
            sweep->rows_forgotten += piece.forgotten;
    } while (!f && piece.looked_at > 0);
    return f;
}

/* A line for whoever waits, on a terminal. */
static void show_progress(void *ctx, const char *table)
{
    (void)ctx;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "sluice: checking table %s\n", table);
}

static enum fault collect(struct sweep *sweep, const struct gc_options *options, int64_t now,
                          struct problem *why)
{
    enum fault f = db_check(sweep->db, show_progress, NULL, why);
    if (!f)
        f = expire_sessions(sweep, options->dry_run, now, why);
    if (!f)
        f = expire_uploads(sweep, options->dry_run, now, why);
    if (!f)
        f = forget_rows(sweep, options->dry_run, now, why);
    if (!f)
        f = sweep_files(sweep, BLOB_SWEEP_ALL, options->dry_run, why);
    if (!f)
        f = sweep_quarantine(sweep, options->empty_quarantine, options->dry_run, why);
    return f ? f : db_settle(sweep->db, why);
}

static void print_report(const struct sweep *sweep, const struct gc_options *options)
{
    const struct blob_sweep_report *report = &sweep->report;
    const uint64_t quarantined = sweep->day[0] ? report->bytes_freed : 0;
    const uint64_t deleted = report->bytes_freed - quarantined + sweep->emptied.bytes;
    (void)printf(
        "%s%lld expired sessions, %lld contents that nothing names, %lld expired uploads, "
        "%llu of %llu files removed, %llu packs compacted, %llu bytes quarantined, "
        "%llu bytes freed\n",
        options->dry_run ? "would take back: " : "took back: ", (long long)sweep->sessions_expired,
        (long long)sweep->rows_forgotten, (long long)sweep->uploads_expired,
        (unsigned long long)report->files_removed, (unsigned long long)report->files_looked_at,
        (unsigned long long)report->packs_compacted, (unsigned long long)quarantined,
        (unsigned long long)deleted);
    if (sweep->held.files > 0)
        (void)printf("the quarantine holds %llu files of %llu bytes for SLUICE_QUARANTINE_DAYS\n",
                     (unsigned long long)sweep->held.files, (unsigned long long)sweep->held.bytes);
}

/* Where room is short, what waits in the quarantine is the first to go. */
static void advise(const struct config *config, const struct sweep *sweep)
{
    struct blob_disk disk = { .free = UINT64_MAX };
    struct problem unknown = PROBLEM_NONE;
    const int folder =
        sweep->held.bytes > 0 ? open(config->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0)
        return;
    const enum fault f = blob_disk(folder, config->free_floor_bytes, &disk, &unknown);
    (void)close(folder);
    if (f || disk.free >= disk.floor)
        return;
    (void)puts(
        "the disk has less room than uploads must leave: `sluice gc --empty-quarantine` deletes "
        "what waits there");
}

int verb_gc(const struct config *config, int64_t now, int argc, char **argv)
{
    static const struct option options[] = { { "dry-run", no_argument, NULL, 'd' },
                                             { "empty-quarantine", no_argument, NULL, 'e' },
                                             { NULL, 0, NULL, 0 } };
    static const char gc_usage[] = "gc [--dry-run] [--empty-quarantine]";
    struct problem why = PROBLEM_NONE;
    struct sweep sweep = { 0 };
    struct gc_options chosen = { .dry_run = false };
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c != 'd' && c != 'e')
            return verb_misused(gc_usage);
        chosen.dry_run = chosen.dry_run || c == 'd';
        chosen.empty_quarantine = chosen.empty_quarantine || c == 'e';
    }
    if (optind < argc)
        return verb_misused(gc_usage);
    enum fault f = sweep_open(config, now, &sweep, &why);
    if (chosen.empty_quarantine)
        sweep.day[0] = '\0'; /* nothing goes there, either: a full disk may take no folder */
    if (!f)
        f = collect(&sweep, &chosen, now, &why);
    if (!f) {
        print_report(&sweep, &chosen);
        advise(config, &sweep);
    }
    sweep_close(&sweep);
    return f ? verb_failed(&why) : EXIT_DONE;
}
