#include "oxen/tree_download.h"

#include "base/limits.h"
#include "base/number.h"
#include "db/oxen_store_push.h"
#include "oxen/history.h"
#include "oxen/lookup.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/resource.h"
#include "oxen/tar_reply.h"
#include "oxen/walk.h"
#include "oxen/whole.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HISTORY "history/"
#define HISTORY_END "history0" /* the least text behind all that begin so */
#define NODES "tree/nodes/"

struct answer {
    struct exchange *x;
    struct oxen_repository repository;
    struct oxen_tree tree;
    struct oxen_walk *walk; /* NULL unless nodes are walked */
    struct oxen_tar_reply tar;
    struct oxen_object_page page; /* of the index, in hand */
};

/* ---- objects ---- */

struct object {
    struct answer *answer;
    const char *name;
};

static enum fault find_object(void *ctx, struct blob_ref *out, bool *found, struct problem *why)
{
    const struct object *object = ctx;
    return oxen_store_push_object_find(object->answer->x->db, object->answer->repository.id,
                                       object->name, out, found, why);
}

static enum fault send_object(struct answer *answer, const char *prefix, const char *name,
                              const struct blob_ref *ref, struct problem *why)
{
    char full[OXEN_PAGE_NAME_MAX + sizeof NODES];
    struct object object = { answer, name };
    const struct oxen_tar_source source = { find_object, &object };
    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    return oxen_tar_reply_file(&answer->tar, full, ref, &source, why);
}

/* Calls for objects of an index range, page by page, so that nothing is read while a client is sent to. */
typedef enum fault (*each_object)(struct answer *answer, void *ctx,
                                  const struct oxen_listed *object, struct problem *why);

static enum fault for_objects(struct answer *answer, const char *after, const char *end,
                              each_object each, void *ctx, struct problem *why)
{
    struct oxen_object_page *page = &answer->page;
    char from[OXEN_PAGE_NAME_MAX];
    enum fault f = FAULT_NONE;
    (void)snprintf(from, sizeof from, "%s", after);
    for (bool more = true; more && !f;) {
        f = oxen_store_push_objects_page(answer->x->db, answer->repository.id, from, end, page,
                                         why);
        for (size_t i = 0; i < page->count && !f; i++)
            f = each(answer, ctx, &page->objects[i], why);
        more = page->count == OXEN_PAGE_OBJECTS;
        if (more)
            (void)snprintf(from, sizeof from, "%s", page->objects[page->count - 1].name);
    }
    return f;
}

/* ---- all nodes ---- */

/* A node's "children", whose "node" comes next. */
struct pending {
    struct oxen_listed object;
    bool there;
};

/* Whether a name is that of a node's file, and which: its hash. */
static bool node_of(const char *name, struct oxen_hash *out, bool *is_node)
{
    char digits[OXEN_HASH_TEXT_MAX];
    char names[2][OXEN_TREE_NAME_MAX];
    struct problem of_hash = PROBLEM_NONE;
    const size_t cut = strcspn(name, "/");
    const size_t rest = name[cut] ? strcspn(name + cut + 1, "/") : 0;
    if (rest == 0 || cut + rest >= sizeof digits)
        return false;
    memcpy(digits, name, cut);
    memcpy(digits + cut, name + cut + 1, rest);
    digits[cut + rest] = '\0';
    if (oxen_hash_parse(digits, out, &of_hash))
        return false;
    oxen_tree_names(out->bytes, names[0], names[1]);
    *is_node = strcmp(name, names[0]) == 0;
    return *is_node || strcmp(name, names[1]) == 0;
}

/* Sends a node once both its files have come; what is none is left out. */
static enum fault take_node_file(struct answer *answer, void *ctx, const struct oxen_listed *object,
                                 struct problem *why)
{
    struct pending *pending = ctx;
    struct oxen_hash hash;
    struct oxen_hash before;
    bool is_node = false;
    bool was_node = false;
    if (!node_of(object->name, &hash, &is_node))
        return FAULT_NONE;
    if (!is_node) {
        pending->object = *object;
        pending->there = true;
        return FAULT_NONE;
    }
    if (!pending->there || !node_of(pending->object.name, &before, &was_node) ||
        !oxen_hash_same(&hash, &before))
        return FAULT_NONE;
    pending->there = false;
    const enum fault f =
        send_object(answer, NODES, pending->object.name, &pending->object.ref, why);
    return f ? f : send_object(answer, NODES, object->name, &object->ref, why);
}

static enum fault send_all_nodes(struct answer *answer, struct problem *why)
{
    struct pending pending = { .there = false };
    return for_objects(answer, "", "g", take_node_file, &pending, why);
}

/* ---- nodes that are walked ---- */

static enum fault send_node(void *ctx, struct oxen_tree_node *node, struct problem *why)
{
    struct answer *answer = ctx;
    char names[2][OXEN_TREE_NAME_MAX];
    oxen_tree_names(node->hash, names[0], names[1]);
    const enum fault f = send_object(answer, NODES, names[1], &node->payloads, why);
    return f ? f : send_object(answer, NODES, names[0], &node->node, why);
}

static enum fault send_commit_node(struct answer *answer, const uint8_t *commit, bool *rooted,
                                   uint8_t root[OXEN_HASH_BYTES], struct problem *why)
{
    struct oxen_tree_node node;
    enum fault f = oxen_tree_open(&answer->tree, commit, OXEN_NODE_COMMIT, &node, why);
    if (!f)
        f = oxen_tree_root(&answer->tree, &node, root, rooted, why);
    return f ? f : oxen_walk_node(answer->walk, &node, why);
}

/* One commit of a range: its node, and of its tree what the range's base has not. */
static enum fault send_beside(struct answer *answer, const uint8_t *commit, const uint8_t *base,
                              struct problem *why)
{
    uint8_t root[OXEN_HASH_BYTES];
    bool rooted = false;
    enum fault f = send_commit_node(answer, commit, &rooted, root, why);
    if (!f)
        f = oxen_walk_base(answer->walk, base, why);
    if (!f && rooted)
        f = oxen_walk_tree(answer->walk, root, OXEN_TREE_DEPTH_MAX, why);
    return f;
}

/* ---- ranges ---- */

struct range {
    struct oxen_hash base;
    struct oxen_hash head;
    bool has_base;
};

/* A commit that has been received. */
static enum fault find_commit(const struct answer *answer, const char *text, const char *code,
                              struct oxen_hash *out, struct problem *why)
{
    struct problem of_hash = PROBLEM_NONE;
    bool found = false;
    enum fault f = FAULT_NONE;
    if (!oxen_hash_parse(text, out, &of_hash))
        f = oxen_store_push_commit_exists(answer->x->db, answer->repository.id, out->bytes, &found,
                                          why);
    if (f || found)
        return f;
    if (strcmp(code, OXEN_NO_REVISION) == 0)
        return problem_code(why, FAULT_MISSING, code, "Could not find branch or commit: %s", text);
    return oxen_resource_missing(code, text, why);
}

static enum fault read_range(const struct answer *answer, const char *text, struct range *out,
                             struct problem *why)
{
    const char *dots = strstr(text, "..");
    *out = (struct range){ .has_base = dots };
    if (!dots)
        return find_commit(answer, text, OXEN_NO_RESOURCE, &out->head, why);
    if (dots[2] == '.')
        return problem_set(why, FAULT_MALFORMED, "a range of commits has two dots: base..head");
    const char *base = arena_strdup(answer->x->arena, text, (size_t)(dots - text));
    if (!base)
        return problem_internal(why, "no memory for a revision");
    const enum fault f = find_commit(answer, base, OXEN_NO_REVISION, &out->base, why);
    return f ? f : find_commit(answer, dots + 2, OXEN_NO_RESOURCE, &out->head, why);
}

/* What is to be cloned from a commit that no branch has stood at may not have come. */
static enum fault check_whole(const struct answer *answer, const struct oxen_hash *commit,
                              struct problem *why)
{
    struct oxen_whole whole = { .nodes = 0 };
    bool known = false;
    enum fault f = oxen_store_push_commit_whole(answer->x->db, answer->repository.id, commit->bytes,
                                                &known, why);
    if (!f && !known)
        f = oxen_whole_check(answer->x, answer->repository.id, commit, &whole, why);
    if (!f && (whole.nodes > 0 || whole.no_index))
        f = problem_internal(why, "a commit reaches %lld tree nodes that are not stored",
                             (long long)whole.nodes);
    return f;
}

typedef enum fault (*each_commit)(struct answer *answer, const uint8_t *commit, const uint8_t *base,
                                  struct problem *why);

/* The commits from head to base, the newest first; base itself when it is asked for. */
static enum fault for_range(struct answer *answer, const struct range *range, bool with_base,
                            each_commit each, struct problem *why)
{
    struct oxen_history *history = oxen_history_create(&answer->tree);
    bool found = true;
    bool more = true;
    enum fault f = history ? oxen_history_add(history, range->base.bytes, true, &found, why)
                           : problem_internal(why, "no memory for a history");
    if (!f && found)
        f = oxen_history_add(history, range->head.bytes, false, &found, why);
    if (!f && !found)
        f = problem_internal(why, "a commit's tree node is not stored");
    while (!f && more) {
        uint8_t commit[OXEN_HASH_BYTES];
        f = oxen_history_next(history, commit, &more, why);
        if (!f && more)
            f = each(answer, commit, range->base.bytes, why);
    }
    oxen_history_destroy(history);
    if (!f && with_base)
        f = each(answer, range->base.bytes, range->base.bytes, why);
    return f;
}

/* ---- subtrees ---- */

/* A dir on the way to a subtree, with its vnodes. */
static enum fault send_way(void *ctx, struct oxen_tree_node *dir, struct problem *why)
{
    struct answer *answer = ctx;
    struct oxen_node_child children[OXEN_CHILDREN];
    size_t count = 0;
    enum fault f = oxen_walk_node(answer->walk, dir, why);
    for (uint64_t at = 0; at < dir->head.children && !f; at += count) {
        f = oxen_tree_children(&answer->tree, dir, at, children, OXEN_CHILDREN, &count, why);
        for (size_t i = 0; i < count && !f; i++) {
            struct oxen_tree_node vnode;
            f = oxen_tree_open(&answer->tree, children[i].hash, OXEN_NODE_VNODE, &vnode, why);
            if (!f)
                f = oxen_walk_node(answer->walk, &vnode, why);
        }
    }
    return f;
}

static enum fault send_subtree(struct answer *answer, const uint8_t *commit, const char *path,
                               int64_t depth, bool way, struct problem *why)
{
    const struct oxen_lookup_way sent = { send_way, answer };
    struct oxen_found found;
    bool there = false;
    enum fault f =
        oxen_lookup(&answer->tree, commit, path, way ? &sent : NULL, &found, &there, why);
    if (!f && there && found.child.kind == OXEN_NODE_DIR)
        f = oxen_walk_tree(answer->walk, found.child.hash, depth, why);
    return f;
}

static enum fault send_subtrees(struct answer *answer, const uint8_t *commit, const char *list,
                                int64_t depth, struct problem *why)
{
    const char *download = exchange_query(answer->x, "is_download");
    const bool way = !download || strcmp(download, "true") != 0;
    uint8_t root[OXEN_HASH_BYTES];
    bool rooted = false;
    enum fault f = send_commit_node(answer, commit, &rooted, root, why);
    for (const char *at = list; !f && rooted;) {
        const size_t len = strcspn(at, ",");
        const char *path = oxen_resource_tidy(answer->x, at, len);
        f = path ? send_subtree(answer, commit, path, depth, way, why)
                 : problem_set(why, FAULT_TOO_LARGE, "too long a list of subtrees");
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    return f;
}

/* ---- requests ---- */

static enum fault begin(struct answer *answer, struct problem *why)
{
    const struct oxen_walk_calls calls = { send_node, NULL, NULL };
    oxen_tree_begin(&answer->tree, answer->x, answer->repository.id);
    answer->walk = oxen_walk_create(&answer->tree, &calls, answer);
    if (!answer->walk)
        return problem_internal(why, "no memory for a walk");
    return oxen_tar_reply_begin(&answer->tar, answer->x, why);
}

static enum fault end(struct answer *answer, enum fault f, struct problem *why)
{
    if (!f)
        f = oxen_tar_reply_end(&answer->tar, why);
    oxen_tar_reply_close(&answer->tar);
    oxen_walk_destroy(answer->walk);
    oxen_tree_end(&answer->tree);
    return f;
}

/* GET .../tree/download */
enum fault oxen_tree_download_all(struct exchange *x, struct problem *why)
{
    struct answer answer = { .x = x };
    enum fault f = oxen_repository_open(x, &answer.repository, why);
    if (f)
        return f;
    f = begin(&answer, why);
    if (!f)
        f = send_all_nodes(&answer, why);
    return end(&answer, f, why);
}

static enum fault read_depth(struct exchange *x, int64_t *out, struct problem *why)
{
    const char *text = exchange_query(x, "depth");
    *out = -1;
    if (text && !number_i64(text, strlen(text), out) &&
        !(text[0] == '-' && number_i64(text + 1, strlen(text) - 1, out)))
        return problem_set(why, FAULT_MALFORMED, "depth must be an integer");
    if (!text || text[0] == '-' || *out < 0 || *out > OXEN_TREE_DEPTH_MAX)
        *out = OXEN_TREE_DEPTH_MAX;
    return FAULT_NONE;
}

/* GET .../tree/download/{commit}, or {base}..{head} */
enum fault oxen_tree_download_revision(struct exchange *x, struct problem *why)
{
    struct answer answer = { .x = x };
    struct range range = { .has_base = false };
    const char *subtrees = exchange_query(x, "subtrees");
    int64_t depth = 0;
    enum fault f = oxen_repository_open(x, &answer.repository, why);
    if (!f)
        f = read_depth(x, &depth, why);
    if (!f)
        f = read_range(&answer, exchange_path(x, 2), &range, why);
    if (!f)
        f = check_whole(&answer, &range.head, why);
    if (f)
        return f;
    f = begin(&answer, why);
    if (!f && range.has_base)
        f = for_range(&answer, &range, false, send_beside, why);
    else if (!f && subtrees)
        f = send_subtrees(&answer, range.head.bytes, subtrees, depth, why);
    else if (!f)
        f = send_all_nodes(&answer, why);
    return end(&answer, f, why);
}

/* GET .../tree/nodes/hash/{hash}: whether the history of that commit can be served */
enum fault oxen_tree_download_has(struct exchange *x, struct problem *why)
{
    struct answer answer = { .x = x };
    struct oxen_hash hash;
    struct text out;
    enum fault f = oxen_repository_open(x, &answer.repository, why);
    if (!f)
        f = find_commit(&answer, exchange_path(x, 2), OXEN_NO_RESOURCE, &hash, why);
    if (f == FAULT_MISSING)
        why->code = NULL; /* shape 1 */
    if (f)
        return f;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    oxen_reply_key(&out, "node");
    text_addc(&out, '{');
    oxen_reply_text(&out, "hash", exchange_path(x, 2));
    text_addc(&out, '}');
    return oxen_reply_end(x, &out, why);
}

/* ---- directory hashes ---- */

/* "history/{commit}/dir_hashes/{file}", or dirs/ */
static enum fault take_history(struct answer *answer, void *ctx, const struct oxen_listed *object,
                               struct problem *why)
{
    const char *at = object->name + sizeof HISTORY - 1;
    struct oxen_hash hash;
    struct problem of_hash = PROBLEM_NONE;
    char digits[OXEN_HASH_TEXT_MAX] = "";
    const size_t len = strcspn(at, "/");
    (void)ctx;
    if (len >= sizeof digits || at[len] == '\0')
        return FAULT_NONE;
    memcpy(digits, at, len);
    at += len + 1;
    const size_t folder = strcspn(at, "/");
    const bool known = (folder == 10 && strncmp(at, "dir_hashes", folder) == 0) ||
                       (folder == 4 && strncmp(at, "dirs", folder) == 0);
    if (oxen_hash_parse(digits, &hash, &of_hash) || !known || at[folder] == '\0' ||
        strchr(at + folder + 1, '/'))
        return FAULT_NONE;
    return send_object(answer, "", object->name, &object->ref, why);
}

static enum fault send_history(struct answer *answer, const uint8_t *commit, const uint8_t *base,
                               struct problem *why)
{
    char digits[OXEN_HASH_TEXT_MAX];
    char from[OXEN_PAGE_NAME_MAX];
    char to[OXEN_PAGE_NAME_MAX];
    struct oxen_hash hash;
    (void)base;
    memcpy(hash.bytes, commit, sizeof hash.bytes);
    oxen_hash_text(&hash, digits);
    (void)snprintf(from, sizeof from, HISTORY "%s/", digits);
    (void)snprintf(to, sizeof to, HISTORY "%s0", digits);
    return for_objects(answer, from, to, take_history, NULL, why);
}

/* GET .../commits/{commit or branch}/download_dir_hashes_db, or {base}..{head}/... */
enum fault oxen_tree_download_history(struct exchange *x, struct problem *why)
{
    struct answer answer = { .x = x };
    struct range range = { .has_base = false };
    const char *text = exchange_path(x, 2);
    bool found = false;
    enum fault f = oxen_repository_open(x, &answer.repository, why);
    if (!f && !strstr(text, ".."))
        f = oxen_resource_revision(x, answer.repository.id, text, &range.head, &found, why);
    if (!f && !found)
        f = read_range(&answer, text, &range, why);
    if (f)
        return f;
    f = begin(&answer, why);
    if (!f && range.has_base)
        f = for_range(&answer, &range, true, send_history, why);
    else if (!f)
        f = for_objects(&answer, HISTORY, HISTORY_END, take_history, NULL, why);
    return end(&answer, f, why);
}

/* GET .../commits/{commit or branch}/commit_db */
enum fault oxen_tree_download_commit_db(struct exchange *x, struct problem *why)
{
    struct answer answer = { .x = x };
    struct oxen_hash hash;
    bool found = false;
    const char *text = exchange_path(x, 2);
    enum fault f = oxen_repository_open(x, &answer.repository, why);
    if (!f)
        f = oxen_resource_revision(x, answer.repository.id, text, &hash, &found, why);
    if (!f && !found)
        f = problem_code(why, FAULT_MISSING, OXEN_NO_REVISION,
                         "Could not find branch or commit: %s", text);
    if (f)
        return f;
    f = begin(&answer, why);
    if (!f)
        f = send_history(&answer, hash.bytes, NULL, why);
    return end(&answer, f, why);
}
