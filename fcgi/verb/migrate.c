#include "verb/verb.h"

#include "db/migrate.h"
#include "verb/sweep.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* A new state is made only when that is asked for: beside a mistyped folder, or before a backup is put
 * back, it would take the place of the one that is meant. */
static enum fault must_exist(const struct config *config, struct problem *why)
{
    char path[PATH_MAX];
    const int len = snprintf(path, sizeof path, "%s/sluice.db", config->state);
    if (len < 0 || (size_t)len >= sizeof path)
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE is too long");
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return FAULT_NONE;
    return problem_set(why, FAULT_MISSING,
                       "there is no state in %s: sluice migrate --create makes a new one",
                       config->state);
}

static int look(const struct config *config)
{
    struct problem why = PROBLEM_NONE;
    bool alone = false;
    if (migrate_pending(config->state, &alone, &why) != FAULT_NONE)
        return verb_failed(&why);
    (void)puts(alone ? "the workers must end before the state can be migrated"
                     : "there is nothing to migrate");
    return alone ? EXIT_ALONE : EXIT_DONE;
}

int verb_migrate(const struct config *config, int64_t now, int argc, char **argv)
{
    static const struct option options[] = { { "create", no_argument, NULL, 'c' },
                                             { "dry-run", no_argument, NULL, 'd' },
                                             { NULL, 0, NULL, 0 } };
    bool create = false;
    bool dry_run = false;
    opterr = 0;
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c == '?')
            return verb_misused("migrate [--create | --dry-run]");
        create = create || c == 'c';
        dry_run = dry_run || c == 'd';
    }
    if (optind < argc || (create && dry_run))
        return verb_misused("migrate [--create | --dry-run]");
    struct problem why = PROBLEM_NONE;
    struct migrate_report migrated = { 0 };
    struct sweep sweep = { 0 };
    uint64_t returned = 0;
    if (dry_run)
        return look(config);
    enum fault f = create ? FAULT_NONE : must_exist(config, &why);
    if (!f)
        f = migrate_run(config->state, config->lock_wait_ms, now, &migrated, &why);
    if (!f)
        f = sweep_open(config, now, &sweep, &why);
    if (!f)
        f = sweep_return(&sweep, &returned, &why);
    if (!f && !migrated.full) /* left-over files can wait, readers should not */
        f = sweep_files(&sweep, BLOB_SWEEP_DEAD, false, &why);
    sweep_close(&sweep);
    if (f)
        return verb_failed(&why);
    if (migrated.full)
        (void)puts("the disk is full: reads are served, and writes once there is room");
    if (migrated.was_poisoned)
        (void)puts("a sync had failed: the database was checked and is sound");
    if (returned > 0)
        (void)printf("%llu files came back from the quarantine, for the database names them\n",
                     (unsigned long long)returned);
    (void)printf("state %s: %s, %d migrations (%d new), %llu left-over files removed\n",
                 config->state, migrated.created ? "created" : "ready", migrated.after,
                 migrated.after - migrated.before, (unsigned long long)sweep.report.files_removed);
    return EXIT_DONE;
}
