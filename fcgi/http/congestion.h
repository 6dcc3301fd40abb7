/*
 * congestion.h - notices while a request is served that its pool has no worker left: somebody waits
 * on the listening socket, and has waited for a while.
 *
 * Every worker of a full pool serves a request of its own, so each says of its own what it is, and
 * together they say who holds the pool.  Nothing is shared between processes.
 */
#ifndef HTTP_CONGESTION_H
#define HTTP_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

enum { CONGESTION_MS = 5000 }; /* for which somebody must have waited, and the request lasted */

struct congestion {
    int listener;            /* the pool's listening socket */
    void (*tell)(void *ctx); /* called at most once a request */
    void *ctx;
    int64_t began;  /* milliseconds, steady */
    int64_t looked; /* when the socket was last looked at */
    int64_t since;  /* since when somebody was seen waiting at every look; 0: nobody */
    bool told;
};

/* Starts with the request; the caller owns c until its end. */
void congestion_begin(struct congestion *c, int listener, void (*tell)(void *ctx), void *ctx);

/* Looks at the socket, at most four times a second; congestion is a struct congestion.  For
 * fcgx_when_waited(). */
void congestion_look(void *congestion);

#endif
