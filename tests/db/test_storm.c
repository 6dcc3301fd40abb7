/* Many processes at once, and processes killed at any moment: no answer is wrong. */
#include "db/sqlite/counters.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WRITERS = 16,
    COMMITS = 200, /* of each writer, where nobody is killed */
    KILLS = 60,    /* of writers, at random moments */
    KILL_EVERY_US = 15000,
    CHECKPOINT_BYTES = 256 * 1024, /* little, so that many come */
    SEED = 20261123,
};

static struct state folder;

static int set_up(void **state)
{
    (void)state;
    state_make(&folder, false);
    state_migrate(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    state_remove(&folder);
    return 0;
}

/* What a writer acknowledges: one write to a pipe, whole or not at all (PIPE_BUF). */
struct ack {
    int64_t file;
    int64_t start;
};

/* Reads how many rows a file has inside the write transaction and adds the next: a lost or a
 * doubled turn would show as a gap or a repeated number. */
static enum fault take_turn(struct db *db, int64_t file, int64_t *start, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f) {
        *start = state_rows(db, file);
        f = state_add(db, file, *start, why);
    }
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

/* One writer process: turns on the file they all share and on one of its own. */
static void write_turns(int64_t own, int turns, int acks)
{
    struct db *db = state_open_with(&folder, STATE_WAIT_MS, CHECKPOINT_BYTES);
    for (int i = 0; i < turns; i++) {
        struct problem why = PROBLEM_NONE;
        struct ack ack = { .file = i % 2 ? own : WRITERS };
        if (take_turn(db, ack.file, &ack.start, &why)) {
            (void)fprintf(stderr, "writer: %s: %s\n", why.text, why.detail);
            _exit(1);
        }
        if (write(acks, &ack, sizeof ack) != (ssize_t)sizeof ack)
            _exit(2);
    }
    db_close(db);
    _exit(0);
}

static pid_t start_writer(int64_t own, int turns, int acks)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
        write_turns(own, turns, acks);
    }
    return child;
}

static void test_sixteen_writers_lose_nothing_and_keep_one_order(void **state)
{
    (void)state;
    pid_t children[WRITERS];
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < WRITERS; i++)
        children[i] = start_writer(i, COMMITS, nowhere);
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    (void)close(nowhere);
    assert_int_equal(state_number(&folder, "SELECT count(*) FROM blob"), WRITERS * COMMITS);
    assert_int_equal(state_number(&folder, "SELECT count(DISTINCT start) FROM blob"
                                           " WHERE file = 16"),
                     WRITERS * COMMITS / 2);
    assert_int_equal(state_number(&folder, "SELECT max(start) + 1 FROM blob WHERE file = 16"),
                     WRITERS * COMMITS / 2);
    /* Rows are numbered in the order of commits: the shared turns must ascend with them. */
    assert_int_equal(state_number(&folder, "SELECT count(*) FROM blob AS a JOIN blob AS b"
                                           "    ON b.file = a.file AND b.start = a.start + 1"
                                           " WHERE a.file = 16 AND b.blob < a.blob"),
                     0);
    state_check_integrity(&folder);

    const int fd = open(folder.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct counters *counters = NULL;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(counters_open(fd, false, &counters, &why), FAULT_NONE);
    assert_int_equal(atomic_load(&counters->committed), WRITERS * COMMITS);
    assert_int_equal(atomic_load(&counters->begun), WRITERS * COMMITS);
    assert_int_equal(atomic_load(&counters->durable), WRITERS * COMMITS);
    counters_close(counters);
    (void)close(fd);
}

/* ---- kills ---- */

struct ledger {
    int64_t most[2 * WRITERS]; /* by file: rows that were acknowledged */
    int64_t acks;
};

/* Takes what has been acknowledged so far off the pipe, which does not block. */
static void read_acks(int fd, struct ledger *ledger)
{
    struct ack ack;
    ssize_t got = read(fd, &ack, sizeof ack);
    while (got == (ssize_t)sizeof ack) {
        assert_in_range(ack.file, 0, 2 * WRITERS - 1);
        if (ledger->most[ack.file] < ack.start + 1)
            ledger->most[ack.file] = ack.start + 1;
        ledger->acks++;
        got = read(fd, &ack, sizeof ack);
    }
    assert_true(got < 0 && errno == EAGAIN);
}

/* Kills one writer after another and starts its successor, as the supervisor does. */
static void storm(pid_t children[WRITERS], const int pipes[2], struct ledger *ledger,
                  unsigned *seed)
{
    for (int i = 0; i < KILLS; i++) {
        const int victim = rand_r(seed) % WRITERS;
        int status = 0;
        (void)usleep((useconds_t)(rand_r(seed) % KILL_EVERY_US));
        assert_int_equal(kill(children[victim], SIGKILL), 0);
        assert_int_equal(waitpid(children[victim], &status, 0), children[victim]);
        assert_true(WIFSIGNALED(status)); /* none has ended by itself, with a fault */
        children[victim] = start_writer(victim, INT32_MAX, pipes[1]);
        read_acks(pipes[0], ledger);
    }
}

static void check_ledger(const struct ledger *ledger)
{
    struct db *db = state_open(&folder);
    for (int64_t file = 0; file <= WRITERS; file++) {
        const int64_t rows = state_rows(db, file);
        if (rows < ledger->most[file])
            fail_msg("file %d: %d rows, %d acknowledged", (int)file, (int)rows,
                     (int)ledger->most[file]);
    }
    db_close(db);
}

static void test_killed_writers_lose_no_acknowledged_row(void **state)
{
    (void)state;
    pid_t children[WRITERS];
    int pipes[2];
    struct ledger ledger = { .acks = 0 };
    unsigned seed = SEED;
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(fcntl(pipes[1], F_SETFL, 0) == 0); /* writers wait for room */
    for (int i = 0; i < WRITERS; i++)
        children[i] = start_writer(i, INT32_MAX, pipes[1]);
    storm(children, pipes, &ledger, &seed);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(kill(children[i], SIGKILL), 0);
        assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
    }
    read_acks(pipes[0], &ledger);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    assert_true(ledger.acks > KILLS);

    check_ledger(&ledger); /* as a respawned worker sees it */
    state_check_integrity(&folder);
    state_migrate(&folder);
    check_ledger(&ledger); /* and after the next start of the service */
    state_check_integrity(&folder);
    assert_false(state_has(&folder, "sluice.poison"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sixteen_writers_lose_nothing_and_keep_one_order,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writers_lose_no_acknowledged_row, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
