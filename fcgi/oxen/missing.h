/*
 * missing.h - which of a list of hashes the server does not have.
 *
 * The answer is one that a client acts on by not sending the others, so it is given only when what
 * it rests on is durable.
 */
#ifndef OXEN_MISSING_H
#define OXEN_MISSING_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_missing_commits(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_missing_synced(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_missing_nodes(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_missing_versions(struct exchange *x, struct problem *why);

#endif
