/* The writers' lock: bounded, never deaf to its timer, and gone with its holder. */
#include "base/clock.h"
#include "db/sqlite/lock.h"
#include "support/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MODE = 0600,
    WAIT_MS = 200,
    LONG_WAIT_MS = 2000,
    LATE_MS = 2000, /* what a loaded machine may add */
    US_IN_MS = 1000,
};

static struct state folder;
static int mine; /* two open files, as two processes have them */
static int theirs;

static int open_lock(void)
{
    char path[STATE_PATH_MAX];
    state_path(&folder, "sluice.lock", path);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);
    assert_true(fd >= 0);
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    state_make(&folder, true);
    mine = open_lock();
    theirs = open_lock();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(mine);
    (void)close(theirs);
    state_remove(&folder);
    return 0;
}

/* Waits in vain and checks that it took WAIT_MS. */
static void wait_in_vain(void)
{
    struct problem why = PROBLEM_NONE;
    const int64_t from = clock_steady_ms();
    assert_int_equal(lock_take(mine, WAIT_MS, &why), FAULT_BUSY);
    const int64_t took = clock_steady_ms() - from;
    assert_in_range(took, WAIT_MS - 1, WAIT_MS + LATE_MS);
    assert_string_equal(why.text, "the database is busy, retry later");
}

static void test_a_free_lock_is_taken_at_once(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    assert_int_equal(lock_take(mine, 0, &why), FAULT_NONE);
    assert_false(lock_try(theirs));
    lock_release(mine);
    assert_true(lock_try(theirs));
    lock_release(theirs);
    lock_release(theirs);
}

static void test_waiting_ends_in_time_with_busy(void **state)
{
    (void)state;
    assert_true(lock_try(theirs));
    wait_in_vain();
    lock_release(theirs);
    assert_true(lock_try(mine)); /* nothing of the failed wait is left in the queue */
}

static void test_a_short_wait_ends_too(void **state)
{
    (void)state;
    assert_true(lock_try(theirs));
    for (int64_t wait_ms = 0; wait_ms <= 3; wait_ms++) {
        for (int i = 0; i < 20; i++) { /* its alarm may come before flock is entered */
            struct problem why = PROBLEM_NONE;
            assert_int_equal(lock_take(mine, wait_ms, &why), FAULT_BUSY);
        }
    }
}

static void test_waiting_ends_although_the_signal_was_blocked(void **state)
{
    (void)state;
    sigset_t alarm_only;
    sigset_t before;
    sigset_t after;
    (void)sigemptyset(&alarm_only);
    (void)sigaddset(&alarm_only, SIGALRM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &alarm_only, &before), 0);
    assert_true(lock_try(theirs));
    wait_in_vain();
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, &after), 0);
    assert_true(sigismember(&after, SIGALRM));
}

static void on_alarm(int number)
{
    (void)number;
}

static void test_handler_and_alarm_of_the_process_are_as_before(void **state)
{
    (void)state;
    const struct sigaction own = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    const struct itimerval hour = { .it_value = { .tv_sec = 3600 } };
    struct sigaction before;
    struct sigaction after;
    struct itimerval left;
    assert_int_equal(sigaction(SIGALRM, &own, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &hour, NULL), 0);
    assert_true(lock_try(theirs));
    wait_in_vain();
    assert_int_equal(getitimer(ITIMER_REAL, &left), 0);
    assert_in_range(left.it_value.tv_sec, 3500, 3600);
    assert_int_equal(sigaction(SIGALRM, NULL, &after), 0);
    assert_ptr_equal(after.sa_handler, on_alarm);
    assert_int_equal(after.sa_flags & SA_RESTART, SA_RESTART);
    const struct itimerval none = { .it_value = { 0 } };
    (void)setitimer(ITIMER_REAL, &none, NULL);
    (void)sigaction(SIGALRM, &before, NULL);
}

/* Runs body in a process of its own. */
static pid_t start(void (*body)(void))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    return child;
}

static void expect_end(pid_t child, int signal_number)
{
    int status = 0;
    pid_t ended = -1;
    do {
        ended = waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR); /* some children send signals */
    assert_int_equal(ended, child);
    assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, signal_number);
    assert_true(signal_number || WEXITSTATUS(status) == 0);
}

static void hold_for_a_while(void)
{
    const int fd = open_lock(); /* an open file of its own, not the parent's */
    if (!lock_try(fd))
        _exit(1);
    (void)usleep(WAIT_MS * US_IN_MS);
}

static void wait_until_held(void)
{
    while (lock_try(theirs)) {
        lock_release(theirs);
        (void)usleep(US_IN_MS);
    }
}

static void test_a_waiter_gets_the_lock_when_its_holder_ends(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    const pid_t child = start(hold_for_a_while);
    wait_until_held();
    const int64_t from = clock_steady_ms();
    assert_int_equal(lock_take(mine, LONG_WAIT_MS, &why), FAULT_NONE);
    assert_true(clock_steady_ms() - from < LONG_WAIT_MS);
    expect_end(child, 0);
}

static void hold_for_ever(void)
{
    const int fd = open_lock();
    if (!lock_try(fd))
        _exit(1);
    (void)pause();
}

static void test_a_killed_holder_gives_the_lock_back(void **state)
{
    (void)state;
    struct problem why = PROBLEM_NONE;
    const pid_t child = start(hold_for_ever);
    wait_until_held();
    wait_in_vain();
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(lock_take(mine, LONG_WAIT_MS, &why), FAULT_NONE);
    expect_end(child, SIGKILL);
}

static void pester_parent(void)
{
    for (int i = 0; i < WAIT_MS / 2; i++) {
        (void)kill(getppid(), SIGUSR2);
        (void)usleep(US_IN_MS);
    }
}

static void test_other_signals_neither_shorten_nor_lengthen_the_wait(void **state)
{
    (void)state;
    const struct sigaction ignore = { .sa_handler = on_alarm };
    assert_int_equal(sigaction(SIGUSR2, &ignore, NULL), 0);
    assert_true(lock_try(theirs));
    const pid_t child = start(pester_parent);
    wait_in_vain();
    expect_end(child, 0);
}

enum { CONTENDERS = 16, TURNS = 200 };

static void contend(void)
{
    const int fd = open_lock();
    for (int i = 0; i < TURNS; i++) {
        struct problem why = PROBLEM_NONE;
        if (lock_take(fd, STATE_WAIT_MS, &why))
            _exit(1);
        lock_release(fd);
    }
}

static void test_no_waiter_is_forgotten(void **state)
{
    (void)state;
    pid_t children[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++)
        children[i] = start(contend);
    for (int i = 0; i < CONTENDERS; i++)
        expect_end(children[i], 0);
    assert_true(lock_try(mine));
}

#define LOCKED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCKED(test_a_free_lock_is_taken_at_once),
        LOCKED(test_waiting_ends_in_time_with_busy),
        LOCKED(test_a_short_wait_ends_too),
        LOCKED(test_waiting_ends_although_the_signal_was_blocked),
        LOCKED(test_handler_and_alarm_of_the_process_are_as_before),
        LOCKED(test_a_waiter_gets_the_lock_when_its_holder_ends),
        LOCKED(test_a_killed_holder_gives_the_lock_back),
        LOCKED(test_other_signals_neither_shorten_nor_lengthen_the_wait),
        LOCKED(test_no_waiter_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
