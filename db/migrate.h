/*
 * migrate.h - creates and upgrades the database, and brings it up after a crash.
 *
 * The files of migrations/ are part of the program (the build turns them into a table); each
 * applied one stands in the table `migration` with its SHA-256.  Run under the writers' lock before
 * any worker starts.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct migrate_report {
    int before;        /* migrations that stood in the database */
    int after;         /* and now */
    bool was_poisoned; /* a failed sync had been reported; the database was checked */
    bool created;      /* the database is new */
    bool full; /* no room to empty the log: reads can be served, and writes when there is room */
};

/* Opens or creates folder/sluice.db, checks that the applied migrations are this program's
 * (FAULT_UNAVAILABLE naming the one that changed or is newer), applies the missing ones in one
 * transaction, does wal_checkpoint(TRUNCATE) with its result checked, resets the shared counters,
 * and clears a poison mark after PRAGMA integrity_check has passed.  Where a complete database lacks
 * only the room for the checkpoint it succeeds with report->full, and the first writer that finds room
 * does it. */
/* A lock or counters that are missing beside a database are made anew when nobody else has it open
 * (FAULT_BUSY otherwise): who has the old ones would not know of the new. */
MUST_CHECK enum fault migrate_run(const char *folder, int64_t lock_wait_ms, int64_t now,
                                  struct migrate_report *report, struct problem *why);

/* Only looks: *alone says whether migrate_run() has work that needs the state for itself, so that workers
 * must end first: a migration, a failed sync, or a lock or counters that are gone.  The faults of
 * migrate_run() for a database that is not this program's or not there. */
MUST_CHECK enum fault migrate_pending(const char *folder, bool *alone, struct problem *why);

/* Only looks: FAULT_NONE when the schema is this program's and no poison mark is in the folder. */
MUST_CHECK enum fault migrate_check(const char *folder, struct problem *why);

/* The SQLite library in use, and in *defects which of the two known defects of db/README.md it has
 * ("wal-reset, spilled-rollback", "none"). */
const char *migrate_sqlite_version(const char **defects);

#endif
