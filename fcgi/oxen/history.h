/*
 * history.h - the commits that one reaches, the newest first, as far as anybody asks.
 *
 * Of the commits that have been reached the one with the greatest time, and of those the greatest id as
 * text, comes next.  What hidden commits reach is left out, as far as their times tell: where clocks
 * were wrong, more may come, never less.
 *
 * Memory: 25 bytes a commit that was reached, 40 a commit that waits.
 */
#ifndef OXEN_HISTORY_H
#define OXEN_HISTORY_H

#include "base/problem.h"
#include "oxen/tree.h"

#include <stdbool.h>
#include <stdint.h>

struct oxen_history;

/* tree is borrowed.  NULL without memory. */
struct oxen_history *oxen_history_create(struct oxen_tree *tree);
/* history may be NULL. */
void oxen_history_destroy(struct oxen_history *history);

/* Begins at a commit too; *found is false when its node is not stored. */
MUST_CHECK enum fault oxen_history_add(struct oxen_history *history,
                                       const uint8_t commit[OXEN_HASH_BYTES], bool hidden,
                                       bool *found, struct problem *why);

/* *more is false at the end.  FAULT_INTERNAL when a commit is reached that is not stored,
 * FAULT_TOO_LARGE past OXEN_HISTORY_MAX. */
MUST_CHECK enum fault oxen_history_next(struct oxen_history *history,
                                        uint8_t commit[OXEN_HASH_BYTES], bool *more,
                                        struct problem *why);

#endif
