/*
 * poison.h - the mark that a sync has failed: sluice.poison in the state folder, and a word in the
 * shared counters.
 *
 * After one failed sync the kernel calls the next one good although the data is gone, so no process
 * may trust a sync any more.  The word is there at once and needs no space on a disk that just
 * failed; the file outlasts the machine's restart.
 */
#ifndef SQLITE_POISON_H
#define SQLITE_POISON_H

#include "base/problem.h"
#include "db/sqlite/counters.h"

#include <stdbool.h>

/* counters may be NULL in all three. */
bool poison_present(int folder, const struct counters *counters);

/* Sets both halves as far as that works. */
void poison_set(int folder, struct counters *counters);

/* Takes the mark away, durably; only `sluice migrate` does. */
MUST_CHECK enum fault poison_clear(int folder, struct counters *counters, struct problem *why);

#endif
