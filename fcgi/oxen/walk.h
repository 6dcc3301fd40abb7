/*
 * walk.h - over the tree nodes that commits reach, so that the cost follows what changed.
 *
 * A commit's tree is walked level by level (root dir, vnodes, dirs and files, ...) beside the trees of
 * other commits, its bases: what stands in both at one level is left out with all that is below it,
 * without being opened.  What moved to another level is found once more, never less than there is.
 *
 * Memory: 24 bytes a node that is not in a base, and as much a node of the widest level.
 */
#ifndef OXEN_WALK_H
#define OXEN_WALK_H

#include "base/problem.h"
#include "oxen/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a walk calls; each may be NULL.  Texts and nodes are borrowed. */
struct oxen_walk_calls {
    /* A node that was not called for before in this walk. */
    enum fault (*node)(void *ctx, struct oxen_tree_node *node, struct problem *why);
    /* A node that is reached but not stored, or of another kind than it is reached as.  NULL: that is
     * FAULT_INTERNAL. */
    enum fault (*missing)(void *ctx, const uint8_t hash[OXEN_HASH_BYTES], struct problem *why);
    /* An entry of a vnode, with its payload, and whether a base's vnode at this level has its hash. */
    enum fault (*entry)(void *ctx, const struct oxen_node_entry *entry, bool in_base,
                        struct problem *why);
};

struct oxen_walk;

/* tree is borrowed.  NULL without memory. */
struct oxen_walk *oxen_walk_create(struct oxen_tree *tree, const struct oxen_walk_calls *calls,
                                   void *ctx);
/* walk may be NULL. */
void oxen_walk_destroy(struct oxen_walk *walk);

/* Adds the root of a commit's tree to the bases of the next oxen_walk_tree(); one that cannot be read
 * is no base. */
MUST_CHECK enum fault oxen_walk_base(struct oxen_walk *walk, const uint8_t commit[OXEN_HASH_BYTES],
                                     struct problem *why);

/* Walks the tree below a dir, of at most depth dirs in each other (OXEN_TREE_DEPTH_MAX when there is
 * no other bound, past which it is FAULT_MALFORMED), and forgets the bases.  FAULT_TOO_LARGE past
 * OXEN_WALK_NODES_MAX. */
MUST_CHECK enum fault oxen_walk_tree(struct oxen_walk *walk, const uint8_t dir[OXEN_HASH_BYTES],
                                     int64_t depth, struct problem *why);

/* Calls for one node, unless it was called for before: a commit's, or one on the way to a dir. */
MUST_CHECK enum fault oxen_walk_node(struct oxen_walk *walk, struct oxen_tree_node *node,
                                     struct problem *why);

#endif
