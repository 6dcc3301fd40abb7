#include "db/oxen_store_clean.h"

#include "db/blob_rows.h"

#include <string.h>

enum {
    PIECE_MOST = 1000,  /* rows a transaction */
    UPLOADS_MOST = 100, /* uploads a transaction, whose parts go with them */
};

enum fault oxen_store_clean_version_next(struct db *db, int64_t repository, const uint8_t *after,
                                         struct oxen_clean_version *out, bool *found,
                                         struct problem *why)
{
    enum { HASH, FILE_NUMBER };
    bool row = false;
    uint8_t from[OXEN_KEY_BYTES] = { 0 };
    if (after)
        memcpy(from, after, sizeof from);
    struct query q = query_for(db, STMT_OXEN_VERSION_NEXT);
    query_int(&q, ":repository", repository);
    /* the empty text lies before every hash */
    query_blob(&q, ":after", from, after ? sizeof from : 0);
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        size_t len = 0;
        const void *hash = query_column_blob(&q, HASH, &len);
        if (hash && len == sizeof out->hash)
            memcpy(out->hash, hash, sizeof out->hash);
        else
            f = problem_internal(why, "a hash of %zu bytes", len);
        out->ref = blob_rows_ref(&q, FILE_NUMBER);
    }
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

static enum fault version_delete(struct db *db, int64_t repository,
                                 const struct oxen_clean_version *version, int64_t *changes,
                                 struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_VERSION_DROP);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", version->hash, sizeof version->hash);
    query_int(&q, ":file", version->ref.file);
    query_int(&q, ":start", version->ref.start);
    return query_run(&q, changes, why);
}

static enum fault count_out(struct db *db, int64_t repository, int64_t bytes, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_GROW);
    query_int(&q, ":repository", repository);
    query_int(&q, ":versions", -1);
    query_int(&q, ":bytes", -bytes);
    return query_run(&q, NULL, why);
}

/* A commit may have reached what was taken out. */
static enum fault doubt_commits(struct db *db, int64_t repository, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_COMMIT_DOUBT);
    query_int(&q, ":repository", repository);
    return query_run(&q, NULL, why);
}

struct version_dropping {
    int64_t repository;
    const struct oxen_clean_version *version;
    bool taken;
};

static enum fault drop_version(struct db *db, void *ctx, struct problem *why)
{
    struct version_dropping *d = ctx;
    int64_t changes = 0;
    enum fault f = version_delete(db, d->repository, d->version, &changes, why);
    if (!f && changes > 0)
        f = count_out(db, d->repository, d->version->ref.bytes, why);
    if (!f && changes > 0)
        f = doubt_commits(db, d->repository, why);
    d->taken = changes > 0;
    return f;
}

enum fault oxen_store_clean_version_drop(struct db *db, int64_t repository,
                                         const struct oxen_clean_version *version, bool *taken,
                                         struct problem *why)
{
    struct version_dropping dropping = { repository, version, false };
    const enum fault f = db_write(db, drop_version, &dropping, why);
    if (!f)
        *taken = dropping.taken;
    return f;
}

/* ---- repositories ---- */

static enum fault retire(struct db *db, void *ctx, struct problem *why)
{
    const int64_t *repository = ctx;
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_RETIRE);
    query_int(&q, ":repository", *repository);
    const enum fault f = query_run(&q, &changes, why);
    if (!f && changes == 0)
        return problem_set(why, FAULT_MISSING, "the repository was deleted");
    return f;
}

enum fault oxen_store_clean_repository_retire(struct db *db, int64_t repository,
                                              struct problem *why)
{
    return db_write(db, retire, &repository, why);
}

static enum fault find_retired(struct db *db, int64_t *repository, bool *found, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_RETIRED);
    const enum fault f = query_step(&q, found, why);
    if (!f && *found)
        *repository = query_column_int(&q, 0);
    query_done(&q);
    return f;
}

/* One table's piece; *room is what is left of the transaction's bound. */
static enum fault delete_some(struct db *db, enum statement which, int64_t repository,
                              int64_t *room, struct problem *why)
{
    int64_t changes = 0;
    if (*room == 0)
        return FAULT_NONE;
    struct query q = query_for(db, which);
    query_int(&q, ":repository", repository);
    query_int(&q, ":most", *room);
    const enum fault f = query_run(&q, &changes, why);
    *room -= changes < *room ? changes : *room;
    return f;
}

static enum fault repository_delete(struct db *db, int64_t repository, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_DROP);
    query_int(&q, ":repository", repository);
    return query_run(&q, NULL, why);
}

static enum fault piece_delete(struct db *db, int64_t repository, struct problem *why)
{
    /* branches before the commits that they stand at */
    static const enum statement pieces[] = {
        STMT_OXEN_RETIRED_BRANCHES, STMT_OXEN_RETIRED_COMMITS,  STMT_OXEN_RETIRED_OBJECTS,
        STMT_OXEN_RETIRED_UPLOADS,  STMT_OXEN_RETIRED_VERSIONS,
    };
    int64_t room = PIECE_MOST;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0] && !f; i++)
        f = delete_some(db, pieces[i], repository, &room, why);
    if (!f && room > 0)
        f = repository_delete(db, repository, why);
    return f;
}

/* ctx: whether there was one. */
static enum fault delete_retired(struct db *db, void *ctx, struct problem *why)
{
    bool *found = ctx;
    int64_t repository = 0;
    const enum fault f = find_retired(db, &repository, found, why);
    return f || !*found ? f : piece_delete(db, repository, why);
}

enum fault oxen_store_clean_retired_piece(struct db *db, bool *more, struct problem *why)
{
    bool found = false;
    const enum fault f = db_write(db, delete_retired, &found, why);
    if (!f)
        *more = found;
    return f;
}

/* ---- uploads that were left alone ---- */

struct expiring {
    int64_t before;
    int64_t changes;
};

static enum fault expire_uploads(struct db *db, void *ctx, struct problem *why)
{
    struct expiring *e = ctx;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_EXPIRE);
    query_int(&q, ":before", e->before);
    query_int(&q, ":most", UPLOADS_MOST);
    return query_run(&q, &e->changes, why);
}

enum fault oxen_store_clean_uploads_piece(struct db *db, int64_t before, int64_t *count, bool *more,
                                          struct problem *why)
{
    struct expiring expiring = { before, 0 };
    const enum fault f = db_write(db, expire_uploads, &expiring, why);
    if (!f) {
        *count += expiring.changes;
        *more = expiring.changes > 0;
    }
    return f;
}

enum fault oxen_store_clean_uploads_count(struct db *db, int64_t before, int64_t *count,
                                          struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_UPLOAD_EXPIRED);
    query_int(&q, ":before", before);
    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *count = query_column_int(&q, 0);
    query_done(&q);
    return f;
}
