#include "serve/pool.h"

bool pool_wants(const struct pool *pool, int64_t now)
{
    if (pool->running >= pool->wanted || now < pool->next_at)
        return false;
    return pool->failures == 0 || pool->running == pool->ready;
}

int64_t pool_next(const struct pool *pool)
{
    const bool waits = pool->failures > 0 && pool->running > pool->ready;
    return pool->running >= pool->wanted || waits ? INT64_MAX : pool->next_at;
}

void pool_started(struct pool *pool)
{
    pool->running++;
}

void pool_serves(struct pool *pool)
{
    pool->ready++;
    pool->failures = 0;
}

static int64_t retry_ms(int64_t failures)
{
    int64_t wait = POOL_RETRY_FIRST_MS;
    for (int64_t i = 1; i < failures && wait < POOL_RETRY_MOST_MS; i++)
        wait *= 2;
    return wait < POOL_RETRY_MOST_MS ? wait : POOL_RETRY_MOST_MS;
}

void pool_ended(struct pool *pool, bool was_ready, enum pool_end how, int64_t now)
{
    pool->running--;
    pool->ready -= was_ready;
    switch (how) {
    case POOL_DONE:
        break;
    case POOL_KILLED:
        if (pool->next_at < now + POOL_PACE_MS)
            pool->next_at = now + POOL_PACE_MS;
        break;
    case POOL_FAILED:
        if (pool->failures > 0 && now < pool->next_at)
            break; /* started together with the one that failed before */
        pool->failures++;
        pool->next_at = now + retry_ms(pool->failures);
        break;
    }
}

bool pool_hopeless(const struct pool *pool)
{
    return pool->failures >= POOL_TRIES && pool->running == 0;
}
