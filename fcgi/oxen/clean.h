/*
 * clean.h - taking out: a repository with all it holds, or contents that do not verify any more.
 */
#ifndef OXEN_CLEAN_H
#define OXEN_CLEAN_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_clean_versions(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_clean_repository(struct exchange *x, struct problem *why);

#endif
