/* The alarm of the writers' lock may ring before flock(2) has entered the kernel: it must ring again.
 * The race is won every time here by a flock that dawdles until the first alarm is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/state.h"

enum { WAIT_MS = 10, DAWDLE_MS = 15, PATIENCE_S = 20, MODE = 0600 };

/* Sleeps through the first alarm, and then enters before the second. */
static int dawdling_flock(int fd, int operation)
{
    const struct timespec little = { .tv_nsec = 1000000 };
    const int64_t until = clock_steady_ms() + DAWDLE_MS;
    while (operation == LOCK_EX && clock_steady_ms() < until)
        (void)nanosleep(&little, NULL);
    return flock(fd, operation);
}

/* The code under test, with that flock; it takes the place of the library's. */
#define flock dawdling_flock
/* NOLINTNEXTLINE(bugprone-suspicious-include): clang-tidy; a .c on purpose, see above */
#include "db/sqlite/lock.c"
#undef flock

static struct state folder;

static int open_lock(void)
{
    char path[STATE_PATH_MAX];
    state_path(&folder, "sluice.lock", path);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, MODE);
    assert_true(fd >= 0);
    return fd;
}

/* In a process of its own, since it would wait for ever if the alarm rang once. */
static void wait_in_vain(void)
{
    struct problem why = PROBLEM_NONE;
    const int fd = open_lock();
    _exit(lock_take(fd, WAIT_MS, &why) == FAULT_BUSY ? 0 : 1);
}

static void test_an_alarm_before_the_wait_is_not_the_last(void **state)
{
    (void)state;
    const struct timespec little = { .tv_nsec = 10000000 };
    const int holder = open_lock();
    assert_true(lock_try(holder));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        wait_in_vain();
    const int64_t until = clock_steady_ms() + PATIENCE_S * (int64_t)MS_IN_S;
    int status = 0;
    pid_t ended = 0;
    while (ended == 0 && clock_steady_ms() < until) {
        (void)nanosleep(&little, NULL);
        ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        fail_msg("it waits for ever");
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    (void)close(holder);
}

int main(void)
{
    state_make(&folder, true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_alarm_before_the_wait_is_not_the_last),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    state_remove(&folder);
    return failed;
}
