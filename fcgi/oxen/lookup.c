#include "oxen/lookup.h"

#include "base/limits.h"
#include "stream/digest.h"

#include <string.h>

/* What is looked for in one dir. */
struct wanted {
    const char *path; /* from the root */
    size_t path_len;
    const char *name; /* its last segment */
    size_t name_len;
};

static enum fault vnode_number(const struct wanted *wanted, uint64_t vnodes, uint64_t *out,
                               struct problem *why)
{
    uint64_t high = 0;
    uint64_t low = 0;
    struct digest *digest = digest_create(DIGEST_XXH3);
    if (!digest)
        return problem_internal(why, "no memory for a digest");
    digest_add(digest, wanted->path, wanted->path_len);
    digest_xxh3(digest, &high, &low);
    digest_destroy(digest);
    /* a table has less than 2^32 children, so that nothing overflows */
    const uint64_t carry = (UINT64_MAX % vnodes + 1) % vnodes; /* 2^64 modulo vnodes */
    *out = (high % vnodes * carry + low % vnodes) % vnodes;
    return FAULT_NONE;
}

static int compare(const struct wanted *wanted, struct oxen_pack_bytes name)
{
    const size_t shorter = wanted->name_len < name.len ? wanted->name_len : name.len;
    const int order = memcmp(wanted->name, name.bytes, shorter);
    if (order != 0)
        return order;
    return (wanted->name_len > name.len) - (wanted->name_len < name.len);
}

static enum fault search(struct oxen_tree *tree, struct oxen_tree_node *vnode,
                         const struct wanted *wanted, struct oxen_found *out, bool *found,
                         struct problem *why)
{
    uint64_t from = 0;
    uint64_t to = vnode->head.children;
    *found = false;
    while (from < to) {
        const uint64_t middle = from + (to - from) / 2;
        struct oxen_node_child child;
        struct oxen_node_entry entry;
        size_t count = 0;
        enum fault f = oxen_tree_children(tree, vnode, middle, &child, 1, &count, why);
        if (!f && count == 0)
            f = problem_internal(why, "a tree node has become shorter");
        if (!f)
            f = oxen_tree_entry(tree, vnode, &child, &entry, why);
        if (f)
            return f;
        const int order = compare(wanted, entry.name);
        if (order == 0) {
            *out = (struct oxen_found){ *vnode, child };
            *found = true;
            return FAULT_NONE;
        }
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return FAULT_NONE;
}

static enum fault search_number(struct oxen_tree *tree, struct oxen_tree_node *dir, uint64_t number,
                                const struct wanted *wanted, struct oxen_found *out, bool *found,
                                struct problem *why)
{
    struct oxen_node_child child;
    struct oxen_tree_node vnode;
    size_t count = 0;
    enum fault f = oxen_tree_children(tree, dir, number, &child, 1, &count, why);
    if (f || count == 0)
        return f;
    f = oxen_tree_open(tree, child.hash, OXEN_NODE_VNODE, &vnode, why);
    return f ? f : search(tree, &vnode, wanted, out, found, why);
}

static enum fault search_dir(struct oxen_tree *tree, struct oxen_tree_node *dir,
                             const struct wanted *wanted, struct oxen_found *out, bool *found,
                             struct problem *why)
{
    uint64_t first = 0;
    *found = false;
    if (dir->head.children == 0)
        return FAULT_NONE;
    enum fault f = vnode_number(wanted, dir->head.children, &first, why);
    if (!f)
        f = search_number(tree, dir, first, wanted, out, found, why);
    const uint64_t most =
        dir->head.children < OXEN_VNODES_MAX ? dir->head.children : OXEN_VNODES_MAX;
    for (uint64_t i = 0; i < most && !f && !*found; i++) {
        if (i != first)
            f = search_number(tree, dir, i, wanted, out, found, why);
    }
    return f;
}

/* The root dir of a commit. */
static enum fault begin(struct oxen_tree *tree, const uint8_t *commit, struct oxen_found *out,
                        bool *found, struct problem *why)
{
    uint8_t root[OXEN_HASH_BYTES];
    size_t count = 0;
    enum fault f = oxen_tree_open(tree, commit, OXEN_NODE_COMMIT, &out->holder, why);
    if (!f)
        f = oxen_tree_root(tree, &out->holder, root, found, why);
    if (!f && *found)
        f = oxen_tree_children(tree, &out->holder, 0, &out->child, 1, &count, why);
    return f;
}

enum fault oxen_lookup(struct oxen_tree *tree, const uint8_t commit[OXEN_HASH_BYTES],
                       const char *path, const struct oxen_lookup_way *way, struct oxen_found *out,
                       bool *found, struct problem *why)
{
    enum fault f = begin(tree, commit, out, found, why);
    for (const char *at = path; *at && !f && *found;) {
        const size_t len = strcspn(at, "/");
        const struct wanted wanted = { path, (size_t)(at - path) + len, at, len };
        struct oxen_tree_node dir;
        *found = out->child.kind == OXEN_NODE_DIR;
        if (!*found)
            break;
        f = oxen_tree_open(tree, out->child.hash, OXEN_NODE_DIR, &dir, why);
        if (!f && way)
            f = way->dir(way->ctx, &dir, why);
        if (!f)
            f = search_dir(tree, &dir, &wanted, out, found, why);
        at += len + (at[len] == '/');
    }
    return f;
}

enum fault oxen_lookup_entry(struct oxen_tree *tree, struct oxen_found *found,
                             struct oxen_node_entry *out, struct problem *why)
{
    return oxen_tree_entry(tree, &found->holder, &found->child, out, why);
}
