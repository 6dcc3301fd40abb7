#include "oxen/missing.h"

#include "blob/blob.h"
#include "db/oxen_store.h"
#include "db/oxen_store_push.h"
#include "oxen/archive.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/request.h"
#include "json/json.h"

#include <string.h>

/* Whether it is here with its bytes, so that it need not be sent. */
typedef enum fault (*exists)(struct exchange *x, int64_t repository,
                             const uint8_t hash[OXEN_KEY_BYTES], bool *found, struct problem *why);

static enum fault version_exists(struct exchange *x, int64_t repository,
                                 const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                 struct problem *why)
{
    struct blob_ref ref = { 0 };
    const enum fault f = oxen_store_version_find(x->db, repository, hash, &ref, found, why);
    if (!f)
        *found = *found && blob_present(x->blobs, &ref);
    return f;
}

/* Of a tree node, by its canonical digits, which name its object. */
static enum fault node_exists(struct exchange *x, int64_t repository,
                              const uint8_t hash[OXEN_KEY_BYTES], bool *found, struct problem *why)
{
    char digits[OXEN_HASH_TEXT_MAX];
    char name[OXEN_PART_NAME_MAX];
    struct blob_ref ref = { 0 };
    struct oxen_hash node;
    memcpy(node.bytes, hash, sizeof node.bytes);
    oxen_hash_text(&node, digits);
    oxen_archive_node_name(digits, name);
    const enum fault f = oxen_store_push_object_find(x->db, repository, name, &ref, found, why);
    if (!f)
        *found = *found && blob_present(x->blobs, &ref);
    return f;
}

/* Of a commit: a branch was set since it came, and its tree node is here. */
static enum fault commit_exists(struct exchange *x, int64_t repository,
                                const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                struct problem *why)
{
    const enum fault f = oxen_store_push_commit_pushed(x->db, repository, hash, found, why);
    return f || !*found ? f : node_exists(x, repository, hash, found, why);
}

/* Adds one of the asked hashes unless it is there; what is no hash is not. */
static enum fault add_missing(struct exchange *x, int64_t repository, exists is_there,
                              json_object *asked, struct text *out, struct problem *why)
{
    struct oxen_hash hash = { { 0 } };
    struct problem of_hash = PROBLEM_NONE;
    bool found = false;
    enum fault f = FAULT_NONE;
    if (json_object_get_type(asked) != json_type_string)
        return oxen_request_bad_json(why);
    const char *text = json_object_get_string(asked);
    const size_t len = (size_t)json_object_get_string_len(asked);
    if (strlen(text) == len && !oxen_hash_parse(text, &hash, &of_hash))
        f = is_there(x, repository, hash.bytes, &found, why);
    if (f || found)
        return f;
    if (out->len > 0)
        text_addc(out, ',');
    json_quote(out, text, len);
    return FAULT_NONE;
}

static enum fault list_missing(struct exchange *x, int64_t repository, exists is_there,
                               struct text *out, struct problem *why)
{
    json_object *body = NULL;
    json_object *asked = NULL;
    enum fault f = oxen_request_json(x, &body, why);
    if (f)
        return f;
    if (json_object_get_type(body) != json_type_object ||
        !json_object_object_get_ex(body, "hashes", &asked) ||
        json_object_get_type(asked) != json_type_array)
        return oxen_request_bad_json(why);
    const size_t count = json_object_array_length(asked);
    for (size_t i = 0; i < count && !f; i++)
        f = add_missing(x, repository, is_there, json_object_array_get_idx(asked, i), out, why);
    if (!f && text_failed(out))
        f = problem_internal(why, "no memory for a list of hashes");
    return f;
}

static enum fault answer(struct exchange *x, exists is_there, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct text list;
    struct text out;
    text_init(&list, JSON_REPLY_MAX);
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = list_missing(x, repository.id, is_there, &list, why);
    if (!f) {
        oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
        oxen_reply_key(&out, "hashes");
        text_addc(&out, '[');
        text_add(&out, text_string(&list), list.len);
        text_addc(&out, ']');
        f = oxen_reply_end(x, &out, why);
    }
    text_release(&list);
    return f;
}

/* POST /api/repos/{namespace}/{repo_name}/commits/missing {"hashes"} */
enum fault oxen_missing_commits(struct exchange *x, struct problem *why)
{
    return answer(x, commit_exists, why);
}

/* Of a commit that a client before 0.60 says it has sent whole: all are repeated. */
static enum fault never_exists(struct exchange *x, int64_t repository,
                               const uint8_t hash[OXEN_KEY_BYTES], bool *found, struct problem *why)
{
    (void)x;
    (void)repository;
    (void)hash;
    (void)why;
    *found = false;
    return FAULT_NONE;
}

/* POST /api/repos/{namespace}/{repo_name}/commits/mark_commits_as_synced {"hashes"}: a push is known
 * to have ended by its branch, so nothing is to be remembered. */
enum fault oxen_missing_synced(struct exchange *x, struct problem *why)
{
    return answer(x, never_exists, why);
}

/* POST /api/repos/{namespace}/{repo_name}/tree/nodes/missing_node_hashes {"hashes"} */
enum fault oxen_missing_nodes(struct exchange *x, struct problem *why)
{
    return answer(x, node_exists, why);
}

/* POST /api/repos/{namespace}/{repo_name}/versions/missing {"hashes"} */
enum fault oxen_missing_versions(struct exchange *x, struct problem *why)
{
    return answer(x, version_exists, why);
}
