/*
 * commit.h - a session becomes a snapshot of a dataset.
 */
#ifndef OPTERYX_COMMIT_H
#define OPTERYX_COMMIT_H

#include "http/exchange.h"

/* POST /v1/upload/{session}/commit.  If-Match: <commit id> refuses a dataset that has moved. */
MUST_CHECK enum fault opteryx_commit(struct exchange *x, struct problem *why);

#endif
