/* Checkpoints: when they come, that nobody writes meanwhile, and what their failures mean. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
    LITTLE_WAL = 64 * 1024, /* bytes at which a commit checkpoints here */
    MUCH_WAL = 2 * LITTLE_WAL,
    ENOUGH = 40, /* commits that pass it more than once */
};

static struct shim *shim;
static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_begin(&rig, shim, LITTLE_WAL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static int64_t wal_bytes(void)
{
    char path[STATE_PATH_MAX];
    struct stat status;
    state_path(&rig.state, "sluice.db-wal", path);
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static bool poisoned(void)
{
    return state_has(&rig.state, "sluice.poison");
}

struct seen {
    int unlocked; /* operations on the database file while nobody held the lock */
    int synced;   /* syncs of the WAL since the last write to it */
    int early;    /* writes to the database before the WAL had been synced */
};

static void watch_checkpoint(void *ctx, enum shim_file_kind kind, enum shim_op op,
                             const void *bytes, int64_t len, int64_t offset)
{
    struct seen *seen = ctx;
    (void)bytes;
    (void)len;
    (void)offset;
    if (kind == SHIM_WAL && op == SHIM_WRITE)
        seen->synced = 0;
    if (kind == SHIM_WAL && op == SHIM_SYNC)
        seen->synced++;
    if (kind == SHIM_DATABASE && (op == SHIM_WRITE || op == SHIM_SYNC) && rig_unlocked(&rig))
        seen->unlocked++;
    if (kind == SHIM_DATABASE && op == SHIM_WRITE && seen->synced == 0)
        seen->early++;
}

static void test_a_grown_wal_is_checkpointed_by_a_commit_under_the_lock(void **state)
{
    (void)state;
    struct seen seen = { 0 };
    shim_set_watch(watch_checkpoint, &seen);
    for (int i = 0; i < ENOUGH; i++)
        rig_write(i % 2 ? rig.db : rig.other, FILE_A, i);
    assert_true(rig_database(&rig, SHIM_SYNC) >= 2);
    assert_int_equal(seen.unlocked, 0);
    assert_int_equal(seen.early, 0);
    assert_in_range(wal_bytes(), 1, MUCH_WAL); /* and begins anew */
    assert_int_equal(state_rows(rig.db, FILE_A), ENOUGH);
    state_check_integrity(&rig.state);
}

/* A checkpoint of the whole WAL has made the commit before it durable. */
static void test_a_commit_that_checkpointed_does_not_sync_again(void **state)
{
    (void)state;
    int commits = 0;
    while (rig_database(&rig, SHIM_SYNC) == 0) {
        shim_calm(shim);
        rig_write(rig.db, FILE_A, commits++);
    }
    assert_true(commits > 2);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 2); /* ours before the checkpoint, and its own */
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 2);
}

static void test_a_reader_delays_checkpoints_and_no_commit(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    rig_write(rig.db, FILE_A, 0);
    assert_int_equal(db_read_begin(rig.other, &why), FAULT_NONE);
    assert_int_equal(state_rows(rig.other, FILE_A), 1);
    shim_calm(shim);
    for (int i = 1; i <= ENOUGH; i++)
        rig_write(rig.db, FILE_A, i);
    assert_int_equal(rig_database(&rig, SHIM_SYNC), 0); /* nothing was completed */
    assert_true(wal_bytes() > MUCH_WAL);
    db_read_end(rig.other);
    for (int i = 1; i <= ENOUGH; i++)
        rig_write(rig.db, FILE_A, i);
    assert_true(rig_database(&rig, SHIM_SYNC) > 0);
    state_check_integrity(&rig.state);
}

static const struct {
    const char *label;
    enum shim_op op;
    int code;
    int system;
} refusals[] = {
    { "a write, no space", SHIM_WRITE, SQLITE_FULL, 0 },
    { "a write, read-only", SHIM_WRITE, SQLITE_IOERR_WRITE, EROFS },
    { "a sync, no space", SHIM_SYNC, SQLITE_IOERR_FSYNC, ENOSPC },
    { "a sync, over quota", SHIM_SYNC, SQLITE_IOERR_FSYNC, EDQUOT },
    { "a sync, read-only", SHIM_SYNC, SQLITE_IOERR_FSYNC, EROFS },
};

/* Where the disk refuses the database's bytes, the log has them still. */
static void test_a_checkpoint_that_is_refused_is_tried_again_and_spoils_no_answer(void **state)
{
    for (size_t k = 0; k < sizeof refusals / sizeof refusals[0]; k++) {
        (void)fprintf(stderr, "case: %s\n", refusals[k].label);
        atomic_store(&shim->system, refusals[k].system);
        shim_fail(shim, SHIM_DATABASE, refusals[k].op, 0, refusals[k].code);
        for (int i = 0; i < ENOUGH; i++)
            rig_write(rig.db, FILE_A, i);
        assert_in_range(rig_database(&rig, refusals[k].op), 2, ENOUGH / 2); /* not each commit */
        assert_false(poisoned());
        shim_calm(shim);
        for (int i = 0; i < ENOUGH; i++)
            rig_write(rig.db, FILE_B, i);
        assert_true(rig_database(&rig, SHIM_SYNC) > 0);
        state_check_integrity(&rig.state);
        (void)tear_down(state);
        (void)set_up(state);
    }
}

static const struct {
    const char *label;
    enum shim_op op;
    int code;
    int system;
} failures[] = {
    { "a sync of the database", SHIM_SYNC, SQLITE_IOERR_FSYNC, 0 },
    { "a sync of the database, out of reach", SHIM_SYNC, SQLITE_IOERR_FSYNC, EIO },
    { "a write to the database", SHIM_WRITE, SQLITE_IOERR_WRITE, EIO },
};

static void test_a_checkpoint_that_fails_on_the_device_ends_all_writing(void **state)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        struct problem why = PROBLEM_NONE;
        int commits = 0;
        shim_fail(shim, SHIM_DATABASE, failures[i].op, 0, failures[i].code);
        atomic_store(&shim->system, failures[i].system);
        while (state_write(rig.db, FILE_A, commits, &why) == FAULT_NONE && commits < ENOUGH)
            commits++;
        if (why.fault != FAULT_UNAVAILABLE)
            fail_msg("%s: %s: %s", failures[i].label, fault_name(why.fault), why.detail);
        assert_true(commits > 2 && commits < ENOUGH);
        assert_true(db_named(rig.db));
        assert_true(poisoned());
        shim_calm(shim);
        rig_refuse(&rig, rig.db, FAULT_UNAVAILABLE);
        rig_refuse(&rig, rig.other, FAULT_UNAVAILABLE);

        rig_stop(&rig);
        state_migrate(&rig.state);
        rig.db = state_open(&rig.state);
        assert_true(state_rows(rig.db, FILE_A) >= commits);
        state_check_integrity(&rig.state);
        (void)tear_down(state);
        (void)set_up(state);
    }
}

static void test_idle_processes_empty_the_wal(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    rig_write(rig.db, FILE_A, 0);
    const int64_t size = wal_bytes();
    assert_int_equal(db_checkpoint_idle(rig.other, size + 1, &why), FAULT_NONE);
    assert_int_equal(wal_bytes(), size);
    assert_int_equal(db_checkpoint_idle(rig.other, size, &why), FAULT_NONE);
    assert_int_equal(wal_bytes(), 0);
    assert_true(rig_unlocked(&rig));
    shim_calm(shim);
    rig_settle(rig.db);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 0);
    assert_int_equal(state_rows(rig.db, FILE_A), 1);
}

static void test_idle_processes_leave_writers_and_readers_alone(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    rig_write(rig.db, FILE_A, 0);
    const int64_t size = wal_bytes();

    assert_int_equal(flock(rig.lock, LOCK_EX), 0);
    assert_int_equal(db_checkpoint_idle(rig.other, 1, &why), FAULT_NONE);
    assert_int_equal(flock(rig.lock, LOCK_UN), 0);
    assert_int_equal(wal_bytes(), size);

    assert_int_equal(db_read_begin(rig.db, &why), FAULT_NONE);
    assert_int_equal(state_rows(rig.db, FILE_A), 1);
    assert_int_equal(db_checkpoint_idle(rig.other, 1, &why), FAULT_NONE);
    assert_int_equal(db_checkpoint_idle(rig.db, 1, &why), FAULT_NONE); /* in a transaction */
    assert_int_equal(wal_bytes(), size);
    db_read_end(rig.db);
    assert_int_equal(db_checkpoint_idle(rig.other, 1, &why), FAULT_NONE);
    assert_int_equal(wal_bytes(), 0);
}

static void test_closing_never_checkpoints(void **state)
{
    (void)state;
    rig_write(rig.db, FILE_A, 0);
    const int64_t size = wal_bytes();
    rig_stop(&rig);
    assert_int_equal(wal_bytes(), size);
    assert_int_equal(rig_database(&rig, SHIM_WRITE), 0);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_a_grown_wal_is_checkpointed_by_a_commit_under_the_lock),
        RIGGED(test_a_commit_that_checkpointed_does_not_sync_again),
        RIGGED(test_a_reader_delays_checkpoints_and_no_commit),
        RIGGED(test_a_checkpoint_that_is_refused_is_tried_again_and_spoils_no_answer),
        RIGGED(test_a_checkpoint_that_fails_on_the_device_ends_all_writing),
        RIGGED(test_idle_processes_empty_the_wal),
        RIGGED(test_idle_processes_leave_writers_and_readers_alone),
        RIGGED(test_closing_never_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
