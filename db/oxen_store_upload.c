#include "db/oxen_store_upload.h"

#include "db/blob_rows.h"

#include <string.h>

enum { EXPIRE_MOST = 100 }; /* uploads a transaction: the lock is held shortly */

static enum fault expire(struct db *db, int64_t before, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_UPLOAD_EXPIRE);
    query_int(&q, ":before", before);
    query_int(&q, ":most", EXPIRE_MOST);
    return query_run(&q, NULL, why);
}

static enum fault upload_insert(struct db *db, int64_t repository, const struct oxen_upload *upload,
                                int64_t now, struct problem *why)
{
    int64_t blob = 0;
    const enum fault f = blob_rows_add(db, &upload->ref, &blob, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_ADD);
    query_text(&q, ":upload", upload->id);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", upload->hash, sizeof upload->hash);
    query_int(&q, ":blob", blob);
    query_int(&q, ":bytes", upload->ref.bytes);
    query_int(&q, ":part_bytes", upload->part_bytes);
    query_int(&q, ":now", now);
    return query_run(&q, NULL, why);
}

/* The number that a query of one row and column gives. */
static enum fault count_by(struct query *q, int64_t *out, struct problem *why)
{
    bool row = false;
    const enum fault f = query_step(q, &row, why);
    if (!f && row)
        *out = query_column_int(q, 0);
    query_done(q);
    return f;
}

static enum fault bounds_check(struct db *db, int64_t repository, int64_t bytes,
                               const struct oxen_upload_bounds *bounds, struct problem *why)
{
    int64_t open = 0;
    int64_t reserved = 0;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_OPEN);
    query_int(&q, ":repository", repository);
    enum fault f = count_by(&q, &open, why);
    if (!f) {
        q = query_for(db, STMT_OXEN_UPLOAD_RESERVED);
        f = count_by(&q, &reserved, why);
    }
    if (!f && open >= bounds->open) {
        f = problem_set(why, FAULT_BUSY,
                        "the repository has %lld unfinished uploads, no more are begun",
                        (long long)open);
    }
    if (!f && bytes > bounds->reserved - reserved) {
        f = problem_set(
            why, FAULT_STORAGE_FULL,
            "unfinished uploads have announced %lld bytes; with another %lld they would "
            "pass the %lld that are allowed",
            (long long)reserved, (long long)bytes, (long long)bounds->reserved);
    }
    return f;
}

struct adding {
    int64_t repository;
    const struct oxen_upload *upload;
    int64_t now;
    int64_t before;
    const struct oxen_upload_bounds *bounds;
};

static enum fault add(struct db *db, void *ctx, struct problem *why)
{
    const struct adding *a = ctx;
    enum fault f = oxen_store_repository_check(db, a->repository, why);
    if (!f)
        f = expire(db, a->before, why);
    if (!f)
        f = bounds_check(db, a->repository, a->upload->ref.bytes, a->bounds, why);
    return f ? f : upload_insert(db, a->repository, a->upload, a->now, why);
}

enum fault oxen_store_upload_add(struct db *db, int64_t repository,
                                 const struct oxen_upload *upload, int64_t now, int64_t before,
                                 const struct oxen_upload_bounds *bounds, struct problem *why)
{
    struct adding adding = { repository, upload, now, before, bounds };
    return db_write(db, add, &adding, why);
}

enum fault oxen_store_upload_same(struct db *db, int64_t repository, const struct oxen_upload *like,
                                  int64_t since, char id[OXEN_UUID_ROOM], bool *found,
                                  struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_SAME);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", like->hash, sizeof like->hash);
    query_int(&q, ":bytes", like->ref.bytes);
    query_int(&q, ":part_bytes", like->part_bytes);
    query_int(&q, ":since", since);
    const enum fault f = query_step(&q, &row, why);
    const char *text = !f && row ? query_column_text(&q, 0) : NULL;
    *found = text && strlen(text) < OXEN_UUID_ROOM;
    if (*found)
        memcpy(id, text, strlen(text) + 1);
    query_done(&q);
    return f;
}

static enum fault read_upload(const struct query *q, struct oxen_upload *out, struct problem *why)
{
    enum { HASH, BLOB, BYTES, PART_BYTES, FILE_NUMBER, START };
    size_t len = 0;
    const void *hash = query_column_blob(q, HASH, &len);
    if (!hash || len != sizeof out->hash)
        return problem_internal(why, "a row of the table oxen_upload does not fit");
    memcpy(out->hash, hash, sizeof out->hash);
    out->blob = query_column_int(q, BLOB);
    out->part_bytes = query_column_int(q, PART_BYTES);
    out->ref = (struct blob_ref){ .file = query_column_int(q, FILE_NUMBER),
                                  .start = query_column_int(q, START),
                                  .bytes = query_column_int(q, BYTES) };
    return FAULT_NONE;
}

enum fault oxen_store_upload_find(struct db *db, int64_t repository, const char *id, int64_t since,
                                  struct oxen_upload *out, bool *found, struct problem *why)
{
    bool row = false;
    if (strlen(id) >= sizeof out->id) {
        *found = false;
        return FAULT_NONE;
    }
    struct query q = query_for(db, STMT_OXEN_UPLOAD_FIND);
    query_text(&q, ":upload", id);
    query_int(&q, ":repository", repository);
    query_int(&q, ":since", since);
    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = read_upload(&q, out, why);
    query_done(&q);
    if (f)
        return f;
    memcpy(out->id, id, strlen(id) + 1);
    *found = row;
    return FAULT_NONE;
}

/* ---- parts ---- */

enum fault oxen_store_upload_part_state(struct db *db, const char *id, int64_t part,
                                        enum oxen_part_state *state, int64_t *worker,
                                        struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_PART_FIND);
    query_text(&q, ":upload", id);
    query_int(&q, ":part", part);
    const enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        *state = query_column_null(&q, 0) ? OXEN_PART_DONE : OXEN_PART_HELD;
        *worker = query_column_int(&q, 0);
    } else if (!f) {
        *state = OXEN_PART_FREE;
    }
    query_done(&q);
    return f;
}

static struct query lease_query(struct db *db, enum statement which, const struct oxen_lease *lease)
{
    struct query q = query_for(db, which);
    query_text(&q, ":upload", lease->upload);
    query_int(&q, ":part", lease->part);
    query_int(&q, ":worker", lease->worker);
    return q;
}

/* FAULT_MISSING when the upload is gone. */
static enum fault touch(struct db *db, const char *id, int64_t now, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_TOUCH);
    query_text(&q, ":upload", id);
    query_int(&q, ":now", now);
    const enum fault f = query_run(&q, &changes, why);
    if (!f && changes == 0)
        return problem_set(why, FAULT_MISSING, "the upload is gone");
    return f;
}

struct leasing {
    const struct oxen_lease *lease;
    int64_t dead;
    int64_t now;
    int64_t changes;
    int64_t done;
};

static enum fault take_lease(struct db *db, void *ctx, struct problem *why)
{
    struct leasing *l = ctx;
    const enum fault f = touch(db, l->lease->upload, l->now, why);
    if (f)
        return f;
    struct query q = lease_query(db, STMT_OXEN_PART_LEASE, l->lease);
    query_int(&q, ":dead", l->dead);
    return query_run(&q, &l->changes, why);
}

enum fault oxen_store_upload_lease(struct db *db, const struct oxen_lease *lease, int64_t dead,
                                   int64_t now, bool *taken, struct problem *why)
{
    struct leasing leasing = { .lease = lease, .dead = dead, .now = now };
    const enum fault f = db_write(db, take_lease, &leasing, why);
    if (!f)
        *taken = leasing.changes > 0;
    return f;
}

static enum fault give_up(struct db *db, void *ctx, struct problem *why)
{
    struct query q = lease_query(db, STMT_OXEN_PART_GIVE_UP, ctx);
    return query_run(&q, NULL, why);
}

enum fault oxen_store_upload_give_up(struct db *db, const struct oxen_lease *lease,
                                     struct problem *why)
{
    struct oxen_lease copy = *lease;
    return db_write(db, give_up, &copy, why);
}

enum fault oxen_store_upload_parts(struct db *db, const char *id, int64_t *done,
                                   struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_PART_COUNT);
    query_text(&q, ":upload", id);
    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *done = query_column_int(&q, 0);
    query_done(&q);
    return f;
}

static enum fault end_part(struct db *db, void *ctx, struct problem *why)
{
    struct leasing *l = ctx;
    enum fault f = touch(db, l->lease->upload, l->now, why);
    if (!f) {
        struct query q = lease_query(db, STMT_OXEN_PART_DONE, l->lease);
        f = query_run(&q, &l->changes, why);
    }
    if (!f && l->changes == 0)
        f = problem_set(why, FAULT_MISSING, "the lease is gone");
    return f ? f : oxen_store_upload_parts(db, l->lease->upload, &l->done, why);
}

enum fault oxen_store_upload_part_done(struct db *db, const struct oxen_lease *lease, int64_t now,
                                       int64_t *done, struct problem *why)
{
    struct leasing leasing = { .lease = lease, .now = now };
    const enum fault f = db_write(db, end_part, &leasing, why);
    if (!f)
        *done = leasing.done;
    return f;
}

/* ---- the end of an upload ---- */

static enum fault upload_delete(struct db *db, const char *id, int64_t *changes,
                                struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_UPLOAD_DROP);
    query_text(&q, ":upload", id);
    return query_run(&q, changes, why);
}

/* The upload is not there any more: somebody has published it, or it was dropped. */
static enum fault published_before(struct db *db, int64_t repository,
                                   const struct oxen_upload *upload, struct problem *why)
{
    bool found = false;
    const enum fault f = oxen_store_version_exists(db, repository, upload->hash, &found, why);
    return f || found ? f : problem_set(why, FAULT_MISSING, "the upload is gone");
}

struct publishing {
    int64_t repository;
    const struct oxen_upload *upload;
};

static enum fault publish(struct db *db, void *ctx, struct problem *why)
{
    const struct publishing *p = ctx;
    int64_t ended = 0;
    const enum fault f = upload_delete(db, p->upload->id, &ended, why);
    if (f)
        return f;
    return ended > 0 ? oxen_store_version_name(db, p->repository, p->upload->hash, p->upload->blob,
                                               &p->upload->ref, why)
                     : published_before(db, p->repository, p->upload, why);
}

enum fault oxen_store_upload_publish(struct db *db, int64_t repository,
                                     const struct oxen_upload *upload, struct problem *why)
{
    struct publishing publishing = { repository, upload };
    return db_write(db, publish, &publishing, why);
}

static enum fault drop(struct db *db, void *ctx, struct problem *why)
{
    const char *const *id = ctx;
    return upload_delete(db, *id, NULL, why);
}

enum fault oxen_store_upload_drop(struct db *db, const char *id, struct problem *why)
{
    return db_write(db, drop, &id, why);
}
