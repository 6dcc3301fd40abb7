/* What a disk that fails, or is full, leads to: nothing acknowledged is lost, nothing more is
 * promised. */
#include "db/migrate.h"
#include "db/sqlite/lock.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1700000000, SHORT_WAIT_MS = 100 };

static struct shim *shim;
static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_begin(&rig, shim, STATE_CHECKPOINT_BYTES);
    rig_write(rig.db, FILE_A, 0);
    shim_calm(shim);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static bool poisoned(void)
{
    return state_has(&rig.state, "sluice.poison");
}

/* A sync fails, once; what the kernel says afterwards is good again. */
static void fail_one_sync(void)
{
    shim_fail(shim, SHIM_WAL, SHIM_SYNC, 0, SQLITE_IOERR_FSYNC);
    rig_refuse(&rig, rig.db, FAULT_UNAVAILABLE);
    shim_calm(shim);
}

static struct migrate_report migrate(void)
{
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    if (migrate_run(rig.state.folder, SHORT_WAIT_MS, NOW, &report, &why))
        fail_msg("migrate: %s: %s", why.text, why.detail);
    return report;
}

static void test_a_failed_sync_is_no_answer_and_leaves_the_mark(void **state)
{
    (void)state;
    assert_false(poisoned());
    fail_one_sync();
    assert_true(poisoned());
    assert_true(db_named(rig.db)); /* the rows may be there: the bytes they name must stay */
}

static void test_after_a_failed_sync_this_process_neither_writes_nor_syncs(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    fail_one_sync();
    rig_refuse(&rig, rig.db, FAULT_UNAVAILABLE);
    assert_int_equal(db_settle(rig.db, &why), FAULT_UNAVAILABLE);
    assert_int_equal(db_checkpoint_idle(rig.db, 1, &why), FAULT_UNAVAILABLE);
    assert_true(rig_unlocked(&rig));
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 0);
    assert_int_equal(rig_wal(&rig, SHIM_WRITE), 0);
    assert_int_equal(rig_database(&rig, SHIM_WRITE), 0);
}

static void test_it_does_not_trust_a_mark_that_was_taken_away_under_it(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    fail_one_sync();
    state_path(&rig.state, "sluice.poison", path);
    assert_int_equal(unlink(path), 0);
    rig_refuse(&rig, rig.db, FAULT_UNAVAILABLE);
    rig_refuse(&rig, rig.other, FAULT_UNAVAILABLE); /* the word in shared memory is still set */
}

static void refused_in_new_process(struct rig *of)
{
    struct db *db = state_open(&of->state); /* a respawned worker serves all the same */
    assert_int_equal(state_rows(db, FILE_A), 1);
    rig_refuse(of, db, FAULT_UNAVAILABLE);
    db_close(db);
}

static void test_after_a_failed_sync_no_other_process_writes_either(void **state)
{
    (void)state;
    fail_one_sync();
    rig_refuse(&rig, rig.other, FAULT_UNAVAILABLE);
    rig_stop(&rig);
    assert_int_equal(rig_in_child(&rig, refused_in_new_process), 0);
    assert_int_equal(rig_wal(&rig, SHIM_WRITE), 0);
}

/* Another process reports a failure while this one is between its COMMIT and its answer. */
static void watch_mark(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                       int64_t len, int64_t offset)
{
    char path[STATE_PATH_MAX];
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)offset;
    if (kind != SHIM_WAL || op != SHIM_SYNC)
        return;
    state_path(&rig.state, "sluice.poison", path);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    assert_true(fd >= 0);
    (void)close(fd);
}

static void test_a_mark_set_during_our_own_sync_keeps_us_from_answering(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    shim_set_watch(watch_mark, NULL);
    assert_int_equal(state_write(rig.db, FILE_B, 0, &why), FAULT_UNAVAILABLE);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
    assert_true(db_named(rig.db));
}

static void test_a_failed_sync_inside_commit_counts_like_our_own(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_checkpoint_idle(rig.db, 1, &why), FAULT_NONE); /* the WAL is empty now */
    fail_one_sync();                                                   /* that of its new header */
    assert_true(poisoned());
    rig_refuse(&rig, rig.other, FAULT_UNAVAILABLE);
}

static void test_migrate_checks_the_database_and_takes_the_mark_away(void **state)
{
    (void)state;
    fail_one_sync();
    rig_stop(&rig);
    const struct migrate_report report = migrate();
    assert_true(report.was_poisoned);
    assert_false(report.created);
    assert_false(poisoned());

    rig.db = state_open(&rig.state);
    assert_int_equal(state_rows(rig.db, FILE_A), 1); /* what was answered stands */
    rig_write(rig.db, FILE_B, 1);
    state_check_integrity(&rig.state);
    rig_stop(&rig);
    assert_false(migrate().was_poisoned);
}

static void test_migrate_leaves_the_mark_while_a_process_is_there(void **state)
{
    (void)state;
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    fail_one_sync();
    assert_int_equal(migrate_run(rig.state.folder, SHORT_WAIT_MS, NOW, &report, &why), FAULT_BUSY);
    assert_non_null(strstr(why.text, "stop the service"));
    assert_true(poisoned());
    rig_refuse(&rig, rig.other, FAULT_UNAVAILABLE);
}

/* Overwrites the head of the first page of the table blob, when no connection is open. */
static void damage_database(void)
{
    enum { PAGE = 4096, LEN = 64 };
    char path[STATE_PATH_MAX];
    char junk[LEN];
    memset(junk, 'x', sizeof junk);
    const int64_t page =
        state_number(&rig.state, "SELECT rootpage FROM sqlite_schema WHERE name = 'blob'");
    state_path(&rig.state, "sluice.db", path);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, junk, sizeof junk, (page - 1) * PAGE), LEN);
    (void)close(fd);
}

static void test_migrate_leaves_the_mark_on_a_damaged_database(void **state)
{
    (void)state;
    struct migrate_report report;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_checkpoint_idle(rig.db, 1, &why), FAULT_NONE);
    fail_one_sync();
    rig_stop(&rig);
    damage_database();
    assert_int_equal(migrate_run(rig.state.folder, SHORT_WAIT_MS, NOW, &report, &why),
                     FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "restore a backup"));
    assert_true(poisoned());
}

/* ---- no space, and other failed writes ---- */

static const struct {
    const char *label;
    int spare; /* writes to the WAL that still succeed */
    int code;
    int system;
    enum fault fault;
    bool named;
} writes[] = {
    { "full at the first frame", 0, SQLITE_FULL, 0, FAULT_STORAGE_FULL, false },
    { "full inside a frame", 1, SQLITE_FULL, 0, FAULT_STORAGE_FULL, false },
    { "full at the last frame", 3, SQLITE_FULL, 0, FAULT_STORAGE_FULL, false },
    { "quota", 1, SQLITE_IOERR_WRITE, EDQUOT, FAULT_STORAGE_FULL, false },
    { "no space, as an I/O error", 1, SQLITE_IOERR_WRITE, ENOSPC, FAULT_STORAGE_FULL, false },
    { "broken device", 1, SQLITE_IOERR_WRITE, EIO, FAULT_INTERNAL, true },
    { "remounted read-only", 1, SQLITE_IOERR_WRITE, EROFS, FAULT_UNAVAILABLE, false },
    { "out of memory", 1, SQLITE_NOMEM, 0, FAULT_INTERNAL, true },
};

static void test_a_failed_write_takes_its_transaction_back_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        (void)fprintf(stderr, "case: %s\n", writes[i].label);
        atomic_store(&shim->system, writes[i].system);
        shim_fail(shim, SHIM_WAL, SHIM_WRITE, writes[i].spare, writes[i].code);
        rig_refuse(&rig, rig.db, writes[i].fault);
        assert_int_equal(db_named(rig.db), writes[i].named);
        assert_false(poisoned());
        shim_calm(shim);
        assert_int_equal(state_rows(rig.other, FILE_B), 0);
        rig_write(rig.other, FILE_A, 1);
        rig_write(rig.db, FILE_A, 2);
    }
    state_check_integrity(&rig.state);
}

/* A commit of which nothing is there leaves nothing to wait for: reads go on although the disk takes
 * neither writes nor syncs. */
static void test_reads_go_on_while_the_disk_refuses_writes(void **state)
{
    (void)state;
    rig_settle(rig.other);
    shim_fail(shim, SHIM_WAL, SHIM_WRITE, 0, SQLITE_IOERR_WRITE);
    shim_fail(shim, SHIM_WAL, SHIM_SYNC, 0, SQLITE_IOERR_FSYNC);
    atomic_store(&shim->system, EROFS);
    rig_refuse(&rig, rig.db, FAULT_UNAVAILABLE);
    assert_int_equal(state_rows(rig.other, FILE_A), 1);
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 0);
    assert_false(poisoned());
}

/* After a failed sync an answer may rest on what was durable before it, and on nothing else. */
static void test_after_a_failed_sync_only_reads_of_durable_rows_are_answered(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    char path[STATE_PATH_MAX];
    state_path(&rig.state, "sluice.poison", path);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(state_rows(rig.other, FILE_A), 1);
    rig_settle(rig.other);

    assert_int_equal(unlink(path), 0);
    fail_one_sync();
    assert_int_equal(state_rows(rig.other, FILE_A), 1);
    assert_int_equal(db_settle(rig.other, &why), FAULT_UNAVAILABLE);
}

static void test_a_start_without_room_serves_reads_and_writes_once_there_is_room(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    rig_stop(&rig);
    shim_calm(shim);
    shim_fail(shim, SHIM_DATABASE, SHIM_WRITE, 0, SQLITE_FULL);
    assert_true(migrate().full);
    rig.db = state_open(&rig.state);
    rig.other = state_open(&rig.state);
    assert_int_equal(state_rows(rig.other, FILE_A), 1);
    rig_settle(rig.other);
    rig_refuse(&rig, rig.db, FAULT_STORAGE_FULL);
    assert_int_equal(migrate_check(rig.state.folder, &why), FAULT_STORAGE_FULL);
    assert_int_equal(rig_wal(&rig, SHIM_WRITE), 0); /* nothing behind what a crash may have left */

    shim_calm(shim);
    rig_write(rig.other, FILE_A, 1);
    assert_true(rig_wal(&rig, SHIM_TRUNCATE) > 0);
    why = PROBLEM_NONE;
    assert_int_equal(migrate_check(rig.state.folder, &why), FAULT_NONE);
    state_check_integrity(&rig.state);
}

static void test_what_clients_read_of_a_failure_names_neither_path_nor_sql(void **state)
{
    (void)state;
    static const int codes[] = { SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct problem why = PROBLEM_NONE;
        shim_fail(shim, SHIM_WAL, SHIM_WRITE, 0, codes[i]);
        assert_int_not_equal(state_write(rig.db, FILE_B, 0, &why), FAULT_NONE);
        assert_null(strstr(why.text, rig.state.folder));
        assert_null(strstr(why.text, "SQL"));
        assert_null(strstr(why.text, "/"));
        assert_true(strlen(why.text) > 0);
        assert_true(strlen(why.detail) > 0);
    }
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_a_failed_sync_is_no_answer_and_leaves_the_mark),
        RIGGED(test_after_a_failed_sync_this_process_neither_writes_nor_syncs),
        RIGGED(test_it_does_not_trust_a_mark_that_was_taken_away_under_it),
        RIGGED(test_after_a_failed_sync_no_other_process_writes_either),
        RIGGED(test_a_mark_set_during_our_own_sync_keeps_us_from_answering),
        RIGGED(test_a_failed_sync_inside_commit_counts_like_our_own),
        RIGGED(test_migrate_checks_the_database_and_takes_the_mark_away),
        RIGGED(test_migrate_leaves_the_mark_while_a_process_is_there),
        RIGGED(test_migrate_leaves_the_mark_on_a_damaged_database),
        RIGGED(test_a_failed_write_takes_its_transaction_back_and_nothing_else),
        RIGGED(test_reads_go_on_while_the_disk_refuses_writes),
        RIGGED(test_after_a_failed_sync_only_reads_of_durable_rows_are_answered),
        RIGGED(test_a_start_without_room_serves_reads_and_writes_once_there_is_room),
        RIGGED(test_what_clients_read_of_a_failure_names_neither_path_nor_sql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
