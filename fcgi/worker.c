/*
 * worker.c - waits, accepts, serves, cleans up; http/fcgx.c does the talking.
 */
#include "worker.h"

#include "auth/auth.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "blob/blob.h"
#include "db/db.h"
#include "http/congestion.h"
#include "http/fcgx.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LISTENER = STDIN_FILENO,
    IDLE_MS = 500,               /* without a request before the write-ahead log is looked at */
    IDLE_CHECKPOINT_BYTES = MIB, /* of it that are worth a checkpoint */
    RECYCLE_SPREAD = 8,          /* workers end up to one part in so many early */
    REQUEST_ID_BYTES = 16,
    LOGGED_PATH_MAX = 512,
    STATUS_INTERNAL = 500,
};

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

struct worker {
    const struct config *config;
    const struct surface *const *surfaces;
    size_t surface_count;
    const struct surface *fallback;
    struct db *db;
    struct blob_store *blobs;
    struct arena *arena;
    struct fcgx *fcgx;
    sigset_t while_waiting;
    int64_t requests_left;
    bool idle_work; /* something was written since the last look at the write-ahead log */
};

/* ---- waiting ---- */

/* libfcgi takes SIGTERM and SIGUSR1 for itself only where they are still default, so ours go in
 * before it starts.  It turns an ignored SIGPIPE into a handler without SA_RESTART, so that one is
 * ignored after. */
static enum fault start_signals(struct worker *w, struct problem *why)
{
    struct sigaction stop = { .sa_handler = on_stop };
    sigset_t held;
    (void)sigemptyset(&stop.sa_mask);
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &held, &w->while_waiting) != 0 ||
        sigaction(SIGTERM, &stop, NULL) != 0 || sigaction(SIGUSR1, &stop, NULL) != 0)
        return problem_errno(why, errno, "signals");
    /* a parent may have blocked them; here they must come through */
    (void)sigdelset(&w->while_waiting, SIGTERM);
    (void)sigdelset(&w->while_waiting, SIGUSR1);
    enum fault f = fcgx_create(&w->fcgx, why);
    if (!f && signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        f = problem_errno(why, errno, "signals");
    return f;
}

/* Several workers wait for one socket; whoever comes late must not block in accept. */
static enum fault start_listener(struct problem *why)
{
    int listening = 0;
    socklen_t len = sizeof listening;
    if (getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 || !listening)
        return problem_set(why, FAULT_UNAVAILABLE,
                           "descriptor 0 is no listening socket; sluice serve starts workers");
    const int flags = fcntl(LISTENER, F_GETFL);
    if (flags < 0 || fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK) != 0)
        return problem_errno(why, errno, "listening socket");
    return FAULT_NONE;
}

enum event { EVENT_CONNECTION, EVENT_KEPT, EVENT_IDLE, EVENT_STOP, EVENT_FAILED };

/* ppoll() delivers no signal when a descriptor is ready at once, so under load it would put a stop
 * off for ever. */
static bool stop_pending(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGUSR1) == 1);
}

/* Waits for a new connection or for a request on the kept one, with the stop signals let through
 * only here.  A signal at any other moment stays pending, so none is ever lost. */
static enum event wait_event(const struct worker *w)
{
    struct pollfd ready[] = {
        { .fd = LISTENER, .events = POLLIN },
        { .fd = fcgx_kept(w->fcgx), .events = POLLIN }, /* below 0 is not looked at */
    };
    const struct timespec idle = { .tv_nsec = IDLE_MS * 1000L * 1000L };
    while (!stopping && !stop_pending()) {
        const int count = ppoll(ready, sizeof ready / sizeof ready[0], w->idle_work ? &idle : NULL,
                                &w->while_waiting);
        if (count == 0)
            return EVENT_IDLE;
        if (count < 0 && errno != EINTR)
            return EVENT_FAILED;
        if (count > 0 && ready[1].revents)
            return EVENT_KEPT;
        if (count > 0)
            return EVENT_CONNECTION;
    }
    return EVENT_STOP;
}

/* *taken is false when a sibling was quicker or the peer is gone already: that is no error, and
 * asking again is the answer. */
static enum fault accept_connection(struct worker *w, bool *taken, struct problem *why)
{
    const struct fcgx_patience patience = { .stall_s = w->config->body_timeout_s,
                                            .least = w->config->least_rate,
                                            .window_s = w->config->least_rate_window_s };
    const int connection = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
    if (connection >= 0)
        *taken = fcgx_take(w->fcgx, connection, patience);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        return problem_errno(why, errno, "accept");
    return FAULT_NONE;
}

/* ---- serving ---- */

/* The path as it was sent; the query may hold secrets and is left out. */
static void log_path(struct log_line *line, const struct exchange *x)
{
    char path[LOGGED_PATH_MAX];
    const char *raw = x->io.param(x->io.ctx, "REQUEST_URI");
    if (!raw)
        return;
    const size_t len = strcspn(raw, "?");
    (void)snprintf(path, sizeof path, "%.*s", len < sizeof path ? (int)len : (int)sizeof path, raw);
    log_string(line, "path", path);
}

static void log_request(const struct exchange *x, int64_t began, bool sent,
                        const struct problem *why)
{
    struct log_line line;
    const bool ours =
        why->fault == FAULT_INTERNAL || why->fault == FAULT_DAMAGED || x->status == STATUS_INTERNAL;
    log_begin(&line, clock_now_ms(), ours ? "error" : "info", "request");
    log_string(&line, "id", x->request_id);
    log_string(&line, "method", x->method);
    log_path(&line, x);
    log_string(&line, "surface", x->surface ? x->surface->name : NULL);
    log_number(&line, "status", x->status);
    log_number(&line, "in", (int64_t)x->body_bytes);
    log_number(&line, "out", x->head_only ? 0 : (int64_t)x->reply_bytes);
    log_number(&line, "ms", clock_steady_ms() - began);
    log_string(&line, "client", x->io.param(x->io.ctx, "REMOTE_ADDR"));
    log_string(&line, "who", x->caller ? x->caller->name : NULL);
    log_string(&line, "resource", x->resource);
    log_string(&line, "sent", sent ? NULL : "no");
    log_string(&line, "fault", why->fault ? fault_name(why->fault) : NULL);
    log_string(&line, "detail", why->detail);
    log_end(&line);
}

/* A pool without a free worker is the operator's to know: who holds this one. */
static void warn_full(void *ctx)
{
    const struct exchange *x = ctx;
    struct log_line line;
    log_begin(&line, clock_now_ms(), "warn", "pool_full");
    log_string(&line, "id", x->request_id);
    log_string(&line, "method", x->method);
    log_path(&line, x);
    log_number(&line, "in", (int64_t)x->body_bytes);
    log_number(&line, "out", (int64_t)x->reply_bytes);
    log_string(&line, "client", x->io.param(x->io.ctx, "REMOTE_ADDR"));
    log_string(&line, "who", x->caller ? x->caller->name : NULL);
    log_string(&line, "resource", x->resource);
    log_end(&line);
}

/* A client's own id is kept, so that its log and ours name a request alike, when it can stand
 * anywhere: letters, digits, '.', '_', '-' and ':'.  It names, and proves nothing. */
static void name_request(struct exchange *x)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-:";
    uint8_t bytes[REQUEST_ID_BYTES];
    const char *own = x->io.param(x->io.ctx, "HTTP_X_REQUEST_ID");
    const size_t len = own ? strspn(own, allowed) : 0;
    if (len > 0 && len < sizeof x->request_id && own[len] == '\0') {
        memcpy(x->request_id, own, len + 1);
        return;
    }
    clock_random(bytes, sizeof bytes);
    text_hex(bytes, sizeof bytes, x->request_id);
}

/* Everything that a request may have left open is closed here, whatever happened. */
static void serve(struct worker *w)
{
    struct problem why = PROBLEM_NONE;
    struct congestion congestion;
    struct exchange x = {
        .config = w->config,
        .db = w->db,
        .blobs = w->blobs,
        .arena = w->arena,
        .io = fcgx_io(w->fcgx),
        .now = clock_now_ms(),
    };
    congestion_begin(&congestion, LISTENER, warn_full, &x);
    fcgx_when_waited(w->fcgx, congestion_look, &congestion);
    name_request(&x);
    clock_random(x.random, sizeof x.random);
    if (exchange_open(&x, &why))
        (void)route_refuse(&x, w->surfaces, w->surface_count, w->fallback, &why);
    else if (fcgx_asks(w->fcgx))
        (void)route_allow(&x, w->surfaces, w->surface_count, w->fallback, auth_require, &why);
    else
        (void)route_serve(&x, w->surfaces, w->surface_count, w->fallback, &why);
    db_rollback(w->db);
    blob_drop(w->blobs);

    bool sent = x.reply == REPLY_DONE;
    if (x.reply == REPLY_STREAMING)
        fcgx_break(w->fcgx);
    else
        sent = fcgx_answer(w->fcgx) && sent;
    if (!fcgx_asks(w->fcgx) || why.fault) /* what was allowed comes again */
        log_request(&x, congestion.began, sent, &why);
    fcgx_when_waited(w->fcgx, NULL, NULL);
    fcgx_end(w->fcgx, x.body == BODY_COMPLETE);
    exchange_close(&x);
    arena_reset(w->arena);
}

static void idle(struct worker *w)
{
    struct problem why = PROBLEM_NONE;
    w->idle_work = false;
    if (db_checkpoint_idle(w->db, IDLE_CHECKPOINT_BYTES, &why) == FAULT_NONE)
        return;
    struct log_line line;
    log_begin(&line, clock_now_ms(), "warn", "idle_checkpoint_failed");
    log_string(&line, "fault", fault_name(why.fault));
    log_string(&line, "detail", why.detail);
    log_end(&line);
}

static void serve_next(struct worker *w)
{
    if (!fcgx_begin(w->fcgx))
        return;
    serve(w);
    w->idle_work = w->idle_work || db_named(w->db);
    w->requests_left--;
}

static enum fault serve_all(struct worker *w, struct problem *why)
{
    enum fault f = FAULT_NONE;
    while (!f && w->requests_left > 0) {
        bool taken = false;
        switch (wait_event(w)) {
        case EVENT_CONNECTION:
            f = accept_connection(w, &taken, why);
            if (taken)
                serve_next(w);
            break;
        case EVENT_KEPT:
            serve_next(w);
            break;
        case EVENT_IDLE:
            idle(w);
            break;
        case EVENT_STOP:
            return FAULT_NONE;
        case EVENT_FAILED:
            return problem_errno(why, errno, "ppoll");
        }
    }
    return f;
}

/* ---- start and end ---- */

/* The same count for all workers of a pool would end them all at once. */
static int64_t requests_of(const struct config *config, pid_t pid)
{
    const int64_t most = config->recycle_requests;
    return most - pid % (most / RECYCLE_SPREAD + 1);
}

/* What one request needed in large pieces goes back when they are freed: left to itself malloc takes
 * ever larger ones from the heap once one of that size was freed, and they stay between small ones
 * there.  The heap's end is kept, for it is needed again at once. */
static void bound_heap(void)
{
    enum { LARGE = MIB, KEPT = 2 * MIB };
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}

/* Rows name the bytes that were sealed before: they stay. */
static void keep_named(void *blobs)
{
    blob_keep(blobs);
}

static enum fault open_stores(struct worker *w, struct problem *why)
{
    const struct config *config = w->config;
    const struct db_options options = {
        .folder = config->state,
        .lock_wait_ms = config->lock_wait_ms,
        .checkpoint_bytes = config->checkpoint_bytes,
    };
    uint64_t number = 0;
    clock_random(&number, sizeof number);
    w->arena = arena_create(ARENA_MAX);
    if (!w->arena)
        return problem_internal(why, "no memory for the arena");
    enum fault f = db_open(&options, &w->db, why);
    if (!f) {
        const char *folder = arena_printf(w->arena, "%s/" BLOB_FOLDER, config->state);
        f = folder ? blob_open(folder, blob_worker_of(number), &w->blobs, why)
                   : problem_internal(why, "no memory for a path");
    }
    if (!f) {
        db_when_named(w->db, keep_named, w->blobs);
        blob_leave_free(w->blobs, config->free_floor_bytes);
    }
    return f;
}

static void log_end_of(const struct worker *w)
{
    struct log_line line;
    log_begin(&line, clock_now_ms(), "info", "worker_ended");
    log_string(&line, "because", w->requests_left > 0 ? "stopped" : "recycled");
    log_end(&line);
}

/* To the supervisor, which is there or has ended. */
static void say_ready(int says)
{
    const int32_t pid = getpid();
    if (says < 0)
        return;
    (void)!write(says, &pid, sizeof pid);
    (void)close(says);
}

enum fault worker_run(const struct config *config, int says, const struct surface *const *surfaces,
                      size_t count, const struct surface *fallback, struct problem *why)
{
    struct worker w = {
        .config = config,
        .surfaces = surfaces,
        .surface_count = count,
        .fallback = fallback,
        .requests_left = requests_of(config, getpid()),
    };
    bound_heap();
    enum fault f = start_signals(&w, why);
    if (!f)
        f = start_listener(why);
    if (!f)
        f = open_stores(&w, why);
    if (!f) {
        say_ready(says);
        f = serve_all(&w, why);
    }
    if (!f)
        log_end_of(&w);
    fcgx_destroy(w.fcgx);
    blob_close(w.blobs);
    db_close(w.db);
    arena_destroy(w.arena);
    return f;
}
