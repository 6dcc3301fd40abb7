#include "db/oxen_store_push.h"

#include "db/blob_rows.h"

#include <stdio.h>
#include <string.h>

/* ---- archives ---- */

static enum fault object_put(struct db *db, int64_t repository, const struct oxen_object *object,
                             struct problem *why)
{
    int64_t blob = 0;
    const enum fault f = blob_rows_add(db, &object->ref, &blob, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OXEN_OBJECT_PUT);
    query_int(&q, ":repository", repository);
    query_text(&q, ":name", object->name);
    query_int(&q, ":blob", blob);
    return query_run(&q, NULL, why);
}

struct putting {
    int64_t repository;
    const struct oxen_object *objects;
    size_t count;
};

static enum fault put_all(struct db *db, void *ctx, struct problem *why)
{
    const struct putting *p = ctx;
    enum fault f = oxen_store_repository_check(db, p->repository, why);
    for (size_t i = 0; i < p->count && !f; i++)
        f = object_put(db, p->repository, &p->objects[i], why);
    return f;
}

enum fault oxen_store_push_objects_put(struct db *db, int64_t repository,
                                       const struct oxen_object *objects, size_t count,
                                       struct problem *why)
{
    struct putting putting = { repository, objects, count };
    return db_write(db, put_all, &putting, why);
}

enum fault oxen_store_push_object_find(struct db *db, int64_t repository, const char *name,
                                       struct blob_ref *out, bool *found, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_OBJECT_FIND);
    query_int(&q, ":repository", repository);
    query_text(&q, ":name", name);
    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *out = blob_rows_ref(&q, 0);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault oxen_store_push_objects_page(struct db *db, int64_t repository, const char *after,
                                        const char *end, struct oxen_object_page *out,
                                        struct problem *why)
{
    enum { NAME, FILE_NUMBER };
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_OBJECT_PAGE);
    query_int(&q, ":repository", repository);
    query_text(&q, ":after", after);
    query_text(&q, ":end", end);
    query_int(&q, ":longest", OXEN_PAGE_NAME_MAX - 1);
    query_int(&q, ":most", OXEN_PAGE_OBJECTS);
    out->count = 0;
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        struct oxen_listed *at = &out->objects[out->count++];
        at->ref = blob_rows_ref(&q, FILE_NUMBER);
        if (!query_column_copy(&q, NAME, at->name, sizeof at->name))
            f = problem_internal(why, "a row of the table oxen_object does not fit");
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault commit_add(struct db *db, int64_t repository,
                             const struct oxen_commit_parts *commit, int64_t now,
                             struct problem *why)
{
    enum { AFTER_SLASH = '/' + 1 };
    char to[OXEN_PART_NAME_MAX];
    const size_t len = strlen(commit->history);
    if (len == 0)
        return problem_internal(why, "a commit without a prefix");
    memcpy(to, commit->history, len + 1);
    to[len - 1] = AFTER_SLASH; /* the least text behind all that begin so */
    struct query q = query_for(db, STMT_OXEN_COMMIT_ADD);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", commit->hash, sizeof commit->hash);
    query_int(&q, ":now", now);
    query_text(&q, ":node", commit->node);
    query_text(&q, ":from", commit->history);
    query_text(&q, ":to", to);
    return query_run(&q, NULL, why);
}

struct commits_adding {
    int64_t repository;
    const struct oxen_commit_parts *commits;
    size_t count;
    int64_t now;
};

static enum fault add_commits(struct db *db, void *ctx, struct problem *why)
{
    const struct commits_adding *a = ctx;
    enum fault f = oxen_store_repository_check(db, a->repository, why);
    for (size_t i = 0; i < a->count && !f; i++)
        f = commit_add(db, a->repository, &a->commits[i], a->now, why);
    return f;
}

enum fault oxen_store_push_commits_add(struct db *db, int64_t repository,
                                       const struct oxen_commit_parts *commits, size_t count,
                                       int64_t now, struct problem *why)
{
    struct commits_adding adding = { repository, commits, count, now };
    return db_write(db, add_commits, &adding, why);
}

/* Whether which, one of the two statements about a commit, finds a row. */
static enum fault commit_find(struct db *db, enum statement which, int64_t repository,
                              const uint8_t hash[OXEN_KEY_BYTES], bool *found, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, which);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);
    const enum fault f = query_step(&q, &row, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault oxen_store_push_commit_pushed(struct db *db, int64_t repository,
                                         const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                         struct problem *why)
{
    return commit_find(db, STMT_OXEN_COMMIT_PUSHED, repository, hash, found, why);
}

enum fault oxen_store_push_commit_exists(struct db *db, int64_t repository,
                                         const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                         struct problem *why)
{
    return commit_find(db, STMT_OXEN_COMMIT_EXISTS, repository, hash, found, why);
}

enum fault oxen_store_push_commit_whole(struct db *db, int64_t repository,
                                        const uint8_t hash[OXEN_KEY_BYTES], bool *whole,
                                        struct problem *why)
{
    return commit_find(db, STMT_OXEN_COMMIT_WHOLE, repository, hash, whole, why);
}

/* Column 0 of the current row is a hash. */
static enum fault read_hash(const struct query *q, uint8_t out[OXEN_KEY_BYTES], struct problem *why)
{
    size_t len = 0;
    const void *hash = query_column_blob(q, 0, &len);
    if (!hash || len != OXEN_KEY_BYTES)
        return problem_internal(why, "a hash of %zu bytes", len);
    memcpy(out, hash, OXEN_KEY_BYTES);
    return FAULT_NONE;
}

enum fault oxen_store_push_commits_open(struct db *db, int64_t repository, int64_t most,
                                        enum fault (*each)(void *ctx,
                                                           const uint8_t hash[OXEN_KEY_BYTES],
                                                           struct problem *why),
                                        void *ctx, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_COMMIT_OPEN);
    query_int(&q, ":repository", repository);
    query_int(&q, ":most", most);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        uint8_t hash[OXEN_KEY_BYTES] = { 0 };
        f = read_hash(&q, hash, why);
        if (!f)
            f = each(ctx, hash, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* One statement for each of some commits. */
struct concluding {
    enum statement which;
    int64_t repository;
    const uint8_t *hashes;
    size_t count;
};

static enum fault conclude_all(struct db *db, void *ctx, struct problem *why)
{
    const struct concluding *c = ctx;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < c->count && !f; i++) {
        struct query q = query_for(db, c->which);
        query_int(&q, ":repository", c->repository);
        query_blob(&q, ":hash", c->hashes + i * OXEN_KEY_BYTES, OXEN_KEY_BYTES);
        f = query_run(&q, NULL, why);
    }
    return f;
}

/* In transactions of OXEN_PIECE_VERSIONS. */
static enum fault conclude(struct db *db, const struct concluding *all, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t at = 0; at < all->count && !f; at += OXEN_PIECE_VERSIONS) {
        struct concluding piece = *all;
        piece.hashes += at * OXEN_KEY_BYTES;
        piece.count = all->count - at;
        if (piece.count > OXEN_PIECE_VERSIONS)
            piece.count = OXEN_PIECE_VERSIONS;
        f = db_write(db, conclude_all, &piece, why);
    }
    return f;
}

enum fault oxen_store_push_commits_conclude(struct db *db, int64_t repository,
                                            const uint8_t *hashes, size_t count,
                                            struct problem *why)
{
    const struct concluding all = { STMT_OXEN_COMMIT_CONCLUDE, repository, hashes, count };
    return conclude(db, &all, why);
}

enum fault oxen_store_push_commits_found_whole(struct db *db, int64_t repository,
                                               const uint8_t *hashes, size_t count,
                                               struct problem *why)
{
    const struct concluding all = { STMT_OXEN_COMMIT_FOUND_WHOLE, repository, hashes, count };
    return conclude(db, &all, why);
}

/* ---- branches ---- */

enum fault oxen_store_push_branch_find(struct db *db, int64_t repository, const char *name,
                                       uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                       struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_BRANCH_FIND);
    query_int(&q, ":repository", repository);
    query_text(&q, ":name", name);
    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = read_hash(&q, hash, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault oxen_store_push_branch_each(struct db *db, int64_t repository,
                                       enum fault (*each)(void *ctx, const char *name,
                                                          const uint8_t hash[OXEN_KEY_BYTES],
                                                          struct problem *why),
                                       void *ctx, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_BRANCH_LIST);
    query_int(&q, ":repository", repository);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        uint8_t hash[OXEN_KEY_BYTES] = { 0 };
        f = read_hash(&q, hash, why);
        if (!f)
            f = each(ctx, query_column_text(&q, 1), hash, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* One change of a branch, in whichever transaction is open. */
static enum fault branch_run(struct db *db, enum statement which, int64_t repository,
                             const char *name, const uint8_t *hash, int64_t *changes,
                             struct problem *why)
{
    struct query q = query_for(db, which);
    query_int(&q, ":repository", repository);
    query_text(&q, ":name", name);
    if (hash)
        query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);
    return query_run(&q, changes, why);
}

static enum fault branch_set(struct db *db, int64_t repository, const char *name,
                             const uint8_t *old, const uint8_t hash[OXEN_KEY_BYTES],
                             int64_t *changes, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_BRANCH_MOVE);
    query_int(&q, ":repository", repository);
    query_text(&q, ":name", name);
    query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);
    if (old)
        query_blob(&q, ":old", old, OXEN_KEY_BYTES);
    else
        query_null(&q, ":old");
    return query_run(&q, changes, why);
}

struct branch_change {
    int64_t repository;
    const char *name;
    const uint8_t *old;
    const uint8_t *hash;
    enum oxen_branch_result result;
};

static enum fault change_branch(struct db *db, db_body body, struct branch_change *change,
                                enum oxen_branch_result *result, struct problem *why)
{
    const enum fault f = db_write(db, body, change, why);
    if (!f)
        *result = change->result;
    return f;
}

/* Whether a branch may stand at the commit, and else what keeps it away. */
static enum fault commit_check(struct db *db, const struct branch_change *change,
                               enum oxen_branch_result *result, struct problem *why)
{
    bool found = false;
    bool whole = false;
    enum fault f =
        commit_find(db, STMT_OXEN_COMMIT_EXISTS, change->repository, change->hash, &found, why);
    if (!f)
        f = commit_find(db, STMT_OXEN_COMMIT_WHOLE, change->repository, change->hash, &whole, why);
    *result = OXEN_BRANCH_DONE;
    if (!whole)
        *result = found ? OXEN_BRANCH_IN_DOUBT : OXEN_BRANCH_NO_COMMIT;
    return f;
}

static enum fault add_branch(struct db *db, void *ctx, struct problem *why)
{
    struct branch_change *c = ctx;
    int64_t changes = 0;
    enum fault f = oxen_store_repository_check(db, c->repository, why);
    if (!f)
        f = commit_check(db, c, &c->result, why);
    if (f || c->result != OXEN_BRANCH_DONE)
        return f;
    f = branch_run(db, STMT_OXEN_BRANCH_ADD, c->repository, c->name, c->hash, &changes, why);
    c->result = changes > 0 ? OXEN_BRANCH_DONE : OXEN_BRANCH_EXISTS;
    return f;
}

enum fault oxen_store_push_branch_add(struct db *db, int64_t repository, const char *name,
                                      const uint8_t hash[OXEN_KEY_BYTES],
                                      enum oxen_branch_result *result, struct problem *why)
{
    struct branch_change change = { repository, name, NULL, hash, OXEN_BRANCH_DONE };
    return change_branch(db, add_branch, &change, result, why);
}

static enum fault move_branch(struct db *db, void *ctx, struct problem *why)
{
    struct branch_change *c = ctx;
    uint8_t stands[OXEN_KEY_BYTES];
    bool branch = false;
    int64_t changes = 0;
    enum fault f = oxen_store_push_branch_find(db, c->repository, c->name, stands, &branch, why);
    if (!f && branch)
        f = commit_check(db, c, &c->result, why);
    if (!f && !branch)
        c->result = OXEN_BRANCH_MISSING;
    if (f || c->result != OXEN_BRANCH_DONE)
        return f;
    f = branch_set(db, c->repository, c->name, c->old, c->hash, &changes, why);
    c->result = changes > 0 ? OXEN_BRANCH_DONE : OXEN_BRANCH_MOVED;
    return f;
}

enum fault oxen_store_push_branch_move(struct db *db, int64_t repository, const char *name,
                                       const uint8_t *old, const uint8_t hash[OXEN_KEY_BYTES],
                                       enum oxen_branch_result *result, struct problem *why)
{
    struct branch_change change = { repository, name, old, hash, OXEN_BRANCH_DONE };
    return change_branch(db, move_branch, &change, result, why);
}

static enum fault drop_branch(struct db *db, void *ctx, struct problem *why)
{
    struct branch_change *c = ctx;
    int64_t changes = 0;
    const enum fault f =
        branch_run(db, STMT_OXEN_BRANCH_DROP, c->repository, c->name, NULL, &changes, why);
    c->result = changes > 0 ? OXEN_BRANCH_DONE : OXEN_BRANCH_MISSING;
    return f;
}

enum fault oxen_store_push_branch_drop(struct db *db, int64_t repository, const char *name,
                                       enum oxen_branch_result *result, struct problem *why)
{
    struct branch_change change = { repository, name, NULL, NULL, OXEN_BRANCH_DONE };
    return change_branch(db, drop_branch, &change, result, why);
}
