/*
 * tree.h - the tree nodes that a repository holds, read as they are needed: a node's two files are
 * looked up by its hash, and of them only what is asked for is read.
 *
 * Memory: one payload at a time.  A sweep may move a content while it is read; then it is looked up
 * again.
 */
#ifndef OXEN_TREE_H
#define OXEN_TREE_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "base/text.h"
#include "http/exchange.h"
#include "oxen/node.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OXEN_CHILDREN = 128 }; /* read from a table at once */

struct oxen_tree {
    struct exchange *x;
    int64_t repository;
    bool checks;         /* nodes that cannot be read are the client's fault, not damage */
    struct text payload; /* that was read last */
};

struct oxen_tree_node {
    uint8_t hash[OXEN_HASH_BYTES];
    struct oxen_node_head head;
    struct blob_ref node;
    struct blob_ref payloads; /* of the children */
};

void oxen_tree_begin(struct oxen_tree *tree, struct exchange *x, int64_t repository);
void oxen_tree_end(struct oxen_tree *tree);

/* The names of a node's two files, by its hash. */
enum { OXEN_TREE_NAME_MAX = 64 };
void oxen_tree_names(const uint8_t hash[OXEN_HASH_BYTES], char node[OXEN_TREE_NAME_MAX],
                     char payloads[OXEN_TREE_NAME_MAX]);

/* Looks a node up; *found is false when one of its files is not stored.  When it cannot be
 * read: FAULT_DAMAGED, or, for a tree that checks, FAULT_MALFORMED with its hash in the text. */
MUST_CHECK enum fault oxen_tree_find(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                                     struct oxen_tree_node *out, bool *found, struct problem *why);

/* The same for one that must be there and of this kind: FAULT_INTERNAL when it is not stored. */
MUST_CHECK enum fault oxen_tree_open(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                                     enum oxen_node_kind kind, struct oxen_tree_node *out,
                                     struct problem *why);

/* Children from the first on, in the order of the table; *count is 0 at its end. */
MUST_CHECK enum fault oxen_tree_children(struct oxen_tree *tree, struct oxen_tree_node *node,
                                         uint64_t first, struct oxen_node_child *out, size_t most,
                                         size_t *count, struct problem *why);

/* The payload of a child that is a dir or a file; texts are borrowed until the next call that reads
 * a payload. */
MUST_CHECK enum fault oxen_tree_entry(struct oxen_tree *tree, struct oxen_tree_node *node,
                                      const struct oxen_node_child *child,
                                      struct oxen_node_entry *out, struct problem *why);

/* A commit by its hash; *found is false when its node is not stored. */
MUST_CHECK enum fault oxen_tree_commit(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                                       struct oxen_tree_node *node, struct oxen_node_commit *out,
                                       bool *found, struct problem *why);

/* A commit's root dir; *found is false when the commit is empty. */
MUST_CHECK enum fault oxen_tree_root(struct oxen_tree *tree, struct oxen_tree_node *commit,
                                     uint8_t root[OXEN_HASH_BYTES], bool *found,
                                     struct problem *why);

#endif
