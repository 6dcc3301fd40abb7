/*
 * reading.h - what a repository holds, as JSON: revisions, entries, folders, commits.
 */
#ifndef OXEN_READING_H
#define OXEN_READING_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_reading_revision(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_reading_meta(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_reading_dir(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_reading_node(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_reading_commit(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_reading_log(struct exchange *x, struct problem *why);

#endif
