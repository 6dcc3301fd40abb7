/*
 * pool.h - when a pool starts its next worker: at once, unless starts fail.
 *
 * Pure arithmetic over steady milliseconds; serve.c does what it says.
 */
#ifndef SERVE_POOL_H
#define SERVE_POOL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    POOL_RETRY_FIRST_MS = 1000, /* after a start that failed; doubles */
    POOL_RETRY_MOST_MS = 30000,
    POOL_TRIES = 8,   /* failed starts in a row after which a pool without any worker is given up */
    POOL_PACE_MS = 20 /* between a death and its replacement, however many die */
};

struct pool {
    const char *name;
    int64_t wanted;   /* workers */
    int64_t running;  /* of them started, */
    int64_t ready;    /* and of these serving */
    int64_t failures; /* starts that failed since the last one that did not */
    int64_t next_at;  /* no start before */
};

/* Whether a worker is to be started now.  While starts fail, one at a time is. */
bool pool_wants(const struct pool *pool, int64_t now);

/* Until when nothing is to be started; INT64_MAX: until something happens. */
int64_t pool_next(const struct pool *pool);

void pool_started(struct pool *pool);
void pool_serves(struct pool *pool);

enum pool_end {
    POOL_DONE,   /* it left as it should */
    POOL_KILLED, /* from outside, or by a request */
    POOL_FAILED  /* by itself, in a way that would repeat itself */
};

/* A worker ended.  was_ready: it had served. */
void pool_ended(struct pool *pool, bool was_ready, enum pool_end how, int64_t now);

/* Whether starts failed so often that trying again is of no use, and nobody serves. */
bool pool_hopeless(const struct pool *pool);

#endif
