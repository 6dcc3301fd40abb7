/*
 * lock.h - the writers' lock: flock(2) on sluice.lock.
 *
 * The kernel queues the waiters and wakes them as the lock comes free, and gives the lock back when
 * its holder dies; SQLite's own waiting sleeps and tries again, which starves some for seconds.
 */
#ifndef SQLITE_LOCK_H
#define SQLITE_LOCK_H

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* Takes the lock on fd, waiting at most wait_ms: FAULT_BUSY then.  The wait is cut short by a timer
 * of its own and SIGALRM, whose handler and mask are as before afterwards. */
MUST_CHECK enum fault lock_take(int fd, int64_t wait_ms, struct problem *why);

/* Takes the lock if it is free right now. */
bool lock_try(int fd);

/* Gives it back; harmless when it is not held. */
void lock_release(int fd);

#endif
