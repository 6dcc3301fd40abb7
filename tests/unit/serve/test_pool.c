/* When a pool starts its next worker. */
#include "serve/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void start_all(struct pool *pool, int64_t now)
{
    while (pool_wants(pool, now))
        pool_started(pool);
}

static void test_workers_start_together_and_dead_ones_are_replaced_soon(void **state)
{
    (void)state;
    struct pool pool = { .name = "bulk", .wanted = 3 };
    start_all(&pool, 0);
    assert_int_equal(pool.running, 3);
    for (int i = 0; i < 3; i++)
        pool_serves(&pool);
    pool_ended(&pool, true, POOL_DONE, 100);
    assert_true(pool_wants(&pool, 100)); /* recycled: at once */
    start_all(&pool, 100);
    pool_serves(&pool);
    pool_ended(&pool, true, POOL_KILLED, 200);
    assert_false(pool_wants(&pool, 200));
    assert_true(pool_wants(&pool, 200 + POOL_PACE_MS));
    assert_int_equal(pool_next(&pool), 200 + POOL_PACE_MS);
}

static void test_failed_starts_are_tried_one_at_a_time_and_ever_more_rarely(void **state)
{
    (void)state;
    static const int64_t waits[POOL_TRIES] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };
    struct pool pool = { .name = "bulk", .wanted = 3 };
    int64_t now = 5;
    start_all(&pool, now);
    for (int i = 0; i < 2; i++) /* those that fail together count once */
        pool_ended(&pool, false, POOL_FAILED, now);
    for (int i = 0; i < POOL_TRIES; i++) {
        assert_false(pool_hopeless(&pool));
        pool_ended(&pool, false, POOL_FAILED, now);
        assert_int_equal(pool.next_at - now, waits[i]);
        assert_false(pool_wants(&pool, pool.next_at - 1));
        now = pool.next_at;
        if (i + 1 < POOL_TRIES) {
            start_all(&pool, now);
            assert_int_equal(pool.running, 1);
        }
    }
    assert_true(pool_hopeless(&pool));
}

static void test_a_start_that_serves_ends_the_waiting(void **state)
{
    (void)state;
    struct pool pool = { .name = "bulk", .wanted = 2 };
    start_all(&pool, 0);
    pool_ended(&pool, false, POOL_FAILED, 0);
    pool_ended(&pool, false, POOL_FAILED, 0);
    start_all(&pool, POOL_RETRY_FIRST_MS);
    assert_int_equal(pool_next(&pool), INT64_MAX); /* the one that is tried */
    pool_serves(&pool);
    start_all(&pool, POOL_RETRY_FIRST_MS);
    assert_int_equal(pool.running, 2);
    assert_int_equal(pool.failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_start_together_and_dead_ones_are_replaced_soon),
        cmocka_unit_test(test_failed_starts_are_tried_one_at_a_time_and_ever_more_rarely),
        cmocka_unit_test(test_a_start_that_serves_ends_the_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
