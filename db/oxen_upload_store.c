#include "db/oxen_upload_store.h"

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

enum fault oxen_upload_add(struct db *db, int64_t repository, const struct oxen_upload *upload,
                           int64_t now, int64_t before, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f)
        f = oxen_store_repository_check(db, repository, why);
    if (!f)
        f = expire(db, before, why);
    if (!f)
        f = upload_insert(db, repository, upload, now, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

enum fault oxen_upload_same(struct db *db, int64_t repository, const struct oxen_upload *like,
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

enum fault oxen_upload_find(struct db *db, int64_t repository, const char *id, int64_t since,
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

enum fault oxen_upload_part(struct db *db, const char *id, int64_t part,
                            enum oxen_part_state *state, int64_t *worker, struct problem *why)
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

enum fault oxen_upload_lease(struct db *db, const struct oxen_lease *lease, int64_t dead,
                             int64_t now, bool *taken, struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = touch(db, lease->upload, now, why);
    if (!f) {
        struct query q = lease_query(db, STMT_OXEN_PART_LEASE, lease);
        query_int(&q, ":dead", dead);
        f = query_run(&q, &changes, why);
    }
    if (!f) /* who holds a lease that a crash takes away is dead, too */
        f = db_commit_unsettled(db, why);
    db_rollback(db);
    if (!f)
        *taken = changes > 0;
    return f;
}

enum fault oxen_upload_give_up(struct db *db, const struct oxen_lease *lease, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f) {
        struct query q = lease_query(db, STMT_OXEN_PART_GIVE_UP, lease);
        f = query_run(&q, NULL, why);
    }
    if (!f)
        f = db_commit_unsettled(db, why);
    db_rollback(db);
    return f;
}

enum fault oxen_upload_parts(struct db *db, const char *id, int64_t *done, struct problem *why)
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

enum fault oxen_upload_part_done(struct db *db, const struct oxen_lease *lease, int64_t now,
                                 int64_t *done, struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = touch(db, lease->upload, now, why);
    if (!f) {
        struct query q = lease_query(db, STMT_OXEN_PART_DONE, lease);
        f = query_run(&q, &changes, why);
    }
    if (!f && changes == 0)
        f = problem_set(why, FAULT_MISSING, "the lease is gone");
    if (!f)
        f = oxen_upload_parts(db, lease->upload, done, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
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

enum fault oxen_upload_publish(struct db *db, int64_t repository, const struct oxen_upload *upload,
                               struct problem *why)
{
    int64_t ended = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = upload_delete(db, upload->id, &ended, why);
    if (!f && ended > 0) {
        f = oxen_store_version_name(db, repository, upload->hash, upload->blob, &upload->ref, why);
    } else if (!f) {
        f = published_before(db, repository, upload, why);
    }
    if (!f) /* somebody else's publishing becomes durable with it, too */
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

enum fault oxen_upload_drop(struct db *db, const char *id, struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (!f)
        f = upload_delete(db, id, NULL, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}
