#include "oxen/listing.h"

#include "base/limits.h"

#include <string.h>

enum { TABLE_PIECE = 16 };

/* Where a pass stands in one vnode: at its next child of the kind that the pass is about. */
struct cursor {
    struct oxen_tree_node vnode;
    uint64_t next; /* child after the one in hand */
    struct oxen_node_child children[TABLE_PIECE];
    uint64_t first; /* number of children[0] */
    size_t count;
    struct oxen_node_child child; /* in hand */
    bool there;
    bool named;
    char name[OXEN_ENTRY_NAME_MAX];
    size_t name_len;
};

struct listing {
    struct oxen_tree *tree;
    struct cursor *cursors;
    size_t count;
    enum oxen_node_kind kind; /* of the pass */
};

/* Moves to the next child of the pass's kind. */
static enum fault advance(struct listing *listing, struct cursor *cursor, struct problem *why)
{
    cursor->there = false;
    cursor->named = false;
    while (!cursor->there && cursor->next < cursor->vnode.head.children) {
        if (cursor->next - cursor->first >= cursor->count || cursor->next < cursor->first) {
            const enum fault f =
                oxen_tree_children(listing->tree, &cursor->vnode, cursor->next, cursor->children,
                                   TABLE_PIECE, &cursor->count, why);
            cursor->first = cursor->next;
            if (f || cursor->count == 0)
                return f;
        }
        cursor->child = cursor->children[cursor->next - cursor->first];
        cursor->there = cursor->child.kind == listing->kind;
        cursor->next++;
    }
    return FAULT_NONE;
}

static enum fault name_it(struct listing *listing, struct cursor *cursor, struct problem *why)
{
    struct oxen_node_entry entry;
    if (cursor->named)
        return FAULT_NONE;
    const enum fault f =
        oxen_tree_entry(listing->tree, &cursor->vnode, &cursor->child, &entry, why);
    if (f)
        return f;
    memcpy(cursor->name, entry.name.bytes, entry.name.len); /* OXEN_ENTRY_NAME_MAX at most */
    cursor->name_len = entry.name.len;
    cursor->named = true;
    return FAULT_NONE;
}

static bool is_less(const struct cursor *a, const struct cursor *b)
{
    const size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
    const int order = memcmp(a->name, b->name, shorter);
    return order != 0 ? order < 0 : a->name_len < b->name_len;
}

/* The cursor whose name comes first; NULL at the end.  One alone needs no names. */
static enum fault least(struct listing *listing, struct cursor **out, struct problem *why)
{
    enum fault f = FAULT_NONE;
    *out = NULL;
    for (size_t i = 0; i < listing->count && !f; i++) {
        struct cursor *cursor = &listing->cursors[i];
        if (!cursor->there)
            continue;
        if (listing->count > 1)
            f = name_it(listing, cursor, why);
        if (!*out || is_less(cursor, *out))
            *out = cursor;
    }
    return f;
}

static enum fault open_vnodes(struct listing *listing, struct oxen_tree_node *dir, uint64_t *total,
                              struct problem *why)
{
    struct exchange *x = listing->tree->x;
    if (dir->head.children > OXEN_VNODES_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "a dir of more than %d vnodes", OXEN_VNODES_MAX);
    listing->count = (size_t)dir->head.children;
    listing->cursors = arena_alloc(x->arena, (listing->count + 1) * sizeof *listing->cursors);
    if (!listing->cursors)
        return problem_set(why, FAULT_TOO_LARGE, "too large a dir to be listed");
    enum fault f = FAULT_NONE;
    *total = 0;
    for (size_t i = 0; i < listing->count && !f; i++) {
        struct oxen_node_child child;
        size_t count = 0;
        f = oxen_tree_children(listing->tree, dir, i, &child, 1, &count, why);
        if (!f)
            f = oxen_tree_open(listing->tree, child.hash, OXEN_NODE_VNODE,
                               &listing->cursors[i].vnode, why);
        if (!f)
            *total += listing->cursors[i].vnode.head.children;
    }
    return f;
}

static enum fault begin_pass(struct listing *listing, enum oxen_node_kind kind, struct problem *why)
{
    enum fault f = FAULT_NONE;
    listing->kind = kind;
    for (size_t i = 0; i < listing->count && !f; i++) {
        listing->cursors[i].next = 0;
        listing->cursors[i].count = 0;
        f = advance(listing, &listing->cursors[i], why);
    }
    return f;
}

/* One pass over the entries of a kind; at: the number of the one that comes next. */
static enum fault run_pass(struct listing *listing, enum oxen_node_kind kind,
                           const struct oxen_listing *asked, uint64_t *at, struct problem *why)
{
    struct cursor *cursor = NULL;
    enum fault f = begin_pass(listing, kind, why);
    if (!f)
        f = least(listing, &cursor, why);
    while (!f && cursor && *at < asked->first + asked->most) {
        struct oxen_found found = { cursor->vnode, cursor->child };
        if ((*at)++ >= asked->first)
            f = asked->each(asked->ctx, &found, why);
        if (!f)
            f = advance(listing, cursor, why);
        if (!f)
            f = least(listing, &cursor, why);
    }
    return f;
}

enum fault oxen_listing_page(struct oxen_tree *tree, const uint8_t dir[OXEN_HASH_BYTES],
                             struct oxen_listing *asked, struct problem *why)
{
    struct listing listing = { .tree = tree };
    struct oxen_tree_node node;
    uint64_t at = 0;
    enum fault f = oxen_tree_open(tree, dir, OXEN_NODE_DIR, &node, why);
    if (!f)
        f = open_vnodes(&listing, &node, &asked->total, why);
    if (f || asked->first >= asked->total)
        return f;
    f = run_pass(&listing, OXEN_NODE_DIR, asked, &at, why);
    return f ? f : run_pass(&listing, OXEN_NODE_FILE, asked, &at, why);
}
