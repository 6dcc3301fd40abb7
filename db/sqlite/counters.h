/*
 * counters.h - what all processes know of each other's commits: a shared file of three numbers and
 * two words, sluice.seq, mapped into each.
 *
 * A commit gets its number under the writers' lock.  `begun` is raised before COMMIT, `committed`
 * after it, `durable` after a sync that succeeded, to what `committed` was before that sync.  So
 * durable >= begun means that everything anybody can have read is durable, even when a writer was
 * killed between its COMMIT and the raise of `committed`; and a writer whose number is durable
 * already need not sync.  The numbers only ever rise while anybody is attached.
 *
 * `failed` is the poison mark's second half: set at once, without a file having to be made.
 * `log_kept` says that a start found no room to empty the write-ahead log: reads are served, and the
 * first writer that finds room empties it before it writes.
 */
#ifndef SQLITE_COUNTERS_H
#define SQLITE_COUNTERS_H

#include "base/problem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct counters {
    _Atomic uint64_t begun;
    _Atomic uint64_t committed;
    _Atomic uint64_t durable;
    _Atomic uint64_t failed;
    _Atomic uint64_t log_kept;
};

/* Maps sluice.seq of a folder.  create: makes it with its space allocated when it is missing or
 * short; otherwise that is FAULT_UNAVAILABLE.  The caller owns *out. */
MUST_CHECK enum fault counters_open(int folder, bool create, struct counters **out,
                                    struct problem *why);

/* Maps it to be read alone; NULL when there is none, or it is an older program's. */
const struct counters *counters_look(int folder);

/* counters may be NULL. */
void counters_close(const struct counters *counters);

/* The number of the commit that is about to begin; the caller holds the writers' lock. */
uint64_t counters_begin(struct counters *counters);

/* COMMIT number has returned, whatever it said; the lock is still held. */
void counters_commit(struct counters *counters, uint64_t number);

/* COMMIT number has failed so that surely nothing of it is there; the lock is still held.  Where all
 * before it is durable, there is nothing to wait for. */
void counters_void(struct counters *counters, uint64_t number);

/* Everything up to number is durable. */
void counters_settle(struct counters *counters, uint64_t number);

/* After a checkpoint of everything, under the lock: all that was begun is durable or gone. */
void counters_level(struct counters *counters);

#endif
