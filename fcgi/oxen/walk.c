#include "oxen/walk.h"

#include "base/limits.h"
#include "oxen/hash_list.h"

#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, TREE = 0, BASE = 1, VISITS_A_NODE = 4 };

/* One level of the tree or of its bases: nodes of one kind, and the contents of files beside them. */
struct level {
    struct oxen_hash_list *nodes;
    struct oxen_hash_list *next;
};

struct oxen_walk {
    struct oxen_tree *tree;
    struct oxen_walk_calls calls;
    void *ctx;
    struct oxen_hash_list *called;
    struct level sides[SIDES];
    struct oxen_hash_list *contents; /* of the vnodes of the bases at the level in hand */
    size_t visits;                   /* nodes opened: a bound for trees that repeat themselves */
};

static bool walk_fill(struct oxen_walk *walk)
{
    const struct oxen_hash_seed seed = oxen_hash_seed_of(walk->tree->x->random);
    struct oxen_hash_list **const lists[] = {
        &walk->called,           &walk->contents,          &walk->sides[TREE].nodes,
        &walk->sides[TREE].next, &walk->sides[BASE].nodes, &walk->sides[BASE].next,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        *lists[i] = oxen_hash_list_create(OXEN_WALK_NODES_MAX, &seed);
        if (!*lists[i])
            return false;
    }
    return true;
}

struct oxen_walk *oxen_walk_create(struct oxen_tree *tree, const struct oxen_walk_calls *calls,
                                   void *ctx)
{
    struct oxen_walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return NULL;
    walk->tree = tree;
    walk->calls = *calls;
    walk->ctx = ctx;
    if (walk_fill(walk))
        return walk;
    oxen_walk_destroy(walk);
    return NULL;
}

void oxen_walk_destroy(struct oxen_walk *walk)
{
    if (!walk)
        return;
    for (size_t i = 0; i < SIDES; i++) {
        oxen_hash_list_destroy(walk->sides[i].nodes);
        oxen_hash_list_destroy(walk->sides[i].next);
    }
    oxen_hash_list_destroy(walk->contents);
    oxen_hash_list_destroy(walk->called);
    free(walk);
}

enum fault oxen_walk_node(struct oxen_walk *walk, struct oxen_tree_node *node, struct problem *why)
{
    bool added = false;
    const enum fault f = oxen_hash_list_add(walk->called, node->hash, &added, why);
    if (f || !added || !walk->calls.node)
        return f;
    return walk->calls.node(walk->ctx, node, why);
}

enum fault oxen_walk_base(struct oxen_walk *walk, const uint8_t commit[OXEN_HASH_BYTES],
                          struct problem *why)
{
    struct oxen_tree_node node;
    struct problem beside = PROBLEM_NONE;
    uint8_t root[OXEN_HASH_BYTES];
    bool found = false;
    bool added = false;
    if (oxen_tree_find(walk->tree, commit, &node, &found, &beside) || !found ||
        node.head.kind != OXEN_NODE_COMMIT ||
        oxen_tree_root(walk->tree, &node, root, &found, &beside) || !found)
        return FAULT_NONE;
    return oxen_hash_list_add(walk->sides[BASE].nodes, root, &added, why);
}

/* ---- children ---- */

typedef enum fault (*each_child)(struct oxen_walk *walk, struct oxen_tree_node *node,
                                 const struct oxen_node_child *child, struct problem *why);

static enum fault for_children(struct oxen_walk *walk, struct oxen_tree_node *node, each_child each,
                               struct problem *why)
{
    struct oxen_node_child children[OXEN_CHILDREN];
    size_t count = 0;
    enum fault f = FAULT_NONE;
    for (uint64_t at = 0; at < node->head.children && !f; at += count) {
        f = oxen_tree_children(walk->tree, node, at, children, OXEN_CHILDREN, &count, why);
        for (size_t i = 0; i < count && !f; i++)
            f = each(walk, node, &children[i], why);
    }
    return f;
}

/* Whether a node of one kind may have a child of another. */
static bool may_hold(enum oxen_node_kind kind, enum oxen_node_kind child)
{
    if (kind == OXEN_NODE_DIR)
        return child == OXEN_NODE_VNODE;
    return kind == OXEN_NODE_VNODE && (child == OXEN_NODE_DIR || child == OXEN_NODE_FILE);
}

/* What a base holds is left out as far as there is memory for it. */
static enum fault base_child(struct oxen_walk *walk, struct oxen_tree_node *node,
                             const struct oxen_node_child *child, struct problem *why)
{
    struct oxen_hash_list *list =
        child->kind == OXEN_NODE_FILE ? walk->contents : walk->sides[BASE].next;
    bool added = false;
    (void)node;
    if (oxen_hash_list_count(list) == OXEN_WALK_NODES_MAX)
        return FAULT_NONE;
    return oxen_hash_list_add(list, child->hash, &added, why);
}

static enum fault tree_child(struct oxen_walk *walk, struct oxen_tree_node *node,
                             const struct oxen_node_child *child, struct problem *why)
{
    struct oxen_node_entry entry;
    bool added = false;
    if (!may_hold(node->head.kind, child->kind))
        return problem_set(why, FAULT_MALFORMED, "a tree node with a child of the wrong kind");
    enum fault f = FAULT_NONE;
    if (child->kind != OXEN_NODE_FILE)
        f = oxen_hash_list_add(walk->sides[TREE].next, child->hash, &added, why);
    if (f || !walk->calls.entry || node->head.kind != OXEN_NODE_VNODE)
        return f;
    f = oxen_tree_entry(walk->tree, node, child, &entry, why);
    if (!f && memcmp(entry.hash, child->hash, sizeof entry.hash) != 0)
        f = problem_set(why, FAULT_MALFORMED, "a tree node that names an entry by two hashes");
    if (f)
        return f;
    const bool in_base = oxen_hash_list_holds(
        child->kind == OXEN_NODE_FILE ? walk->contents : walk->sides[BASE].next, child->hash);
    return walk->calls.entry(walk->ctx, &entry, in_base, why);
}

/* ---- levels ---- */

/* Opens the bases' nodes of this level that the tree has not, for what is below them. */
static enum fault open_bases(struct oxen_walk *walk, enum oxen_node_kind kind, struct problem *why)
{
    const struct level *base = &walk->sides[BASE];
    enum fault f = FAULT_NONE;
    oxen_hash_list_clear(walk->contents);
    for (size_t i = 0; i < oxen_hash_list_count(base->nodes) && !f; i++) {
        const uint8_t *hash = oxen_hash_list_at(base->nodes, i);
        struct oxen_tree_node node;
        struct problem beside = PROBLEM_NONE;
        bool found = false;
        if (oxen_hash_list_holds(walk->sides[TREE].nodes, hash) ||
            oxen_tree_find(walk->tree, hash, &node, &found, &beside) || !found ||
            node.head.kind != kind)
            continue;
        f = for_children(walk, &node, base_child, why);
    }
    return f;
}

static enum fault open_one(struct oxen_walk *walk, const uint8_t *hash, enum oxen_node_kind kind,
                           struct problem *why)
{
    struct oxen_tree_node node;
    bool found = false;
    if (++walk->visits > (size_t)VISITS_A_NODE * OXEN_WALK_NODES_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "a tree of more than %d nodes",
                           VISITS_A_NODE * OXEN_WALK_NODES_MAX);
    if (!walk->calls.missing) {
        const enum fault f = oxen_tree_open(walk->tree, hash, kind, &node, why);
        if (f)
            return f;
    } else {
        const enum fault f = oxen_tree_find(walk->tree, hash, &node, &found, why);
        if (f)
            return f;
        if (!found || node.head.kind != kind)
            return walk->calls.missing(walk->ctx, hash, why);
    }
    const enum fault f = for_children(walk, &node, tree_child, why);
    return f ? f : oxen_walk_node(walk, &node, why);
}

static enum fault open_tree(struct oxen_walk *walk, enum oxen_node_kind kind, struct problem *why)
{
    const struct oxen_hash_list *nodes = walk->sides[TREE].nodes;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < oxen_hash_list_count(nodes) && !f; i++) {
        const uint8_t *hash = oxen_hash_list_at(nodes, i);
        if (!oxen_hash_list_holds(walk->sides[BASE].nodes, hash))
            f = open_one(walk, hash, kind, why);
    }
    return f;
}

static void descend(struct level *level)
{
    struct oxen_hash_list *done = level->nodes;
    level->nodes = level->next;
    level->next = done;
    oxen_hash_list_clear(done);
}

enum fault oxen_walk_tree(struct oxen_walk *walk, const uint8_t dir[OXEN_HASH_BYTES], int64_t depth,
                          struct problem *why)
{
    struct level *tree = &walk->sides[TREE];
    struct level *base = &walk->sides[BASE];
    bool added = false;
    enum oxen_node_kind kind = OXEN_NODE_DIR;
    const bool bounded = depth < OXEN_TREE_DEPTH_MAX;
    oxen_hash_list_clear(tree->nodes);
    oxen_hash_list_clear(tree->next);
    enum fault f = oxen_hash_list_add(tree->nodes, dir, &added, why);
    for (int64_t dirs = 0; !f && oxen_hash_list_count(tree->nodes) > 0;) {
        if (kind == OXEN_NODE_DIR && dirs++ > depth) {
            f = bounded
                    ? FAULT_NONE
                    : problem_set(why, FAULT_MALFORMED, "a tree of more than %d dirs in each other",
                                  OXEN_TREE_DEPTH_MAX);
            break;
        }
        f = open_bases(walk, kind, why);
        if (!f)
            f = open_tree(walk, kind, why);
        kind = kind == OXEN_NODE_DIR ? OXEN_NODE_VNODE : OXEN_NODE_DIR;
        descend(tree);
        descend(base);
    }
    oxen_hash_list_clear(base->nodes);
    oxen_hash_list_clear(base->next);
    return f;
}
