#include "http/fcgx.h"

#include "base/clock.h"
#include "base/limits.h"

#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* One direction of a request: what came or went while we waited for it. */
struct pace {
    int64_t waited_ms;
    uint64_t bytes;
};

enum {
    CODINGS_MAX = 128
}; /* bytes of several Content-Encoding lines; what is longer is no coding */

struct fcgx {
    FCGX_Request request;
    struct fcgx_patience patience;
    struct pace in;
    struct pace out;
    void (*waited)(void *ctx); /* NULL: nobody asks */
    void *waited_ctx;
    char codings
        [CODINGS_MAX]; /* several Content-Encoding lines as one; empty: there is one at most */
    bool answered;     /* the whole answer was handed to the web server */
};

enum { MS_A_SECOND = 1000, WRITE_PIECE = 8 * KIB /* bytes: libfcgi's own buffer */ };
enum { LINGER_MS = 2000, LINGER_CHUNK = 16 * KIB, SETTLE_MS = 20 };

enum fault fcgx_create(struct fcgx **out, struct problem *why)
{
    struct fcgx *fcgx = calloc(1, sizeof *fcgx);
    if (!fcgx)
        return problem_internal(why, "no memory for libfcgi");
    /* no listening socket: libfcgi is given connections and accepts none itself */
    if (FCGX_Init() != 0 || FCGX_InitRequest(&fcgx->request, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
        free(fcgx);
        return problem_internal(why, "libfcgi does not start");
    }
    *out = fcgx;
    return FAULT_NONE;
}

void fcgx_destroy(struct fcgx *fcgx)
{
    if (!fcgx)
        return;
    fcgx_drop(fcgx);
    free(fcgx);
}

/* To FCGX_Accept_r() this is a connection that was kept open after an earlier request; a detached
 * one it closes without lingering when it finds no request. */
bool fcgx_take(struct fcgx *fcgx, int connection, struct fcgx_patience patience)
{
    const struct timeval timeout = { .tv_sec = (time_t)patience.stall_s };
    fcgx->patience = patience;
    fcgx_drop(fcgx);
    if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) {
        (void)close(connection);
        return false;
    }
    fcgx->request.ipcFd = connection;
    fcgx->request.keepConnection = 1;
    fcgx->request.detached = 1;
    return true;
}

int fcgx_kept(const struct fcgx *fcgx)
{
    return fcgx->request.ipcFd;
}

/* FCGX_Free() would wait up to two seconds for the peer to close first. */
void fcgx_drop(struct fcgx *fcgx)
{
    FCGX_Free(&fcgx->request, 0);
    if (fcgx->request.ipcFd >= 0)
        (void)close(fcgx->request.ipcFd);
    fcgx->request.ipcFd = -1;
}

/* FCGX_Accept_r() takes parameters that break off between two of them for all there are; only the
 * error tells. */
bool fcgx_begin(struct fcgx *fcgx)
{
    fcgx->answered = false;
    fcgx->in = (struct pace){ 0, 0 };
    fcgx->out = (struct pace){ 0, 0 };
    if (fcgx->request.ipcFd < 0 || FCGX_Accept_r(&fcgx->request) != 0)
        return false;
    const int role = fcgx->request.role;
    if ((role == FCGI_RESPONDER || role == FCGI_AUTHORIZER) && FCGX_GetError(fcgx->request.in) == 0)
        return true;
    fcgx_drop(fcgx);
    return false;
}

bool fcgx_asks(const struct fcgx *fcgx)
{
    return fcgx->request.role == FCGI_AUTHORIZER;
}

void fcgx_when_waited(struct fcgx *fcgx, void (*waited)(void *ctx), void *ctx)
{
    fcgx->waited = waited;
    fcgx->waited_ctx = ctx;
}

static const char coding_param[] = "HTTP_CONTENT_ENCODING";

/* nginx passes each line of a header on its own, of which libfcgi gives the first; lighttpd passes them
 * joined, as RFC 9110 section 5.3 has it.  Content-Encoding says how the body is read, so both are read
 * alike. */
static void join_codings(struct fcgx *fcgx)
{
    const char *const *params = (const char *const *)fcgx->request.envp;
    size_t count = 0;
    size_t used = 0;
    fcgx->codings[0] = '\0';
    for (; *params; params++) {
        const size_t len = sizeof coding_param - 1;
        if (strncmp(*params, coding_param, len) != 0 || (*params)[len] != '=')
            continue;
        const int n = snprintf(fcgx->codings + used, sizeof fcgx->codings - used, "%s%s",
                               count ? ", " : "", *params + len + 1);
        used += n > 0 && (size_t)n < sizeof fcgx->codings - used ? (size_t)n : 0;
        count++;
    }
    if (count < 2)
        fcgx->codings[0] = '\0';
}

static const char *get_param(void *ctx, const char *name)
{
    const struct fcgx *fcgx = ctx;
    if (fcgx->codings[0] && strcmp(name, coding_param) == 0)
        return fcgx->codings;
    return FCGX_GetParam(name, fcgx->request.envp);
}

/* Counts bytes that came or went since began; false when they are too few for the time that we have
 * waited for such. */
static bool pace_holds(const struct fcgx *fcgx, struct pace *pace, size_t bytes, int64_t began)
{
    const struct fcgx_patience *patience = &fcgx->patience;
    pace->bytes += bytes;
    pace->waited_ms += clock_steady_ms() - began;
    if (fcgx->waited)
        fcgx->waited(fcgx->waited_ctx);
    if (patience->least == 0 || pace->waited_ms < patience->window_s * MS_A_SECOND)
        return true;
    const bool holds =
        pace->bytes / (uint64_t)(pace->waited_ms / MS_A_SECOND) >= (uint64_t)patience->least;
    *pace = (struct pace){ 0, 0 };
    return holds;
}

/* What FCGX_GetStr() is short for: the end, or an error, which is told by a number above 0 (errno) or
 * below (the peer closed, took the request back, or broke the protocol). */
static enum fault read_end(const struct fcgx *fcgx, struct problem *why)
{
    const int error = FCGX_GetError(fcgx->request.in);
    if (error == EAGAIN)
        return problem_set(why, FAULT_STALLED, "the body made no progress");
    if (error != 0)
        return problem_set(why, FAULT_ABORTED, "the request was broken off");
    return FAULT_NONE;
}

/* FCGX_GetStr() waits until it has all that was asked for, or the end: it is asked for what libfcgi
 * holds already, and FCGX_GetChar(), which waits for more, is timed. */
static enum fault read_body(void *ctx, void *bytes, size_t len, size_t *got, struct problem *why)
{
    struct fcgx *fcgx = ctx;
    FCGX_Stream *in = fcgx->request.in;
    char *at = bytes;
    size_t left = len;
    while (left > 0) {
        const size_t held = in->stop > in->rdNext ? (size_t)(in->stop - in->rdNext) : 0;
        const int want = (int)(held < left ? held : left);
        if (held > 0) {
            const int count = FCGX_GetStr(at, want, in);
            at += count;
            left -= (size_t)count;
            continue;
        }
        const int64_t began = clock_steady_ms();
        const int first = FCGX_GetChar(in);
        if (first == EOF)
            break;
        *at++ = (char)first;
        left--;
        if (!pace_holds(fcgx, &fcgx->in, (size_t)(in->stop - in->rdNext) + 1, began))
            return problem_set(why, FAULT_STALLED, "the body came at less than %lld bytes a second",
                               (long long)fcgx->patience.least);
    }
    const enum fault f = left > 0 ? read_end(fcgx, why) : FAULT_NONE;
    if (!f)
        *got = len - left;
    return f;
}

static enum fault write_reply(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct fcgx *fcgx = ctx;
    const char *at = bytes;
    while (len > 0) {
        const size_t take = len < WRITE_PIECE ? len : WRITE_PIECE;
        const int64_t began = clock_steady_ms();
        if (FCGX_PutStr(at, (int)take, fcgx->request.out) != (int)take)
            return problem_set(why, FAULT_ABORTED, "nobody takes the answer");
        if (!pace_holds(fcgx, &fcgx->out, take, began))
            return problem_set(why, FAULT_ABORTED, "the answer was taken too slowly");
        at += take;
        len -= take;
    }
    return FAULT_NONE;
}

static bool too_long(const char *const *params)
{
    static const char header[] = "HTTP_";
    for (; *params; params++) {
        if (strncmp(*params, header, sizeof header - 1) != 0)
            continue;
        const char *value = strchr(*params, '=');
        if (value && strnlen(value + 1, HEADER_VALUE_MAX + 1) > HEADER_VALUE_MAX)
            return true;
    }
    return false;
}

struct exchange_io fcgx_io(struct fcgx *fcgx)
{
    join_codings(fcgx);
    return (struct exchange_io){
        .ctx = fcgx,
        .param = get_param,
        .read = read_body,
        .write = write_reply,
        .headers_too_long = too_long((const char *const *)fcgx->request.envp),
    };
}

/* The error stream is closed first: the last writer to close sends FCGI_END_REQUEST with it. */
bool fcgx_answer(struct fcgx *fcgx)
{
    const bool errors_sent = FCGX_FClose(fcgx->request.err) == 0;
    fcgx->answered = FCGX_FClose(fcgx->request.out) == 0 && errors_sent;
    return fcgx->answered;
}

/* Sends what is held and waits until the web server has taken it, so that the answer has begun. */
static void settle(struct fcgx *fcgx)
{
    int unread = 1;
    (void)FCGX_FFlush(fcgx->request.out);
    if (FCGX_GetError(fcgx->request.out) != 0)
        return; /* nobody takes it */
    for (int waited = 0; unread > 0 && waited < LINGER_MS; waited += SETTLE_MS) {
        (void)poll(NULL, 0, SETTLE_MS);
        if (ioctl(fcgx->request.ipcFd, SIOCOUTQ, &unread) != 0)
            unread = 0;
    }
    (void)poll(NULL, 0, SETTLE_MS);
}

/* A connection that ends without FCGI_END_REQUEST is an error to lighttpd, and to nginx only when
 * the length was announced; a record of an unknown version is one to nginx in every case.  lighttpd
 * can show the client an error only when it has begun to answer: if not, it counts what it has and
 * announces that as the length. */
void fcgx_break(struct fcgx *fcgx)
{
    static const unsigned char no_record[FCGI_HEADER_LEN] = { 0xFF };
    settle(fcgx);
    ssize_t ignored =
        send(fcgx->request.ipcFd, no_record, sizeof no_record, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
}

/* Whether a request that announced no body has none: its end is there to be read, without waiting
 * for it. */
static bool body_is_empty(struct fcgx *fcgx)
{
    const char *length = FCGX_GetParam("CONTENT_LENGTH", fcgx->request.envp);
    const char *coding = FCGX_GetParam("HTTP_TRANSFER_ENCODING", fcgx->request.envp);
    const int connection = fcgx->request.ipcFd;
    if ((length && length[0] && strcmp(length, "0") != 0) || (coding && coding[0]) ||
        fcntl(connection, F_SETFL, O_NONBLOCK) != 0)
        return false;
    const bool at_end =
        FCGX_GetChar(fcgx->request.in) == EOF && FCGX_GetError(fcgx->request.in) == 0;
    return fcntl(connection, F_SETFL, 0) == 0 && at_end;
}

/* Takes what the web server still sends, for a while, so that it can read the answer: writing to a
 * closed connection it would report a failure instead. */
static void close_lingering(int connection)
{
    char waste[LINGER_CHUNK];
    struct pollfd ready = { .fd = connection, .events = POLLIN };
    const int64_t until = clock_steady_ms() + LINGER_MS;
    (void)shutdown(connection, SHUT_WR);
    for (int64_t left = LINGER_MS; left > 0; left = until - clock_steady_ms()) {
        if (poll(&ready, 1, (int)left) <= 0 || recv(connection, waste, sizeof waste, 0) <= 0)
            break;
    }
    (void)close(connection);
}

/* FCGX_Finish_r() would keep connections that must not be kept, and linger on those that need no
 * lingering. */
void fcgx_end(struct fcgx *fcgx, bool body_read)
{
    const int connection = fcgx->request.ipcFd;
    const bool at_end = fcgx->answered && (body_read || body_is_empty(fcgx));
    const bool peer_is_gone = FCGX_GetError(fcgx->request.in) < 0 || !fcgx->answered;
    if (at_end && fcgx->request.keepConnection) {
        FCGX_Free(&fcgx->request, 0);
        return;
    }
    if (at_end || peer_is_gone) {
        fcgx_drop(fcgx);
        return;
    }
    fcgx->request.ipcFd = -1;
    FCGX_Free(&fcgx->request, 0);
    close_lingering(connection);
}
