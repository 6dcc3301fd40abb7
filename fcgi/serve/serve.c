#include "serve/serve.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "serve/children.h"
#include "serve/launch.h"
#include "serve/pool.h"
#include "serve/sockets.h"
#include "serve/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    POOLS = 4,
    HEALTH_WORKERS = 1, /* a probe is answered in microseconds */
    MS_IN_S = 1000,
    CRASHED_EARLY_MS = 1000, /* a worker that fails so soon after its start has failed to start */
    PREDECESSOR_MS = 3000,   /* wait for a supervisor that is just ending */
    OLD_MAX = MIB,           /* bytes of the list of old workers */
};

static const char *const names[POOLS] = { "bulk", "read", "control", "health" };

enum phase {
    PHASE_EMPTYING,  /* old workers end, because the state is needed alone */
    PHASE_PREPARING, /* the state is migrated */
    PHASE_SERVING,
    PHASE_STOPPING,
};

struct serve {
    const struct config *config;
    const struct serve_options *options;
    struct pool pools[POOLS];
    struct children children;
    enum phase phase;
    pid_t verb;        /* of `migrate` in PHASE_PREPARING, of the question of a reload; 0: none */
    bool old_replaced; /* old workers were told to end */
    int64_t since;     /* when the present workers served; 0: not yet */
    int signals;       /* descriptors */
    int says_read;
    int says_write;
    int status;
    struct problem *why; /* of the end */
    enum fault ends;
};

/* ---- log ---- */

static void log_word(const char *level, const char *event, const char *key, const char *value)
{
    struct log_line line;
    log_begin(&line, clock_now_ms(), level, event);
    log_string(&line, key, value);
    log_end(&line);
}

static void log_death(const struct serve *s, const struct child *child, int status)
{
    struct log_line line;
    log_begin(&line, clock_now_ms(), "error", "worker_died");
    log_number(&line, "worker", child->pid);
    if (child->kind == CHILD_WORKER) {
        const struct pool *pool = &s->pools[child->pool];
        log_string(&line, "pool", pool->name);
        if (pool->failures > 0)
            log_number(&line, "retry_ms", pool->next_at - clock_steady_ms());
    }
    if (WIFSIGNALED(status))
        log_string(&line, "signal", sigabbrev_np(WTERMSIG(status)));
    else
        log_number(&line, "status", WEXITSTATUS(status));
    log_string(&line, "served", child->ready ? NULL : "no");
    log_end(&line);
}

/* ---- starting ---- */

static enum fault start_worker(struct serve *s, size_t pool, struct problem *why)
{
    struct child child = { .kind = CHILD_WORKER, .pool = pool };
    enum fault f =
        launch_worker(s->options, SOCKETS_FIRST + (int)pool, s->says_write, &child.pid, why);
    if (!f)
        f = children_add(&s->children, &child, why);
    if (!f)
        pool_started(&s->pools[pool]);
    return f;
}

static enum fault start_migrate(struct serve *s, const char *option, struct problem *why)
{
    struct child child = { .kind = CHILD_VERB };
    enum fault f = launch_migrate(s->options, option, &child.pid, why);
    if (!f)
        f = children_add(&s->children, &child, why);
    if (!f)
        s->verb = child.pid;
    return f;
}

static enum fault start_missing(struct serve *s, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < POOLS; i++) {
        while (!f && pool_wants(&s->pools[i], clock_steady_ms()))
            f = start_worker(s, i, why);
    }
    return f;
}

/* ---- ending ---- */

static void ask_to_end(struct child *child, int64_t seconds)
{
    if (child->kill_at != 0)
        return;
    child->kill_at = clock_steady_ms() + seconds * MS_IN_S;
    (void)kill(child->pid, SIGTERM);
}

static void ask_old(struct serve *s, int64_t seconds)
{
    s->old_replaced = true;
    for (size_t i = 0; i < s->children.count; i++) {
        if (s->children.list[i].kind == CHILD_OLD)
            ask_to_end(&s->children.list[i], seconds);
    }
}

static size_t count_old(const struct serve *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->children.count; i++)
        count += s->children.list[i].kind == CHILD_OLD;
    return count;
}

static void stop(struct serve *s)
{
    const bool again = s->phase == PHASE_STOPPING;
    s->phase = PHASE_STOPPING;
    status_notify("STOPPING=1");
    for (size_t i = 0; i < s->children.count; i++) {
        struct child *child = &s->children.list[i];
        const int64_t most = clock_steady_ms() + s->config->stop_s * MS_IN_S;
        ask_to_end(child, s->config->stop_s);
        if (again)
            child->kill_at = 1;
        else if (child->kill_at > most)
            child->kill_at = most;
    }
}

static void fail(struct serve *s, const struct problem *because)
{
    if (s->ends == FAULT_NONE) {
        s->ends = because->fault;
        *s->why = *because;
    }
    stop(s);
}

/* Kills who was told to end and did not; returns when the next one is due. */
static int64_t kill_overdue(struct serve *s)
{
    const int64_t now = clock_steady_ms();
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->children.count; i++) {
        struct child *child = &s->children.list[i];
        if (child->kill_at != 0 && child->kill_at <= now) {
            log_word("warn", "worker_killed", "because", "it did not finish in time");
            (void)kill(child->pid, SIGKILL);
            child->kill_at = INT64_MAX;
        }
        if (child->kill_at != 0 && child->kill_at < next)
            next = child->kill_at;
    }
    return next;
}

/* ---- serving and reloading ---- */

static bool all_serve(const struct serve *s)
{
    bool all = true;
    for (size_t i = 0; i < POOLS; i++)
        all = all && s->pools[i].ready >= s->pools[i].wanted;
    return all;
}

/* Once: the workers of this generation are there. */
static void now_serving(struct serve *s)
{
    if (s->since != 0 || s->phase != PHASE_SERVING || !all_serve(s))
        return;
    s->since = clock_now_ms();
    if (!s->old_replaced)
        ask_old(s, s->config->drain_s);
    status_write(s->status, s->config, s->since, NULL);
    status_notify("READY=1");
    struct log_line line;
    log_begin(&line, clock_now_ms(), "info", "serving");
    log_number(&line, "bulk", s->pools[0].wanted);
    log_number(&line, "read", s->pools[1].wanted);
    log_number(&line, "control", s->pools[2].wanted);
    log_number(&line, "finishing", (int64_t)count_old(s));
    log_end(&line);
}

static void begin_serving(struct serve *s)
{
    struct problem why = PROBLEM_NONE;
    s->phase = PHASE_SERVING;
    const enum fault f = status_take(s->config->state, PREDECESSOR_MS, &s->status, &why);
    if (f)
        fail(s, &why);
}

static void prepare(struct serve *s)
{
    struct problem why = PROBLEM_NONE;
    s->phase = PHASE_PREPARING;
    if (start_migrate(s, s->options->create ? "--create" : NULL, &why))
        fail(s, &why);
}

static void refuse_reload(struct serve *s, const char *because)
{
    log_word("error", "reload_refused", "because", because);
    status_write(s->status, s->config, s->since, because);
    status_notify("READY=1");
}

static void reload(struct serve *s)
{
    struct problem why = PROBLEM_NONE;
    if (s->phase != PHASE_SERVING || s->verb != 0 || s->since == 0) {
        log_word("warn", "reload_ignored", "because", "a start or a reload is under way");
        return;
    }
    status_notify("RELOADING=1");
    if (start_migrate(s, "--dry-run", &why))
        refuse_reload(s, why.text);
}

static void list_workers(const struct serve *s, struct text *out)
{
    for (size_t i = 0; i < s->children.count; i++) {
        if (s->children.list[i].kind != CHILD_VERB)
            text_addf(out, "%s%d", out->len ? "," : "", (int)s->children.list[i].pid);
    }
}

/* The new program takes this one's place.  Returns only when it cannot. */
static void execute_anew(struct serve *s, bool alone)
{
    struct problem why = PROBLEM_NONE;
    struct text old;
    text_init(&old, OLD_MAX);
    list_workers(s, &old);
    enum fault f = FAULT_NONE;
    if (text_failed(&old))
        f = problem_internal(&why, "out of memory for the list of workers");
    if (!f)
        f = launch_anew(s->options, text_string(&old), alone, names, POOLS, &why);
    text_release(&old);
    if (f)
        refuse_reload(s, why.detail[0] ? why.detail : why.text);
}

/* The verb that was started has ended. */
static void verb_ended(struct serve *s, int status)
{
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    struct problem why = PROBLEM_NONE;
    s->verb = 0;
    if (s->phase == PHASE_PREPARING && code == 0) {
        begin_serving(s);
    } else if (s->phase == PHASE_PREPARING) {
        (void)problem_set(&why, FAULT_UNAVAILABLE,
                          "the state cannot be served: sluice migrate has said why");
        fail(s, &why);
    } else if (s->phase == PHASE_SERVING && (code == 0 || code == LAUNCH_ALONE)) {
        execute_anew(s, code == LAUNCH_ALONE);
    } else if (s->phase == PHASE_SERVING) {
        refuse_reload(s, "the new program or its settings cannot serve: the line before says why");
    }
}

/* ---- what happens ---- */

/* One that was killed from outside would not repeat it, nor one that crashed in service: that is its
 * request's doing. */
static enum pool_end end_of(const struct child *child, int status)
{
    const bool early = !child->ready;
    if (WIFSIGNALED(status)) {
        const bool outside = WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM;
        return early && !outside ? POOL_FAILED : POOL_KILLED;
    }
    if (WEXITSTATUS(status) == 0)
        return POOL_DONE;
    return early || clock_steady_ms() - child->ready_at < CRASHED_EARLY_MS ? POOL_FAILED
                                                                           : POOL_KILLED;
}

static void worker_ended(struct serve *s, const struct child *child, int status)
{
    struct problem why = PROBLEM_NONE;
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (child->kind == CHILD_WORKER) {
        struct pool *pool = &s->pools[child->pool];
        pool_ended(pool, child->ready, end_of(child, status), clock_steady_ms());
        if (s->phase == PHASE_SERVING && pool_hopeless(pool)) {
            (void)problem_set(&why, FAULT_UNAVAILABLE,
                              "no worker of the %s pool starts: given up after %d tries",
                              pool->name, POOL_TRIES);
            fail(s, &why);
        }
    }
    const bool told = WIFSIGNALED(status) && child->kill_at != 0; /* before it had its handlers */
    if (!clean && !told)
        log_death(s, child, status);
}

static void reap(struct serve *s)
{
    int status = 0;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
        struct child *found = children_find(&s->children, pid);
        if (!found)
            continue; /* not ours: adopted by a container's first process */
        const struct child child = *found;
        children_remove(&s->children, found);
        if (child.kind == CHILD_VERB)
            verb_ended(s, status);
        else
            worker_ended(s, &child, status);
    }
}

static void hear_signals(struct serve *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGHUP)
            reload(s);
        else
            stop(s);
    }
}

/* Each worker writes its number once. */
static void hear_workers(struct serve *s)
{
    int32_t pid = 0;
    while (read(s->says_read, &pid, sizeof pid) == (ssize_t)sizeof pid) {
        struct child *child = children_find(&s->children, pid);
        if (!child || child->kind != CHILD_WORKER || child->ready)
            continue;
        child->ready = true;
        child->ready_at = clock_steady_ms();
        pool_serves(&s->pools[child->pool]);
    }
}

static int timeout_ms(const struct serve *s, int64_t next)
{
    if (s->phase == PHASE_SERVING) {
        for (size_t i = 0; i < POOLS; i++) {
            if (pool_next(&s->pools[i]) < next)
                next = pool_next(&s->pools[i]);
        }
    }
    const int64_t wait = next == INT64_MAX ? -1 : next - clock_steady_ms();
    if (next != INT64_MAX && wait < 0)
        return 0;
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

static void step(struct serve *s)
{
    struct problem why = PROBLEM_NONE;
    struct pollfd ready[] = { { .fd = s->signals, .events = POLLIN },
                              { .fd = s->says_read, .events = POLLIN } };
    if (s->phase == PHASE_EMPTYING && count_old(s) == 0)
        prepare(s);
    if (s->phase == PHASE_SERVING && start_missing(s, &why)) {
        fail(s, &why);
        return;
    }
    now_serving(s);
    const int64_t next = kill_overdue(s);
    if (poll(ready, sizeof ready / sizeof ready[0], timeout_ms(s, next)) < 0 && errno != EINTR) {
        (void)problem_errno(&why, errno, "poll");
        fail(s, &why);
    }
    hear_workers(s);
    hear_signals(s);
}

/* ---- start and end ---- */

static enum fault open_descriptors(struct serve *s, struct problem *why)
{
    sigset_t heard;
    int says[2];
    (void)sigemptyset(&heard);
    (void)sigaddset(&heard, SIGTERM);
    (void)sigaddset(&heard, SIGINT);
    (void)sigaddset(&heard, SIGHUP);
    (void)sigaddset(&heard, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &heard, NULL) != 0)
        return problem_errno(why, errno, "signals");
    enum fault f = sockets_open(s->options->sockets, names, POOLS, why);
    if (f)
        return f;
    s->signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signals < 0 || pipe2(says, O_CLOEXEC | O_NONBLOCK) != 0)
        return problem_errno(why, errno, "signals and messages of workers");
    s->says_read = says[0];
    s->says_write = says[1];
    return FAULT_NONE;
}

/* The workers that a reload has left: this process's children still. */
static enum fault adopt_old(struct serve *s, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (const char *at = s->options->old; at && *at && !f;) {
        const size_t len = strcspn(at, ",");
        int64_t pid = 0;
        if (!number_i64(at, len, &pid) || pid <= 1 || pid > INT_MAX)
            return problem_set(why, FAULT_MALFORMED, "--old takes numbers of processes");
        const struct child child = { .pid = (pid_t)pid, .kind = CHILD_OLD, .ready = true };
        f = children_add(&s->children, &child, why);
        at += len + (at[len] == ',');
    }
    return f;
}

static void begin(struct serve *s)
{
    if (!s->options->old) {
        prepare(s);
    } else if (s->options->old_end_first) {
        s->phase = PHASE_EMPTYING;
        ask_old(s, s->config->stop_s);
    } else {
        begin_serving(s);
    }
}

enum fault serve_run(const struct config *config, const struct serve_options *options,
                     struct problem *why)
{
    struct serve s = {
        .config = config,
        .options = options,
        .pools = { { .name = names[0], .wanted = config->bulk_workers },
                   { .name = names[1], .wanted = config->read_workers },
                   { .name = names[2], .wanted = config->control_workers },
                   { .name = names[3], .wanted = HEALTH_WORKERS } },
        .signals = -1,
        .says_read = -1,
        .says_write = -1,
        .status = -1,
        .why = why,
    };
    enum fault f = open_descriptors(&s, why);
    if (f)
        return f;
    f = adopt_old(&s, why);
    if (!f) {
        begin(&s);
        reap(&s); /* who ended while nobody listened */
        while (s.phase != PHASE_STOPPING || s.children.count > 0)
            step(&s);
        f = s.ends;
    }
    sockets_remove(options->sockets, names, POOLS);
    children_release(&s.children);
    return f;
}
