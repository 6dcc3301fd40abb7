#include "oxen/branches.h"

#include "db/oxen_store_push.h"
#include "oxen/ancestry.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/request.h"
#include "oxen/whole.h"
#include "json/json.h"

#include <stdbool.h>
#include <string.h>

/* ---- answers ---- */

static void add_branch(struct text *out, const char *name, const uint8_t key[OXEN_KEY_BYTES])
{
    char commit[OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash;
    memcpy(hash.bytes, key, sizeof hash.bytes);
    oxen_hash_text(&hash, commit);
    text_addc(out, '{');
    oxen_reply_text(out, "name", name);
    oxen_reply_text(out, "commit_id", commit);
    text_addc(out, '}');
}

static enum fault reply_branch(struct exchange *x, const char *message, const char *name,
                               const uint8_t hash[OXEN_KEY_BYTES], struct problem *why)
{
    struct text out;
    oxen_reply_begin(&out, message, OXEN_VERSIONED);
    oxen_reply_key(&out, "branch");
    add_branch(&out, name, hash);
    return oxen_reply_end(x, &out, why);
}

static enum fault no_branch(const char *name, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OXEN_NO_BRANCH,
                        "Could not find branch: Branch '%s' not found", name);
}

/* ---- looking ---- */

static enum fault add_listed(void *ctx, const char *name, const uint8_t hash[OXEN_KEY_BYTES],
                             struct problem *why)
{
    struct text *out = ctx;
    (void)why; /* the text remembers */
    if (out->len > 0)
        text_addc(out, ',');
    add_branch(out, name, hash);
    return FAULT_NONE;
}

/* GET /api/repos/{namespace}/{repo_name}/branches */
enum fault oxen_branches_list(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct text list;
    struct text out;
    text_init(&list, JSON_REPLY_MAX);
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = oxen_store_push_branch_each(x->db, repository.id, add_listed, &list, why);
    if (!f && text_failed(&list))
        f = problem_internal(why, "no memory for a list of branches");
    if (!f) {
        oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
        oxen_reply_key(&out, "branches");
        text_addf(&out, "[%s]", text_string(&list));
        f = oxen_reply_end(x, &out, why);
    }
    text_release(&list);
    return f;
}

/* GET /api/repos/{namespace}/{repo_name}/branches/{branch} */
enum fault oxen_branches_show(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    uint8_t hash[OXEN_KEY_BYTES] = { 0 };
    const char *name = exchange_path(x, 2);
    bool found = false;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = oxen_store_push_branch_find(x->db, repository.id, name, hash, &found, why);
    if (!f && !found)
        f = no_branch(name, why);
    return f ? f : reply_branch(x, "resource_found", name, hash, why);
}

/* ---- moving ---- */

static enum fault no_commit(const char *commit, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OXEN_NO_COMMIT, "Could not find commit: %s", commit);
}

/* The member commit_id as a hash; a text that is none names a commit that there cannot be. */
static enum fault read_commit(json_object *body, const char **text, struct oxen_hash *out,
                              struct problem *why)
{
    struct problem of_hash = PROBLEM_NONE;
    *text = json_text_of(body, "commit_id");
    if (!*text)
        return oxen_request_bad_json(why);
    return oxen_hash_parse(*text, out, &of_hash) ? no_commit(*text, why) : FAULT_NONE;
}

/* A name that a path can hold again: no control characters, no empty, "." or ".." segment. */
static enum fault name_check(const char *name, struct problem *why)
{
    enum { CONTROL_END = 0x20, DELETE = 0x7F };
    bool fine = strlen(name) < NAME_MAX_BYTES;
    for (const char *at = name; fine; at++) {
        const size_t len = strcspn(at, "/");
        fine = len > 0 && !(len == 1 && at[0] == '.') && !(len == 2 && strncmp(at, "..", 2) == 0);
        for (size_t i = 0; i < len && fine; i++)
            fine = (unsigned char)at[i] >= CONTROL_END && at[i] != DELETE;
        at += len;
        if (*at == '\0')
            break;
    }
    return fine ? FAULT_NONE
                : problem_set(why, FAULT_MALFORMED, "'%.*s' is not a valid branch name",
                              NAME_MAX_BYTES, name);
}

/* The branch stands, so the push has ended. */
static void end_push(struct exchange *x, int64_t repository, const struct oxen_hash *tip)
{
    struct problem beside = PROBLEM_NONE;
    const enum fault unanswered = oxen_ancestry_conclude(x, repository, tip, &beside);
    (void)unanswered; /* what stays open is sent once more */
}

/* A branch that is to be set, or set anew. */
struct setting {
    struct exchange *x;
    int64_t repository;
    const char *name;
    const uint8_t *old; /* where it must stand now; NULL: anywhere */
    struct oxen_hash hash;
    bool new;
    struct oxen_whole whole; /* what was missing, when the result is IN_DOUBT */
};

static enum fault try_to_set(struct setting *set, enum oxen_branch_result *result,
                             struct problem *why)
{
    return set->new ? oxen_store_push_branch_add(set->x->db, set->repository, set->name,
                                                 set->hash.bytes, result, why)
                    : oxen_store_push_branch_move(set->x->db, set->repository, set->name, set->old,
                                                  set->hash.bytes, result, why);
}

/* Sets it when everything that the commit reaches is stored.  A content that is taken out between the
 * look and the setting is looked for once more. */
static enum fault set_branch(struct setting *set, enum oxen_branch_result *result,
                             struct problem *why)
{
    enum { TRIES = 3 };
    enum fault f = try_to_set(set, result, why);
    for (int i = 0; i < TRIES && !f && *result == OXEN_BRANCH_IN_DOUBT; i++) {
        f = oxen_whole_check(set->x, set->repository, &set->hash, &set->whole, why);
        if (f || !oxen_whole_is(&set->whole))
            return f;
        f = try_to_set(set, result, why);
    }
    if (!f && *result == OXEN_BRANCH_IN_DOUBT)
        f = problem_set(why, FAULT_BUSY, "contents of the repository are being taken out");
    return f;
}

/* The commit of a new branch: the member commit_id, or where the branch from_name stands. */
static enum fault read_start(struct setting *set, json_object *body, const char **commit,
                             struct problem *why)
{
    const char *from = json_text_of(body, "from_name");
    bool found = false;
    if (json_text_of(body, "commit_id") || !from)
        return read_commit(body, commit, &set->hash, why);
    char *text = arena_alloc(set->x->arena, OXEN_HASH_TEXT_MAX);
    if (!text)
        return problem_internal(why, "no memory for a hash");
    enum fault f = oxen_store_push_branch_find(set->x->db, set->repository, from, set->hash.bytes,
                                               &found, why);
    if (!f && !found)
        f = no_branch(from, why);
    if (!f)
        oxen_hash_text(&set->hash, text);
    *commit = text;
    return f;
}

/* A branch of that name, which one that is made from another may be. */
static enum fault exists(const struct setting *set, json_object *body, struct problem *why)
{
    uint8_t hash[OXEN_KEY_BYTES] = { 0 };
    bool found = false;
    if (json_text_of(body, "commit_id"))
        return problem_set(why, FAULT_CONFLICT, "Branch already exists: %s", set->name);
    const enum fault f =
        oxen_store_push_branch_find(set->x->db, set->repository, set->name, hash, &found, why);
    if (f)
        return f;
    return found ? reply_branch(set->x, "resource_found", set->name, hash, why)
                 : no_branch(set->name, why);
}

/* POST /api/repos/{namespace}/{repo_name}/branches {"new_name", "commit_id" or "from_name"} */
enum fault oxen_branches_create(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct setting set = { .x = x, .new = true };
    json_object *body = NULL;
    const char *commit = NULL;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = oxen_request_json(x, &body, why);
    set.repository = repository.id;
    if (!f) {
        set.name = json_text_of(body, "new_name");
        f = set.name ? name_check(set.name, why) : oxen_request_bad_json(why);
    }
    if (!f)
        f = read_start(&set, body, &commit, why);
    if (!f)
        f = set_branch(&set, &result, why);
    if (!f && result == OXEN_BRANCH_NO_COMMIT)
        f = no_commit(commit, why);
    if (f)
        return f;
    if (result == OXEN_BRANCH_EXISTS)
        return exists(&set, body, why);
    if (result == OXEN_BRANCH_IN_DOUBT)
        return oxen_reply_unreachable(x, &set.whole, why);
    end_push(x, repository.id, &set.hash);
    return reply_branch(x, "resource_created", set.name, set.hash.bytes, why);
}

/* Where a client says that the branch stands: If-Match with a commit's hash, in quotes or not.
 * NULL in *out: it does not say. */
static enum fault read_expected(struct exchange *x, struct oxen_hash *room, const uint8_t **out,
                                struct problem *why)
{
    struct problem of_hash = PROBLEM_NONE;
    const char *value = exchange_header(x, "If-Match");
    if (!value || strcmp(value, "*") == 0)
        return FAULT_NONE;
    const size_t len = strlen(value);
    const bool quoted = len >= 2 && value[0] == '"' && value[len - 1] == '"';
    const char *text = quoted ? arena_strdup(x->arena, value + 1, len - 2) : value;
    if (!text || oxen_hash_parse(text, room, &of_hash))
        return problem_set(why, FAULT_MALFORMED, "If-Match must hold the hash of a commit");
    *out = room->bytes;
    return FAULT_NONE;
}

/* PUT /api/repos/{namespace}/{repo_name}/branches/{branch} {"commit_id"} */
enum fault oxen_branches_update(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct oxen_hash expected = { { 0 } };
    struct setting set = { .x = x, .name = exchange_path(x, 2) };
    json_object *body = NULL;
    const char *commit = NULL;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = read_expected(x, &expected, &set.old, why);
    if (!f)
        f = oxen_request_json(x, &body, why);
    if (!f)
        f = read_commit(body, &commit, &set.hash, why);
    set.repository = repository.id;
    if (!f)
        f = set_branch(&set, &result, why);
    if (!f && result == OXEN_BRANCH_MISSING)
        f = no_branch(set.name, why);
    if (!f && result == OXEN_BRANCH_NO_COMMIT)
        f = no_commit(commit, why);
    if (!f && result == OXEN_BRANCH_MOVED)
        f = problem_set(why, FAULT_PRECONDITION, "branch '%s' has moved", set.name);
    if (f)
        return f;
    if (result == OXEN_BRANCH_IN_DOUBT)
        return oxen_reply_unreachable(x, &set.whole, why);
    end_push(x, repository.id, &set.hash);
    return reply_branch(x, "resource_updated", set.name, set.hash.bytes, why);
}

/* DELETE /api/repos/{namespace}/{repo_name}/branches/{branch} */
enum fault oxen_branches_delete(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    uint8_t hash[OXEN_KEY_BYTES] = { 0 };
    const char *name = exchange_path(x, 2);
    bool found = false;
    enum oxen_branch_result result = OXEN_BRANCH_DONE;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = oxen_store_push_branch_find(x->db, repository.id, name, hash, &found, why);
    if (!f)
        f = oxen_store_push_branch_drop(x->db, repository.id, name, &result, why);
    if (!f && (!found || result == OXEN_BRANCH_MISSING))
        f = no_branch(name, why);
    return f ? f : reply_branch(x, "resource_deleted", name, hash, why);
}

/* ---- actions ---- */

/* POST /api/repos/{namespace}/{repo_name}/action/{state}/{action}: a client tells when it begins
 * and when it is done; what it says beside that is read and not used. */
enum fault oxen_branches_action(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    const char *body = NULL;
    size_t len = 0;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f)
        f = exchange_body_text(x, JSON_BODY_MAX, &body, &len, why);
    if (f)
        return f;
    struct text out;
    text_init(&out, JSON_REPLY_MAX);
    text_addc(&out, '{');
    oxen_reply_text(&out, "action", exchange_path(x, 3));
    oxen_reply_text(&out, "status", "success");
    oxen_reply_text(&out, "state", exchange_path(x, 2));
    return oxen_reply_end(x, &out, why);
}
