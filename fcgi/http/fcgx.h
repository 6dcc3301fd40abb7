/*
 * fcgx.h - one FastCGI connection on libfcgi, as the exchange_io of its requests.
 *
 * libfcgi is used for the protocol alone: connections are accepted by worker.c and handed over, so
 * that their timeouts hold from the first byte on and no signal is lost inside a library's accept.
 */
#ifndef HTTP_FCGX_H
#define HTTP_FCGX_H

#include "base/problem.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

struct fcgx;

/* Prepares libfcgi.  Our handlers of SIGTERM and SIGUSR1 must be in place before the call, and
 * SIGPIPE be ignored after it: the library takes all three where it finds a default. */
MUST_CHECK enum fault fcgx_create(struct fcgx **out, struct problem *why);

/* Closes what is open.  fcgx may be NULL. */
void fcgx_destroy(struct fcgx *fcgx);

/* How long a peer may keep a worker waiting. */
struct fcgx_patience {
    int64_t stall_s;  /* seconds that a read or a write may go without progress */
    int64_t least;    /* bytes a second, over window_s of waiting for either; 0: any */
    int64_t window_s; /* seconds; time in which there was something to do does not count */
};

/* Takes an accepted connection, whatever becomes of it.  false: it could not be set up and is
 * closed. */
bool fcgx_take(struct fcgx *fcgx, int connection, struct fcgx_patience patience);

/* The connection that the web server asked to keep open after an answer, or -1. */
int fcgx_kept(const struct fcgx *fcgx);

/* Closes the connection, if there is one. */
void fcgx_drop(struct fcgx *fcgx);

/* Reads the head of the next request on the connection.  false: there is none (it was closed or
 * does not speak FastCGI, or asks for a filter), and the connection is closed. */
bool fcgx_begin(struct fcgx *fcgx);

/* Whether the web server asks only if it may take the request's body (FastCGI 1.0 section 6.3,
 * Authorizer): a status of 200 lets it, and the request then comes again; any other answer goes to
 * the client. */
bool fcgx_asks(const struct fcgx *fcgx);

/* waited(ctx) is called after each wait for bytes of the body or for room for those of the answer,
 * until the next call of this. */
void fcgx_when_waited(struct fcgx *fcgx, void (*waited)(void *ctx), void *ctx);

/* The request's parameters, body and reply; valid until fcgx_end().  A read fails with
 * FAULT_STALLED after stall_s without a byte or when bytes come too slowly, with FAULT_ABORTED on
 * every other error and when the web server took the request back; a write with FAULT_ABORTED when
 * nobody takes the answer, or too slowly. */
struct exchange_io fcgx_io(struct fcgx *fcgx);

/* Sends what is still held and the end of the answer.  false: it could not be sent. */
bool fcgx_answer(struct fcgx *fcgx);

/* Instead of fcgx_answer(): makes the web server break off its answer to the client, who must see
 * that it is not whole. */
void fcgx_break(struct fcgx *fcgx);

/* Ends the request; parameters are gone.  The connection stays open only when the web server asked
 * for it, body_read says that the body was read to its end, and nothing failed: what is left of a
 * body would be read as the next request.  THE one way by which every request ends. */
void fcgx_end(struct fcgx *fcgx, bool body_read);

#endif
