#include "oxen/tree.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store_push.h"

#include <stdio.h>
#include <string.h>

enum { LOOK_UPS_MAX = 3 }; /* of a content that moves while it is read */

void oxen_tree_begin(struct oxen_tree *tree, struct exchange *x, int64_t repository)
{
    tree->x = x;
    tree->repository = repository;
    tree->checks = false;
    text_init(&tree->payload, OXEN_PAYLOAD_MAX + 1);
}

void oxen_tree_end(struct oxen_tree *tree)
{
    text_release(&tree->payload);
}

void oxen_tree_names(const uint8_t hash[OXEN_HASH_BYTES], char node[OXEN_TREE_NAME_MAX],
                     char payloads[OXEN_TREE_NAME_MAX])
{
    enum { CUT = 3 };
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash key;
    memcpy(key.bytes, hash, sizeof key.bytes);
    oxen_hash_text(&key, digits);
    const int cut = (int)strnlen(digits, CUT);
    (void)snprintf(node, OXEN_TREE_NAME_MAX, "%.*s/%s/node", cut, digits, digits + cut);
    (void)snprintf(payloads, OXEN_TREE_NAME_MAX, "%.*s/%s/children", cut, digits, digits + cut);
}

/* What a fault of a node's bytes says of which node it is. */
static enum fault of_node(const struct oxen_tree *tree, const uint8_t *hash, enum fault f,
                          const struct problem *of_bytes, struct problem *why)
{
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash key;
    memcpy(key.bytes, hash, sizeof key.bytes);
    oxen_hash_text(&key, digits);
    if (f == FAULT_MALFORMED && tree->checks)
        return problem_set(why, f, "tree node %s: %s", digits, of_bytes->text);
    if (f == FAULT_MALFORMED)
        return problem_damaged(why, "tree node %s: %s", digits, of_bytes->text);
    if (f)
        *why = *of_bytes;
    return f;
}

static enum fault look_up(const struct oxen_tree *tree, struct oxen_tree_node *node, bool *found,
                          struct problem *why)
{
    char names[2][OXEN_TREE_NAME_MAX];
    bool payloads = false;
    oxen_tree_names(node->hash, names[0], names[1]);
    enum fault f = oxen_store_push_object_find(tree->x->db, tree->repository, names[0], &node->node,
                                               found, why);
    if (!f && *found)
        f = oxen_store_push_object_find(tree->x->db, tree->repository, names[1], &node->payloads,
                                        &payloads, why);
    *found = *found && payloads;
    return f;
}

/* Exactly len bytes of one of the node's files. */
static enum fault read_exactly(const struct oxen_tree *tree, const struct blob_ref *ref,
                               uint64_t at, unsigned char *out, size_t len, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t done = 0; done < len && !f;) {
        size_t got = 0;
        f = blob_read(tree->x->blobs, ref, at + done, out + done, len - done, &got, why);
        if (!f && got == 0)
            f = problem_set(why, FAULT_MALFORMED, "it ends early");
        done += got;
    }
    return f;
}

/* The same, looked up again when the node has moved. */
static enum fault read_part(struct oxen_tree *tree, struct oxen_tree_node *node,
                            const struct blob_ref *ref, uint64_t at, unsigned char *out, size_t len,
                            struct problem *why)
{
    struct problem of_try = PROBLEM_NONE;
    enum fault f = read_exactly(tree, ref, at, out, len, &of_try);
    for (int tries = 1; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        bool found = false;
        of_try = PROBLEM_NONE;
        f = look_up(tree, node, &found, &of_try);
        if (!f && !found)
            f = problem_internal(&of_try, "a tree node is gone");
        if (!f)
            f = read_exactly(tree, ref, at, out, len, &of_try);
    }
    if (f == FAULT_GONE)
        return problem_internal(why, "the bytes of a tree node are gone");
    return of_node(tree, node->hash, f, &of_try, why);
}

enum fault oxen_tree_find(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                          struct oxen_tree_node *out, bool *found, struct problem *why)
{
    unsigned char bytes[OXEN_NODE_HEAD_BYTES] = { 0 };
    struct problem of_bytes = PROBLEM_NONE;
    memcpy(out->hash, hash, OXEN_HASH_BYTES);
    enum fault f = look_up(tree, out, found, why);
    if (f || !*found)
        return f;
    if (out->node.bytes >= OXEN_NODE_HEAD_BYTES)
        f = read_part(tree, out, &out->node, 0, bytes, sizeof bytes, why);
    if (f)
        return f;
    f = oxen_node_head(bytes, (uint64_t)out->node.bytes, &out->head, &of_bytes);
    return of_node(tree, hash, f, &of_bytes, why);
}

enum fault oxen_tree_open(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                          enum oxen_node_kind kind, struct oxen_tree_node *out, struct problem *why)
{
    bool found = false;
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash key;
    const enum fault f = oxen_tree_find(tree, hash, out, &found, why);
    if (f || (found && out->head.kind == kind))
        return f;
    memcpy(key.bytes, hash, sizeof key.bytes);
    oxen_hash_text(&key, digits);
    return problem_internal(why,
                            found ? "tree node %s is of another kind than it was named as"
                                  : "tree node %s is not stored",
                            digits);
}

enum fault oxen_tree_children(struct oxen_tree *tree, struct oxen_tree_node *node, uint64_t first,
                              struct oxen_node_child *out, size_t most, size_t *count,
                              struct problem *why)
{
    unsigned char bytes[OXEN_CHILDREN * OXEN_NODE_CHILD_BYTES];
    struct problem of_bytes = PROBLEM_NONE;
    *count = 0;
    if (first >= node->head.children)
        return FAULT_NONE;
    const uint64_t left = node->head.children - first;
    size_t n = most < OXEN_CHILDREN ? most : OXEN_CHILDREN;
    n = n < left ? n : (size_t)left;
    const uint64_t at = OXEN_NODE_HEAD_BYTES + node->head.payload + first * OXEN_NODE_CHILD_BYTES;
    enum fault f = read_part(tree, node, &node->node, at, bytes, n * OXEN_NODE_CHILD_BYTES, why);
    if (f)
        return f;
    for (size_t i = 0; i < n && !f; i++)
        f = oxen_node_child(bytes + i * OXEN_NODE_CHILD_BYTES, (uint64_t)node->payloads.bytes,
                            &out[i], &of_bytes);
    if (!f)
        *count = n;
    return of_node(tree, node->hash, f, &of_bytes, why);
}

/* Reads into the tree's payload. */
static enum fault read_payload(struct oxen_tree *tree, struct oxen_tree_node *node,
                               const struct blob_ref *ref, uint64_t at, size_t len,
                               struct problem *why)
{
    enum { PIECE = 4096 };
    unsigned char piece[PIECE];
    enum fault f = FAULT_NONE;
    text_clear(&tree->payload);
    for (size_t done = 0; done < len && !f;) {
        const size_t n = len - done < PIECE ? len - done : PIECE;
        f = read_part(tree, node, ref, at + done, piece, n, why);
        if (!f)
            text_add(&tree->payload, piece, n);
        done += n;
    }
    if (!f && text_failed(&tree->payload))
        f = problem_internal(why, "no memory for a tree node");
    return f;
}

enum fault oxen_tree_entry(struct oxen_tree *tree, struct oxen_tree_node *node,
                           const struct oxen_node_child *child, struct oxen_node_entry *out,
                           struct problem *why)
{
    struct problem of_bytes = PROBLEM_NONE;
    const bool root = node->head.kind == OXEN_NODE_COMMIT;
    enum fault f =
        read_payload(tree, node, &node->payloads, child->offset, (size_t)child->length, why);
    if (f)
        return f;
    f = oxen_node_entry(child->kind, root, text_string(&tree->payload), tree->payload.len, out,
                        &of_bytes);
    return of_node(tree, node->hash, f, &of_bytes, why);
}

enum fault oxen_tree_commit(struct oxen_tree *tree, const uint8_t hash[OXEN_HASH_BYTES],
                            struct oxen_tree_node *node, struct oxen_node_commit *out, bool *found,
                            struct problem *why)
{
    struct problem of_bytes = PROBLEM_NONE;
    enum fault f = oxen_tree_find(tree, hash, node, found, why);
    if (f || !*found)
        return f;
    if (node->head.kind != OXEN_NODE_COMMIT) {
        f = problem_set(&of_bytes, FAULT_MALFORMED, "it is no commit");
        return of_node(tree, hash, f, &of_bytes, why);
    }
    f = read_payload(tree, node, &node->node, OXEN_NODE_HEAD_BYTES, node->head.payload, why);
    if (f)
        return f;
    f = oxen_node_commit(text_string(&tree->payload), tree->payload.len, out, &of_bytes);
    return of_node(tree, hash, f, &of_bytes, why);
}

enum fault oxen_tree_root(struct oxen_tree *tree, struct oxen_tree_node *commit,
                          uint8_t root[OXEN_HASH_BYTES], bool *found, struct problem *why)
{
    static const uint8_t nobody[OXEN_HASH_BYTES] = { 0 };
    struct oxen_node_child child = { OXEN_NODE_DIR, { 0 }, 0, 0 };
    struct problem of_bytes = PROBLEM_NONE;
    size_t count = 0;
    const enum fault f = oxen_tree_children(tree, commit, 0, &child, 1, &count, why);
    if (f)
        return f;
    if (count > 0 && child.kind != OXEN_NODE_DIR) {
        (void)problem_set(&of_bytes, FAULT_MALFORMED, "its root is no dir");
        return of_node(tree, commit->hash, FAULT_MALFORMED, &of_bytes, why);
    }
    *found = count > 0 && memcmp(child.hash, nobody, sizeof nobody) != 0;
    memcpy(root, child.hash, OXEN_HASH_BYTES);
    return FAULT_NONE;
}
