#include "db/oxen_clean_store.h"

#include "db/blob_rows.h"

#include <string.h>

enum {
    PIECE_MOST = 1000,  /* rows a transaction */
    UPLOADS_MOST = 100, /* uploads a transaction, whose parts go with them */
};

enum fault oxen_clean_version_next(struct db *db, int64_t repository, const uint8_t *after,
                                   struct oxen_clean_version *out, bool *found, struct problem *why)
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

enum fault oxen_clean_version_drop(struct db *db, int64_t repository,
                                   const struct oxen_clean_version *version, bool *taken,
                                   struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = version_delete(db, repository, version, &changes, why);
    if (!f && changes > 0)
        f = count_out(db, repository, version->ref.bytes, why);
    if (!f)
        f = db_commit_unsettled(db, why);
    db_rollback(db);
    if (!f)
        *taken = changes > 0;
    return f;
}

/* ---- repositories ---- */

enum fault oxen_clean_repository_retire(struct db *db, int64_t repository, struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f) {
        struct query q = query_for(db, STMT_OXEN_REPOSITORY_RETIRE);
        query_int(&q, ":repository", repository);
        f = query_run(&q, &changes, why);
    }
    if (!f && changes == 0)
        f = problem_set(why, FAULT_MISSING, "the repository was deleted");
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
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

enum fault oxen_clean_retired_piece(struct db *db, bool *more, struct problem *why)
{
    int64_t repository = 0;
    bool found = false;
    enum fault f = db_begin(db, why);
    if (!f)
        f = find_retired(db, &repository, &found, why);
    if (!f && found)
        f = piece_delete(db, repository, why);
    if (!f)
        f = db_commit_unsettled(db, why);
    db_rollback(db);
    if (!f)
        *more = found;
    return f;
}

/* ---- uploads that were left alone ---- */

enum fault oxen_clean_uploads_piece(struct db *db, int64_t before, int64_t *count, bool *more,
                                    struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (!f) {
        struct query q = query_for(db, STMT_OXEN_UPLOAD_EXPIRE);
        query_int(&q, ":before", before);
        query_int(&q, ":most", UPLOADS_MOST);
        f = query_run(&q, &changes, why);
    }
    if (!f)
        f = db_commit_unsettled(db, why);
    db_rollback(db);
    if (!f) {
        *count += changes;
        *more = changes > 0;
    }
    return f;
}

enum fault oxen_clean_uploads_count(struct db *db, int64_t before, int64_t *count,
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
