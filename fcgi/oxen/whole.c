#include "oxen/whole.h"

#include "base/limits.h"
#include "db/oxen_store_push.h"
#include "oxen/hash_list.h"
#include "oxen/tree.h"
#include "oxen/walk.h"

#include <string.h>

struct check {
    struct exchange *x;
    int64_t repository;
    struct oxen_tree tree;
    struct oxen_walk *walk;
    struct oxen_hash_list *commits; /* that are not known to be whole, a child before its parents */
    struct oxen_hash_list *walked;  /* of them, those whose trees have been walked */
    struct oxen_whole *out;
    uint8_t contents[OXEN_LOOKUP_VERSIONS * OXEN_HASH_BYTES]; /* to be looked up */
    size_t count;
};

bool oxen_whole_is(const struct oxen_whole *whole)
{
    return whole->nodes == 0 && whole->versions == 0 && !whole->no_index;
}

/* ---- commits ---- */

static enum fault add_unless_whole(struct check *check, const uint8_t *hash, struct problem *why)
{
    bool whole = false;
    bool added = false;
    enum fault f = oxen_store_push_commit_whole(check->x->db, check->repository, hash, &whole, why);
    if (!f && !whole)
        f = oxen_hash_list_add(check->commits, hash, &added, why);
    return f;
}

/* A commit's directory hashes are there when it has been received. */
static enum fault check_index(struct check *check, const uint8_t *hash, struct problem *why)
{
    bool found = false;
    const enum fault f =
        oxen_store_push_commit_exists(check->x->db, check->repository, hash, &found, why);
    if (!f && !found && !check->out->no_index) {
        check->out->no_index = true;
        memcpy(check->out->commit.bytes, hash, OXEN_HASH_BYTES);
    }
    return f;
}

static enum fault add_parents(struct check *check, const uint8_t *hash, struct problem *why)
{
    struct oxen_tree_node node;
    struct oxen_node_commit commit;
    bool found = false;
    uint8_t parents[OXEN_PARENTS_MAX][OXEN_HASH_BYTES];
    enum fault f = oxen_tree_commit(&check->tree, hash, &node, &commit, &found, why);
    if (f)
        return f;
    if (!found) {
        check->out->nodes++;
        return FAULT_NONE;
    }
    if (memcmp(commit.hash, hash, OXEN_HASH_BYTES) != 0)
        return problem_set(why, FAULT_MALFORMED, "a commit's tree node with another commit's hash");
    if (commit.parent_count > OXEN_PARENTS_MAX)
        return problem_set(why, FAULT_MALFORMED, "a commit of more than %d parents",
                           OXEN_PARENTS_MAX);
    size_t count = 0;
    while (oxen_node_parent(&commit, parents[count]))
        count++;
    if (commit.parents.failed)
        return problem_set(why, FAULT_MALFORMED, "a commit whose parents cannot be read");
    for (size_t i = 0; i < count && !f; i++)
        f = add_unless_whole(check, parents[i], why);
    return f;
}

static enum fault find_commits(struct check *check, const struct oxen_hash *tip,
                               struct problem *why)
{
    enum fault f = add_unless_whole(check, tip->bytes, why);
    for (size_t i = 0; i < oxen_hash_list_count(check->commits) && !f; i++) {
        const uint8_t *hash = oxen_hash_list_at(check->commits, i);
        f = check_index(check, hash, why);
        if (!f)
            f = add_parents(check, hash, why);
    }
    return f;
}

/* ---- contents ---- */

static enum fault look_up(struct check *check, struct problem *why)
{
    int64_t bytes[OXEN_LOOKUP_VERSIONS];
    const enum fault f = oxen_store_versions_measure(check->x->db, check->repository,
                                                     check->contents, check->count, bytes, why);
    for (size_t i = 0; i < check->count && !f; i++)
        check->out->versions += bytes[i] < 0;
    check->count = 0;
    return f;
}

static enum fault take_entry(void *ctx, const struct oxen_node_entry *entry, bool in_base,
                             struct problem *why)
{
    struct check *check = ctx;
    if (entry->kind != OXEN_NODE_FILE || in_base)
        return FAULT_NONE;
    memcpy(check->contents + check->count * OXEN_HASH_BYTES, entry->hash, OXEN_HASH_BYTES);
    check->count++;
    return check->count == OXEN_LOOKUP_VERSIONS ? look_up(check, why) : FAULT_NONE;
}

static enum fault take_missing(void *ctx, const uint8_t hash[OXEN_HASH_BYTES], struct problem *why)
{
    struct check *check = ctx;
    (void)hash;
    (void)why;
    check->out->nodes++;
    return FAULT_NONE;
}

/* ---- trees ---- */

/* Parents whose trees are known to be whole, or have been looked at, are the bases. */
static enum fault add_bases(struct check *check, const uint8_t *hash, struct problem *why)
{
    struct oxen_tree_node node;
    struct oxen_node_commit commit;
    uint8_t parents[OXEN_PARENTS_MAX][OXEN_HASH_BYTES];
    size_t count = 0;
    bool found = false;
    enum fault f = oxen_tree_commit(&check->tree, hash, &node, &commit, &found, why);
    while (!f && found && count < OXEN_PARENTS_MAX && oxen_node_parent(&commit, parents[count]))
        count++;
    for (size_t i = 0; i < count && !f; i++) {
        if (!oxen_hash_list_holds(check->commits, parents[i]) ||
            oxen_hash_list_holds(check->walked, parents[i]))
            f = oxen_walk_base(check->walk, parents[i], why);
    }
    return f;
}

static enum fault walk_commit(struct check *check, const uint8_t *hash, struct problem *why)
{
    struct oxen_tree_node node;
    uint8_t root[OXEN_HASH_BYTES];
    bool found = false;
    bool added = false;
    enum fault f = oxen_tree_find(&check->tree, hash, &node, &found, why);
    if (f || !found)
        return f;
    f = oxen_tree_root(&check->tree, &node, root, &found, why);
    if (!f && found)
        f = add_bases(check, hash, why);
    if (!f && found)
        f = oxen_walk_tree(check->walk, root, OXEN_TREE_DEPTH_MAX, why);
    return f ? f : oxen_hash_list_add(check->walked, hash, &added, why);
}

/* Parents before their children, as far as the order in which they were found tells. */
static enum fault walk_commits(struct check *check, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = oxen_hash_list_count(check->commits); i > 0 && !f; i--)
        f = walk_commit(check, oxen_hash_list_at(check->commits, i - 1), why);
    return f || check->count == 0 ? f : look_up(check, why);
}

static enum fault mark(struct check *check, struct problem *why)
{
    enum { PIECE = 256 };
    uint8_t hashes[PIECE * OXEN_HASH_BYTES];
    const size_t all = oxen_hash_list_count(check->commits);
    enum fault f = FAULT_NONE;
    for (size_t at = 0; at < all && !f;) {
        size_t count = 0;
        for (; at < all && count < PIECE; at++, count++)
            memcpy(hashes + count * OXEN_HASH_BYTES, oxen_hash_list_at(check->commits, at),
                   OXEN_HASH_BYTES);
        f = oxen_store_push_commits_found_whole(check->x->db, check->repository, hashes, count,
                                                why);
    }
    return f;
}

enum fault oxen_whole_check(struct exchange *x, int64_t repository, const struct oxen_hash *tip,
                            struct oxen_whole *out, struct problem *why)
{
    static const struct oxen_walk_calls calls = { NULL, take_missing, take_entry };
    const struct oxen_hash_seed seed = oxen_hash_seed_of(x->random);
    struct check *check = arena_alloc(x->arena, sizeof *check);
    *out = (struct oxen_whole){ .nodes = 0 };
    if (!check)
        return problem_internal(why, "no memory for a look at a commit");
    *check = (struct check){ .x = x, .repository = repository, .out = out };
    oxen_tree_begin(&check->tree, x, repository);
    check->tree.checks = true;
    check->commits = oxen_hash_list_create(OXEN_HISTORY_MAX, &seed);
    check->walked = oxen_hash_list_create(OXEN_HISTORY_MAX, &seed);
    check->walk = oxen_walk_create(&check->tree, &calls, check);
    enum fault f = check->commits && check->walked && check->walk
                       ? find_commits(check, tip, why)
                       : problem_internal(why, "no memory for a look at a commit");
    if (!f)
        f = walk_commits(check, why);
    if (!f && oxen_whole_is(out))
        f = mark(check, why);
    oxen_walk_destroy(check->walk);
    oxen_hash_list_destroy(check->commits);
    oxen_hash_list_destroy(check->walked);
    oxen_tree_end(&check->tree);
    return f;
}
