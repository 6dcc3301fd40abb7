/*
 * reload.c - sluice reload: asks the supervisor of the state to replace its workers, and says truly
 * what came of it.
 */
#include "base/clock.h"
#include "serve/status.h"
#include "verb/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WAIT_MS = 120 * 1000, /* until the new workers serve: a migration may be among it */
    LOOK_MS = 20,
    NS_IN_MS = 1000000,
};

static enum fault not_served(const struct config *config, struct problem *why)
{
    return problem_set(why, FAULT_MISSING, "no sluice serve is using the state in %s",
                       config->state);
}

/* Waits for another word than before. */
static enum fault await(const struct config *config, const struct status *before,
                        struct status *now, struct problem *why)
{
    const int64_t end = clock_steady_ms() + WAIT_MS;
    while (clock_steady_ms() < end) {
        const bool lives = status_read(config->state, now);
        if (lives && now->since != before->since)
            return FAULT_NONE;
        if (lives && now->refused_at != before->refused_at)
            return problem_set(why, FAULT_UNAVAILABLE, "nothing was changed: %s", now->refused);
        if (!lives && kill(before->pid, 0) != 0 && errno == ESRCH)
            return problem_set(why, FAULT_UNAVAILABLE, "sluice serve has ended: its log says why");
        (void)nanosleep(&(struct timespec){ .tv_nsec = (int64_t)LOOK_MS * NS_IN_MS }, NULL);
    }
    return problem_set(why, FAULT_STALLED, "the new workers do not serve after %d s",
                       WAIT_MS / 1000);
}

int verb_reload(const struct config *config, int argc, char **argv)
{
    struct status before;
    struct status now;
    struct problem why = PROBLEM_NONE;
    (void)argv;
    if (argc > 1)
        return verb_misused("reload");
    enum fault f = status_read(config->state, &before) ? FAULT_NONE : not_served(config, &why);
    if (!f && kill(before.pid, SIGHUP) != 0)
        f = problem_errno(&why, errno, "signal to sluice serve");
    if (!f)
        f = await(config, &before, &now, &why);
    if (f)
        return verb_failed(&why);
    (void)puts("the present program and settings serve");
    return EXIT_DONE;
}
