/* Transactions and the durable commit: the order of its steps, and what it costs. */
#include "db/sqlite/counters.h"
#include "db/token_store.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct shim *shim;
static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_begin(&rig, shim, STATE_CHECKPOINT_BYTES);
    /* The first commit of a WAL syncs its header, too; the tests count without that. */
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

/* ---- the order ---- */

struct seen {
    bool wrote_locked; /* every write came while the lock was held */
    bool sync_free;    /* the last sync came when it was free */
    bool sync_visible; /* and when another process saw the row */
};

static void watch_order(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                        int64_t len, int64_t offset)
{
    struct seen *seen = ctx;
    (void)bytes;
    (void)len;
    (void)offset;
    if (kind == SHIM_WAL && op == SHIM_WRITE && rig_unlocked(&rig))
        seen->wrote_locked = false;
    if (kind == SHIM_WAL && op == SHIM_SYNC) {
        seen->sync_free = rig_unlocked(&rig);
        seen->sync_visible = state_rows(rig.other, FILE_B) == 1;
    }
}

static void test_a_commit_is_visible_and_unlocked_before_it_is_synced(void **state)
{
    (void)state;
    struct seen seen = { .wrote_locked = true };
    shim_set_watch(watch_order, &seen);
    rig_write(rig.db, FILE_B, 0);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
    assert_int_equal(rig_database(&rig, SHIM_SYNC), 0);
    assert_true(rig_wal(&rig, SHIM_WRITE) > 0);
    assert_true(seen.wrote_locked);
    assert_true(seen.sync_free);
    assert_true(seen.sync_visible);
}

/* ---- who syncs ---- */

/* When a sync is entered, the other process commits and syncs before it goes on. */
static void watch_overtake(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                           int64_t len, int64_t offset)
{
    (void)ctx;
    (void)bytes;
    (void)len;
    (void)offset;
    if (kind != SHIM_DATABASE || op != SHIM_UNLOCK)
        return;
    shim_set_watch(NULL, NULL);
    (void)state_rows(rig.other, FILE_B); /* settling is for what was read */
    rig_settle(rig.other);
}

static void test_every_commit_syncs_what_nobody_has_synced(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        rig_write(i % 2 ? rig.db : rig.other, FILE_A, i);
        assert_int_equal(rig_wal(&rig, SHIM_SYNC), i);
    }
}

/* A sync of somebody else that began before COMMIT had returned must not count for it: it may have
 * missed its frames. */
static void test_a_sync_begun_inside_a_commit_does_not_count_for_it(void **state)
{
    (void)state;
    shim_set_watch(watch_overtake, NULL);
    rig_write(rig.db, FILE_B, 0);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 2); /* the settler's and the writer's own */
}

static void test_settling_is_free_when_everything_is_durable(void **state)
{
    (void)state;
    rig_write(rig.db, FILE_B, 0);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
    rig_settle(rig.db);
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
}

static void test_several_transactions_may_share_one_sync(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
        assert_int_equal(state_add(rig.db, FILE_B, i, &why), FAULT_NONE);
        assert_int_equal(db_commit_unsettled(rig.db, &why), FAULT_NONE);
        assert_true(db_named(rig.db));
        assert_true(rig_unlocked(&rig));
    }
    assert_int_equal(state_rows(rig.other, FILE_B), 3);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 0);
    rig_settle(rig.db);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
}

static struct counters *counters_of_rig(void)
{
    struct counters *counters = NULL;
    struct problem why = PROBLEM_NONE;
    const int folder = open(rig.state.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(counters_open(folder, false, &counters, &why), FAULT_NONE);
    (void)close(folder);
    return counters;
}

static void test_the_numbers_never_fall(void **state)
{
    (void)state;
    struct counters *counters = counters_of_rig();
    const uint64_t durable = atomic_load(&counters->durable);
    assert_true(durable > 0);
    counters_settle(counters, durable + 5); /* a sync that knew of more came first */
    counters_settle(counters, durable + 3);
    assert_int_equal(atomic_load(&counters->durable), durable + 5);
    counters_close(counters);
}

/* A crash may leave an old mixture of the numbers: a commit must not take itself for durable. */
static void test_a_start_levels_whatever_numbers_a_crash_has_left(void **state)
{
    (void)state;
    struct counters *counters = counters_of_rig();
    rig_stop(&rig);
    atomic_store(&counters->durable, atomic_load(&counters->committed) + 1000);
    counters_close(counters);
    state_migrate(&rig.state);
    rig.db = state_open(&rig.state);
    rig_write(rig.db, FILE_A, 1);
    shim_calm(shim);
    rig_write(rig.db, FILE_A, 2);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), 1);
}

static void kill_at(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                    int64_t len, int64_t offset)
{
    const enum shim_op *last = ctx;
    (void)kind;
    (void)bytes;
    (void)len;
    (void)offset;
    if (op == *last)
        (void)kill(getpid(), SIGKILL);
}

static void write_and_die(struct rig *of, enum shim_op at)
{
    struct problem why = PROBLEM_NONE;
    struct db *db = state_open(&of->state);
    shim_set_watch(kill_at, &at);
    (void)!state_write(db, FILE_B, 0, &why);
}

static void die_before_sync(struct rig *of)
{
    write_and_die(of, SHIM_SYNC);
}

static void die_inside_commit(struct rig *of)
{
    write_and_die(of, SHIM_UNLOCK);
}

static void test_settling_syncs_what_a_killed_writer_left(void **state)
{
    (void)state;
    assert_int_equal(rig_in_child(&rig, die_before_sync), SIGKILL);
    assert_int_equal(state_rows(rig.other, FILE_B), 1);
    const int before = rig_wal(&rig, SHIM_SYNC);
    rig_settle(rig.other);
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), before + 1);
}

/* Its row can be seen although it never came to say that it has committed. */
static void test_settling_syncs_for_a_writer_killed_inside_its_commit(void **state)
{
    (void)state;
    assert_int_equal(rig_in_child(&rig, die_inside_commit), SIGKILL);
    assert_int_equal(state_rows(rig.other, FILE_B), 1);
    const int before = rig_wal(&rig, SHIM_SYNC);
    rig_settle(rig.other);
    assert_int_equal(state_rows(rig.other, FILE_B), 1);
    rig_settle(rig.other); /* nobody knows better until the next commit */
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), before + 2);
    rig_write(rig.db, FILE_A, 1);
    assert_int_equal(state_rows(rig.other, FILE_B), 1);
    rig_settle(rig.other);
    assert_int_equal(rig_wal(&rig, SHIM_SYNC), before + 3);
}

/* ---- transactions ---- */

/* A cache that spills is half of a defect of SQLite 3.40.1 (db/README.md, spilled-rollback). */
static void test_a_large_transaction_writes_nothing_before_its_commit(void **state)
{
    (void)state;
    enum { ROWS = 8000, TEXT = 500, ID = 16 }; /* 4 MB, twice the cache */
    char id[ID];
    char text[TEXT + 1];
    struct problem why = PROBLEM_NONE;
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        struct query q = query_for(rig.db, STMT_TOKEN_ADD);
        query_text(&q, ":id", id);
        query_text(&q, ":name", id);
        query_blob(&q, ":hash", text, TOKEN_HASH_BYTES);
        query_text(&q, ":rights", text);
        query_text(&q, ":scope", "");
        query_int(&q, ":created_at", 0);
        query_int(&q, ":expires_at", 0);
        assert_int_equal(query_run(&q, NULL, &why), FAULT_NONE);
    }
    assert_int_equal(rig_wal(&rig, SHIM_WRITE), 0);
    assert_int_equal(db_commit(rig.db, &why), FAULT_NONE);
    assert_true(rig_wal(&rig, SHIM_WRITE) > 1000);
}

static void test_a_rollback_takes_everything_back_and_frees_the_lock(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    assert_false(rig_unlocked(&rig));
    assert_int_equal(state_add(rig.db, FILE_B, 0, &why), FAULT_NONE);
    db_rollback(rig.db);
    assert_true(rig_unlocked(&rig));
    assert_false(db_named(rig.db));
    assert_int_equal(state_rows(rig.db, FILE_B), 0);
    db_rollback(rig.db); /* and once more is harmless */
    rig_write(rig.other, FILE_B, 0);
}

static void test_closing_takes_the_open_transaction_back(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    assert_int_equal(state_add(rig.db, FILE_B, 0, &why), FAULT_NONE);
    db_close(rig.db);
    rig.db = NULL;
    assert_true(rig_unlocked(&rig));
    assert_int_equal(state_rows(rig.other, FILE_B), 0);
}

static void test_a_failing_statement_spoils_nothing_but_its_transaction(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_begin(rig.db, &why), FAULT_NONE);
    assert_int_equal(state_add(rig.db, FILE_B, 0, &why), FAULT_NONE);
    assert_int_equal(state_add(rig.db, FILE_B, -1, &why), FAULT_INTERNAL); /* CHECK (start >= 0) */
    assert_string_equal(why.text, "internal error");
    assert_non_null(strstr(why.detail, "BLOB_ADD"));
    db_rollback(rig.db);
    assert_int_equal(state_rows(rig.db, FILE_B), 0);
    rig_write(rig.db, FILE_B, 0);
}

static void test_a_read_transaction_sees_one_state(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(db_read_begin(rig.db, &why), FAULT_NONE);
    assert_int_equal(state_rows(rig.db, FILE_B), 0);
    rig_write(rig.other, FILE_B, 0); /* readers keep nobody from writing */
    assert_int_equal(state_rows(rig.db, FILE_B), 0);
    db_read_end(rig.db);
    assert_int_equal(state_rows(rig.db, FILE_B), 1);
    db_read_end(rig.db);
}

static void test_a_query_left_in_the_middle_is_refused_until_it_is_ended(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    bool row = false;
    rig_write(rig.db, FILE_A, 1);
    struct query first = query_for(rig.db, STMT_BLOB_CONTENTS);
    query_int(&first, ":file", FILE_A);
    assert_int_equal(query_step(&first, &row, &why), FAULT_NONE);
    assert_true(row);

    struct query second = query_for(rig.db, STMT_BLOB_CONTENTS);
    query_int(&second, ":file", FILE_B);
    assert_int_equal(query_step(&second, &row, &why), FAULT_INTERNAL);
    assert_false(row);
    assert_non_null(strstr(why.detail, "BLOB_CONTENTS"));
    query_done(&second);

    why = PROBLEM_NONE;
    assert_int_equal(query_step(&first, &row, &why), FAULT_NONE); /* goes on undisturbed */
    assert_true(row);
    assert_int_equal(query_column_int(&first, 0), 1);
    db_rollback(rig.db);
    assert_int_equal(state_rows(rig.db, FILE_A), 2);
}

static void test_binding_remembers_its_first_failure(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    bool row = true;
    struct query q = query_for(rig.db, STMT_BLOB_GET);
    query_int(&q, ":nobody", 1);
    query_int(&q, ":blob", 1);
    assert_int_equal(query_step(&q, &row, &why), FAULT_INTERNAL);
    assert_false(row);
    assert_non_null(strstr(why.detail, "BLOB_GET"));
}

static void test_another_programs_writer_makes_us_answer_busy(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    sqlite3 *person = NULL;
    state_path(&rig.state, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &person), SQLITE_OK);
    assert_int_equal(sqlite3_exec(person, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    rig_refuse(&rig, rig.db, FAULT_BUSY);
    assert_int_equal(sqlite3_exec(person, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(person), SQLITE_OK);
    rig_write(rig.db, FILE_B, 0);
}

static void test_a_connection_that_only_looks_writes_nothing(void **state)
{
    (void)state;
    const struct db_options options = { .folder = rig.state.folder, .read_only = true };
    struct problem why = PROBLEM_NONE;
    struct db *db = NULL;
    assert_int_equal(db_open(&options, &db, &why), FAULT_NONE);
    assert_int_equal(state_rows(db, FILE_A), 1);
    assert_int_equal(db_settle(db, &why), FAULT_NONE);
    assert_int_equal(db_checkpoint_idle(db, 1, &why), FAULT_NONE);
    assert_int_equal(rig_database(&rig, SHIM_WRITE), 0);
    assert_int_equal(db_begin(db, &why), FAULT_INTERNAL);
    db_close(db);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_a_commit_is_visible_and_unlocked_before_it_is_synced),
        RIGGED(test_every_commit_syncs_what_nobody_has_synced),
        RIGGED(test_a_sync_begun_inside_a_commit_does_not_count_for_it),
        RIGGED(test_settling_is_free_when_everything_is_durable),
        RIGGED(test_several_transactions_may_share_one_sync),
        RIGGED(test_the_numbers_never_fall),
        RIGGED(test_a_start_levels_whatever_numbers_a_crash_has_left),
        RIGGED(test_settling_syncs_what_a_killed_writer_left),
        RIGGED(test_settling_syncs_for_a_writer_killed_inside_its_commit),
        RIGGED(test_a_large_transaction_writes_nothing_before_its_commit),
        RIGGED(test_a_rollback_takes_everything_back_and_frees_the_lock),
        RIGGED(test_closing_takes_the_open_transaction_back),
        RIGGED(test_a_failing_statement_spoils_nothing_but_its_transaction),
        RIGGED(test_a_read_transaction_sees_one_state),
        RIGGED(test_a_query_left_in_the_middle_is_refused_until_it_is_ended),
        RIGGED(test_binding_remembers_its_first_failure),
        RIGGED(test_another_programs_writer_makes_us_answer_busy),
        RIGGED(test_a_connection_that_only_looks_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
