#include "db/sqlite/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <time.h>

enum {
    ALARM_REPEAT_MS = 20, /* between alarms once the time is over */
    MS_IN_S = 1000,
    NS_IN_MS = 1000000,
};

/* An alarm that interrupts flock(2), and what it replaced. */
struct alarm {
    timer_t timer;
    struct sigaction action;
    sigset_t mask;
};

static void on_alarm(int number)
{
    (void)number; /* its arrival is all: flock returns EINTR */
}

static struct timespec timespec_of(int64_t ms)
{
    return (struct timespec){ .tv_sec = ms / MS_IN_S, .tv_nsec = ms % MS_IN_S * NS_IN_MS };
}

/* Puts the former mask and handler back.  Signals of the timer that are still pending have been
 * taken by on_alarm on the way out of timer_delete(): SIGALRM is not blocked until here. */
static void alarm_restore(const struct alarm *alarm)
{
    (void)sigprocmask(SIG_SETMASK, &alarm->mask, NULL);
    (void)sigaction(SIGALRM, &alarm->action, NULL);
}

/* The alarm rings after wait_ms and from then on again and again: one that comes just before
 * flock() enters the kernel must not be the last.  A timer of its own leaves alarm(2) alone.
 * false with errno when there is no timer to be had. */
static bool alarm_begin(struct alarm *alarm, int64_t wait_ms)
{
    struct sigaction interrupt = { .sa_handler = on_alarm }; /* without SA_RESTART */
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    const struct itimerspec when = { .it_value = timespec_of(wait_ms),
                                     .it_interval = timespec_of(ALARM_REPEAT_MS) };
    sigset_t only;
    (void)sigemptyset(&interrupt.sa_mask);
    (void)sigemptyset(&only);
    (void)sigaddset(&only, SIGALRM);

    if (timer_create(CLOCK_MONOTONIC, &event, &alarm->timer) != 0)
        return false;
    (void)sigaction(SIGALRM, &interrupt, &alarm->action);
    (void)sigprocmask(SIG_UNBLOCK, &only, &alarm->mask);
    if (timer_settime(alarm->timer, 0, &when, NULL) == 0)
        return true;
    const int code = errno;
    (void)timer_delete(alarm->timer);
    alarm_restore(alarm);
    errno = code;
    return false;
}

static void alarm_end(const struct alarm *alarm)
{
    (void)timer_delete(alarm->timer);
    alarm_restore(alarm);
}

/* 0, EWOULDBLOCK after the deadline, or what flock(2) failed with. */
static int wait_for(int fd, int64_t deadline)
{
    do {
        if (flock(fd, LOCK_EX) == 0)
            return 0;
        if (errno != EINTR)
            return errno;
    } while (clock_steady_ms() < deadline); /* other signals interrupt, too */
    return EWOULDBLOCK;
}

enum fault lock_take(int fd, int64_t wait_ms, struct problem *why)
{
    int code = lock_try(fd) ? 0 : EWOULDBLOCK;
    if (code != 0 && wait_ms > 0) {
        struct alarm alarm;
        const int64_t deadline = clock_steady_ms() + wait_ms;
        if (!alarm_begin(&alarm, wait_ms))
            return problem_errno(why, errno, "timer for the writers' lock");
        code = wait_for(fd, deadline);
        alarm_end(&alarm);
    }
    if (code == EWOULDBLOCK)
        return problem_set(why, FAULT_BUSY, "the database is busy, retry later");
    return code == 0 ? FAULT_NONE : problem_errno(why, code, "flock of the writers' lock");
}

bool lock_try(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void lock_release(int fd)
{
    (void)flock(fd, LOCK_UN);
}
