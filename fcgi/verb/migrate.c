#include "verb/verb.h"

#include "db/migrate.h"
#include "verb/sweep.h"

#include <stdio.h>

int verb_migrate(const struct config *config, int64_t now, int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return verb_misused("migrate");
    struct problem why = PROBLEM_NONE;
    struct migrate_report migrated = { 0 };
    struct sweep sweep = { 0 };
    uint64_t returned = 0;
    enum fault f = migrate_run(config->state, config->lock_wait_ms, now, &migrated, &why);
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
