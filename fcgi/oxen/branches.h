/*
 * branches.h - where a repository's branches stand.
 */
#ifndef OXEN_BRANCHES_H
#define OXEN_BRANCHES_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_branches_list(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_branches_show(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_branches_create(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_branches_update(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_branches_delete(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_branches_action(struct exchange *x, struct problem *why);

#endif
