/*
 * listing.h - the entries of a dir in order: dirs first, then files, each by name.
 *
 * A dir's vnodes are sorted by themselves and merged as they are read, so memory does not grow with the
 * entries: a table's piece and a name a vnode.
 */
#ifndef OXEN_LISTING_H
#define OXEN_LISTING_H

#include "base/problem.h"
#include "oxen/lookup.h"
#include "oxen/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* The entries that are asked for. */
struct oxen_listing {
    uint64_t first;
    uint64_t most;
    enum fault (*each)(void *ctx, struct oxen_found *found, struct problem *why);
    void *ctx;
    uint64_t total; /* out: how many there are */
};

/* Calls each for them.  FAULT_TOO_LARGE for a dir of more than OXEN_VNODES_MAX vnodes. */
MUST_CHECK enum fault oxen_listing_page(struct oxen_tree *tree, const uint8_t dir[OXEN_HASH_BYTES],
                                        struct oxen_listing *asked, struct problem *why);

#endif
