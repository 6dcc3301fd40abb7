/*
 * lookup.h - from a path to its entry in a commit's tree.
 *
 * A dir's entry with the path P (from the root, "a/b/name") is in its vnode number XXH3-128(P) modulo
 * the number of its vnodes, and sorted there by name: two small reads and a binary search a segment.
 * Where a client has spread them otherwise, the other vnodes are searched, too.
 */
#ifndef OXEN_LOOKUP_H
#define OXEN_LOOKUP_H

#include "base/problem.h"
#include "oxen/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* An entry, and where its payload lies: in a vnode, or, of the root dir, in the commit. */
struct oxen_found {
    struct oxen_tree_node holder;
    struct oxen_node_child child;
};

/* The entry at path ("" is the root dir; no empty segments).  *found is false when there is none.  way,
 * which may be NULL, is called for the nodes of each dir that the path goes through (the root dir
 * first), without the one that it leads to. */
struct oxen_lookup_way {
    enum fault (*dir)(void *ctx, struct oxen_tree_node *dir, struct problem *why);
    void *ctx;
};
MUST_CHECK enum fault oxen_lookup(struct oxen_tree *tree, const uint8_t commit[OXEN_HASH_BYTES],
                                  const char *path, const struct oxen_lookup_way *way,
                                  struct oxen_found *out, bool *found, struct problem *why);

/* Reads the entry's payload. */
MUST_CHECK enum fault oxen_lookup_entry(struct oxen_tree *tree, struct oxen_found *found,
                                        struct oxen_node_entry *out, struct problem *why);

#endif
