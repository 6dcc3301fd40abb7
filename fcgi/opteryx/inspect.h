/*
 * inspect.h - what a session holds so far.
 */
#ifndef OPTERYX_INSPECT_H
#define OPTERYX_INSPECT_H

#include "http/exchange.h"

/* GET /v1/upload/{session}/inspect: 204 while there are no parts. */
MUST_CHECK enum fault opteryx_inspect(struct exchange *x, struct problem *why);

#endif
