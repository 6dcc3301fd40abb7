/*
 * session.h - opening an upload session.
 */
#ifndef OPTERYX_SESSION_H
#define OPTERYX_SESSION_H

#include "http/exchange.h"

/* POST /v1/upload/session */
MUST_CHECK enum fault opteryx_session_open(struct exchange *x, struct problem *why);

#endif
