/* SQLite runs out of memory at each of its allocations in turn: a fault, and nothing worse. */
#include "db/migrate.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>

enum {
    OPEN_STRIDE = 37, /* opening allocates thousands of times: every so many of them */
    CHECKPOINT_BYTES = 16 * 1024,
    NOW = 1700000000,
    FILE_OF_ALL = 1,
};

/* How SQLite's allocations fail: the n-th from now, alone or with all that follow. */
static struct {
    long countdown; /* 0: never */
    bool lasting;
    bool failed;
} plan;

static sqlite3_mem_methods real;
static struct state folder;

static bool fails_now(void)
{
    if (plan.countdown == 0)
        return false;
    if (plan.countdown > 1) {
        plan.countdown--;
        return false;
    }
    if (!plan.lasting)
        plan.countdown = 0;
    plan.failed = true;
    return true;
}

static void *failing_malloc(int bytes)
{
    return fails_now() ? NULL : real.xMalloc(bytes);
}

static void *failing_realloc(void *old, int bytes)
{
    return fails_now() ? NULL : real.xRealloc(old, bytes);
}

static void fail_from(long n, bool lasting)
{
    plan.countdown = n;
    plan.lasting = lasting;
    plan.failed = false;
}

/* Ends the failing; whether there was any. */
static bool calm(void)
{
    const bool failed = plan.failed;
    fail_from(0, false);
    return failed;
}

static int set_up(void **state)
{
    (void)state;
    state_make(&folder, true);
    state_migrate(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_remove(&folder);
    return 0;
}

static struct db_options options_of(void)
{
    return (struct db_options){ .folder = folder.folder,
                                .lock_wait_ms = STATE_WAIT_MS,
                                .checkpoint_bytes = CHECKPOINT_BYTES };
}

static void test_opening_fails_cleanly(void **state)
{
    (void)state;
    const struct db_options options = options_of();
    bool failed = true;
    for (long n = 1; failed; n += OPEN_STRIDE) {
        for (int lasting = 0; lasting <= 1; lasting++) {
            struct problem why = PROBLEM_NONE;
            struct db *db = NULL;
            fail_from(n, lasting != 0);
            const enum fault f = db_open(&options, &db, &why);
            failed = calm();
            assert_int_equal(f, why.fault);
            assert_true(f == FAULT_NONE || !db);
            assert_true(!failed || !lasting || f != FAULT_NONE);
            db_close(db);
        }
        assert_false(state_has(&folder, "sluice.poison"));
    }
    db_close(state_open(&folder));
}

static void test_migrating_fails_cleanly(void **state)
{
    (void)state;
    bool failed = true;
    for (long n = 1; failed; n += OPEN_STRIDE) {
        struct state inner = { "" };
        struct migrate_report report;
        struct problem why = PROBLEM_NONE;
        state_make(&inner, true);
        fail_from(n, true);
        const enum fault f = migrate_run(inner.folder, STATE_WAIT_MS, NOW, &report, &why);
        failed = calm();
        assert_int_equal(f, why.fault);
        assert_false(state_has(&inner, "sluice.poison"));
        state_migrate(&inner); /* the next run finishes it */
        state_check_integrity(&inner);
        state_remove(&inner);
    }
}

/* Every row that was acknowledged is there, and a transaction that failed has left none. */
static void test_writing_fails_cleanly(void **state)
{
    (void)state;
    bool failed = true;
    int64_t written = 0;
    int64_t perhaps = 0; /* rows of failed transactions that may have taken effect */
    for (long n = 1; failed; n++) {
        struct problem why = PROBLEM_NONE;
        const struct db_options options = options_of();
        struct db *db = NULL;
        assert_int_equal(db_open(&options, &db, &why), FAULT_NONE);
        fail_from(n, true);
        enum fault f = FAULT_NONE;
        for (int i = 0; !f && i < 4; i++) { /* enough for a checkpoint */
            f = state_write(db, FILE_OF_ALL, written + perhaps, &why);
            written += !f;
        }
        failed = calm();
        assert_int_equal(f, why.fault);
        perhaps += f && db_named(db);
        assert_false(state_has(&folder, "sluice.poison"));
        why = PROBLEM_NONE;
        assert_int_equal(db_settle(db, &why), FAULT_NONE);
        const int64_t rows = state_rows(db, FILE_OF_ALL);
        assert_in_range(rows, written, written + perhaps);
        db_close(db);
    }
    state_check_integrity(&folder);
}

int main(void)
{
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
        return 1;
    sqlite3_mem_methods failing = real;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opening_fails_cleanly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_migrating_fails_cleanly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_writing_fails_cleanly, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
