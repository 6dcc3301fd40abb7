/* Power cuts: at every place of a recorded workload, with what no sync covered lost, kept or torn,
 * the database comes up with every acknowledged transaction and no half one. */
#include "support/rig.h"
#include "support/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TRANSACTIONS = 40,
    ROWS = 3,               /* of a transaction: (file = its number, start = 0, 1, 2) */
    LITTLE_WAL = 96 * 1024, /* so that checkpoints and new beginnings of the WAL are among them */
    NESTING_MAX = 2,        /* transactions of others while one waits for its sync */
    TORN_PER_PLACE = 2,     /* images by chance at each place */
    RETRY_CUTS = 150,       /* images that go on after the cut, with an identical retry */
    SEED = 20261123,
};

static struct shim *shim;

/* A workload in the making: two processes take turns, and one commits while the other syncs. */
struct play {
    struct rig rig;
    struct tape tape;
    int64_t next;    /* number of the next transaction */
    int nesting;     /* how many wait for their sync now */
    int64_t current; /* the transaction that is at it */
    bool too_early;  /* the control: acknowledges before the sync */
    unsigned seed;
};

static void transact(struct play *play, struct db *db);

/* At a sync after the lock was given back, others commit, by chance. */
static void overtake(struct play *play)
{
    if (play->nesting >= NESTING_MAX || rand_r(&play->seed) % 2)
        return;
    transact(play, play->nesting % 2 ? play->rig.db : play->rig.other);
}

static void watch(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                  int64_t len, int64_t offset)
{
    struct play *play = ctx;
    const size_t covers = play->tape.count;
    if (op == SHIM_UNLOCK)
        return;
    if (kind == SHIM_WAL && op == SHIM_SYNC && rig_unlocked(&play->rig)) {
        if (play->too_early)
            tape_acknowledge(&play->tape, play->current);
        overtake(play);
    }
    tape_record(&play->tape, kind, op, bytes, len, offset, covers);
}

static enum fault add_rows(struct db *db, int64_t transaction, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (int64_t row = 0; !f && row < ROWS; row++)
        f = state_add(db, transaction, row, why);
    return f;
}

static enum fault write_rows(struct db *db, int64_t transaction, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f)
        f = add_rows(db, transaction, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

static void transact(struct play *play, struct db *db)
{
    struct problem why = PROBLEM_NONE;
    const int64_t transaction = play->next++;
    const int64_t outer = play->current;
    play->current = transaction;
    play->nesting++;
    if (write_rows(db, transaction, &why))
        fail_msg("transaction %d: %s: %s", (int)transaction, why.text, why.detail);
    play->nesting--;
    play->current = outer;
    tape_acknowledge(&play->tape, transaction);
}

static void play_begin(struct play *play, bool too_early, int64_t checkpoint_bytes)
{
    struct problem why = PROBLEM_NONE;
    *play = (struct play){ .next = 1, .too_early = too_early, .seed = SEED };
    rig_begin(&play->rig, shim, checkpoint_bytes);
    rig_stop(&play->rig); /* a copy made beside a connection would take its locks away */
    tape_begin(&play->tape, &play->rig.state);
    play->rig.db = state_open_with(&play->rig.state, STATE_WAIT_MS, checkpoint_bytes);
    play->rig.other = state_open_with(&play->rig.state, STATE_WAIT_MS, checkpoint_bytes);
    shim_set_watch(watch, play);
    while (play->next <= TRANSACTIONS) {
        transact(play, play->next % 2 ? play->rig.db : play->rig.other);
        if (rand_r(&play->seed) % 16 == 0)
            assert_int_equal(db_checkpoint_idle(play->rig.other, 1, &why), FAULT_NONE);
    }
    shim_set_watch(NULL, NULL);
}

static void play_end(struct play *play)
{
    tape_end(&play->tape);
    rig_end(&play->rig);
}

/* ---- what an image must hold ---- */

/* How many rows each transaction has, as anybody's SQLite finds them. */
static void count_rows(const struct state *image, int64_t rows[2 * TRANSACTIONS])
{
    char path[STATE_PATH_MAX];
    sqlite3 *sqlite = NULL;
    sqlite3_stmt *stmt = NULL;
    state_path(image, "sluice.db", path);
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(sqlite, "PRAGMA integrity_check", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    (void)sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT file, count(*) FROM blob GROUP BY file", -1,
                                        &stmt, NULL),
                     SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        assert_in_range(sqlite3_column_int64(stmt, 0), 1, 2 * TRANSACTIONS - 1);
        rows[sqlite3_column_int64(stmt, 0)] = sqlite3_column_int64(stmt, 1);
    }
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_close(sqlite);
}

/* Brings an image up and counts what is wrong with it: acknowledged transactions that are gone,
 * and halves of others. */
static int faults_of(const struct play *play, const struct state *image, size_t place)
{
    int faults = 0;
    int64_t rows[2 * TRANSACTIONS] = { 0 };
    state_migrate(image);
    count_rows(image, rows);
    for (int64_t transaction = 1; transaction < play->next; transaction++) {
        if (rows[transaction] != 0 && rows[transaction] != ROWS)
            faults++;
        if (rows[transaction] == 0 && tape_acknowledged(&play->tape, place, transaction))
            faults++;
    }
    return faults;
}

/* The faults of all images of one workload, up to the first image that has any. */
static int faults_anywhere(const struct play *play, int *images)
{
    struct state image = { "" };
    unsigned seed = SEED;
    int faults = 0;
    *images = 0;
    state_make(&image, true);
    for (size_t place = 0; !faults && place <= play->tape.count; place++) {
        for (int mode = 0; !faults && mode < TAPE_MODES; mode++) {
            tape_cut(&play->tape, place, (enum tape_mode)mode, &seed, &image);
            faults = faults_of(play, &image, place);
            ++*images;
        }
    }
    state_remove(&image);
    return faults;
}

static void test_no_power_cut_loses_an_acknowledged_transaction(void **state)
{
    (void)state;
    struct play play;
    int images = 0;
    play_begin(&play, false, LITTLE_WAL);
    assert_true(rig_database(&play.rig, SHIM_SYNC) > 1); /* checkpoints were among it */
    assert_int_equal(faults_anywhere(&play, &images), 0);
    print_message("%d images\n", images);
    assert_true(images > TRANSACTIONS);
    play_end(&play);
}

/* The control: were it acknowledged before its sync, the images would show it. */
static void test_the_images_would_show_an_early_acknowledgement(void **state)
{
    (void)state;
    struct play play;
    int images = 0;
    play_begin(&play, true, LITTLE_WAL);
    assert_true(faults_anywhere(&play, &images) > 0);
    play_end(&play);
}

/* ---- the identical retry ---- */

/* Opens an image as it was left, without or with what `sluice migrate` does at a start, and writes
 * the first lost transaction again; then the power goes once more, with everything kept.  Counts
 * lost transactions that nobody wrote again and that are back. */
static int come_back(const struct play *play, const struct state *image, bool migrated)
{
    struct problem why = PROBLEM_NONE;
    int back = 0;
    int64_t first = 0;
    bool lost[2 * TRANSACTIONS] = { false };
    int64_t rows[2 * TRANSACTIONS] = { 0 };
    if (migrated)
        state_migrate(image);
    struct db *db = state_open(image);
    for (int64_t transaction = 1; transaction < play->next; transaction++) {
        lost[transaction] = state_rows(db, transaction) == 0;
        if (lost[transaction] && first == 0)
            first = transaction;
    }
    if (first > 0 && write_rows(db, first, &why))
        fail_msg("retry: %s: %s", why.text, why.detail);
    db_close(db);

    char index[STATE_PATH_MAX];
    state_path(image, "sluice.db-shm", index);
    (void)remove(index);
    count_rows(image, rows);
    for (int64_t transaction = first + 1; first > 0 && transaction < play->next; transaction++)
        back += lost[transaction] && rows[transaction] > 0;
    return back;
}

static int come_back_anywhere(const struct play *play, bool migrated)
{
    struct state image = { "" };
    unsigned seed = SEED;
    int back = 0;
    state_make(&image, true);
    tape_cut(&play->tape, 0, TAPE_LOST, &seed, &image);
    state_migrate(&image); /* lock and counters are there from now on */
    for (int i = 0; i < RETRY_CUTS; i++) {
        const size_t place = (size_t)rand_r(&seed) % (play->tape.count + 1);
        tape_cut(&play->tape, place, TAPE_GAP, &seed, &image);
        back += come_back(play, &image, migrated);
    }
    state_remove(&image);
    return back;
}

static void test_a_retry_after_a_start_brings_no_lost_transaction_back(void **state)
{
    (void)state;
    struct play play;
    play_begin(&play, false, STATE_CHECKPOINT_BYTES);
    assert_int_equal(come_back_anywhere(&play, true), 0);
    play_end(&play);
}

/* The control: why `sluice migrate` empties the WAL at every start. */
static void test_without_it_a_retry_would_bring_one_back(void **state)
{
    (void)state;
    struct play play;
    play_begin(&play, false, STATE_CHECKPOINT_BYTES);
    assert_true(come_back_anywhere(&play, false) > 0);
    play_end(&play);
}

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_power_cut_loses_an_acknowledged_transaction),
        cmocka_unit_test(test_the_images_would_show_an_early_acknowledgement),
        cmocka_unit_test(test_a_retry_after_a_start_brings_no_lost_transaction_back),
        cmocka_unit_test(test_without_it_a_retry_would_bring_one_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
