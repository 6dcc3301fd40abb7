#include "db/oxen_store.h"

#include "db/blob_rows.h"

#include <string.h>

/* ---- repositories ---- */

/* The current row of OXEN_REPOSITORY_FIND or _LIST. */
static enum fault read_repository(const struct query *q, struct oxen_repository *out,
                                  struct problem *why)
{
    enum { ID, NAMESPACE, NAME, UUID, CREATED_AT, VERSIONS, BYTES, BRANCHES };
    struct oxen_repository row = { .id = query_column_int(q, ID),
                                   .created_at = query_column_int(q, CREATED_AT),
                                   .versions = query_column_int(q, VERSIONS),
                                   .bytes = query_column_int(q, BYTES),
                                   .branches = query_column_int(q, BRANCHES) };
    if (!query_column_copy(q, NAMESPACE, row.namespace, sizeof row.namespace) ||
        !query_column_copy(q, NAME, row.name, sizeof row.name) ||
        !query_column_copy(q, UUID, row.uuid, sizeof row.uuid))
        return problem_internal(why, "a row of the table oxen_repository does not fit");
    *out = row;
    return FAULT_NONE;
}

static enum fault repository_insert(struct db *db, const char *namespace, const char *name,
                                    const char *uuid, int64_t now, int64_t *added,
                                    struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_ADD);
    query_text(&q, ":namespace", namespace);
    query_text(&q, ":name", name);
    query_text(&q, ":uuid", uuid);
    query_int(&q, ":created_at", now);
    return query_run(&q, added, why);
}

struct repository_adding {
    const char *namespace;
    const char *name;
    const char *uuid;
    int64_t now;
};

static enum fault add_repository(struct db *db, void *ctx, struct problem *why)
{
    const struct repository_adding *a = ctx;
    int64_t added = 0;
    const enum fault f = repository_insert(db, a->namespace, a->name, a->uuid, a->now, &added, why);
    if (!f && added == 0)
        return problem_set(why, FAULT_CONFLICT, "Repo already exists.");
    return f;
}

enum fault oxen_store_repository_add(struct db *db, const char *namespace, const char *name,
                                     const char *uuid, int64_t now, struct problem *why)
{
    struct repository_adding adding = { namespace, name, uuid, now };
    return db_write(db, add_repository, &adding, why);
}

enum fault oxen_store_repository_find(struct db *db, const char *namespace, const char *name,
                                      struct oxen_repository *out, bool *found, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_FIND);
    query_text(&q, ":namespace", namespace);
    query_text(&q, ":name", name);

    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = read_repository(&q, out, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault oxen_store_repository_each(struct db *db, const char *namespace,
                                      enum fault (*each)(void *ctx,
                                                         const struct oxen_repository *repository,
                                                         struct problem *why),
                                      void *ctx, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_LIST);
    query_text(&q, ":namespace", namespace);

    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        struct oxen_repository repository = { 0 };
        f = read_repository(&q, &repository, why);
        if (!f)
            f = each(ctx, &repository, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* ---- versions ---- */

_Static_assert((int)OXEN_KEY_BYTES == (int)BLOB_DIGEST_BYTES,
               "a version's hash is the digest of its bytes");

struct blob_ref oxen_version_ref(const struct oxen_version *version)
{
    struct blob_ref ref = { .file = version->file,
                            .start = version->start,
                            .bytes = version->bytes };
    memcpy(ref.digest, version->hash, sizeof ref.digest);
    return ref;
}

void oxen_version_place(struct oxen_version *version, const struct blob_ref *ref)
{
    version->file = ref->file;
    version->start = ref->start;
    version->bytes = ref->bytes;
}

enum fault oxen_store_version_find(struct db *db, int64_t repository,
                                   const uint8_t hash[OXEN_KEY_BYTES], struct blob_ref *out,
                                   bool *found, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_VERSION_FIND);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);

    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *out = blob_rows_ref(&q, 0);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault oxen_store_version_exists(struct db *db, int64_t repository,
                                     const uint8_t hash[OXEN_KEY_BYTES], bool *found,
                                     struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OXEN_VERSION_EXISTS);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);

    const enum fault f = query_step(&q, &row, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

struct looking_up {
    int64_t repository;
    struct oxen_version *const *versions;
    size_t count;
};

static enum fault look_up_all(struct db *db, void *ctx, struct problem *why)
{
    const struct looking_up *l = ctx;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < l->count && !f; i++) {
        struct blob_ref ref = { 0 };
        bool known = false;
        f = oxen_store_version_find(db, l->repository, l->versions[i]->hash, &ref, &known, why);
        l->versions[i]->state = known ? OXEN_VERSION_KNOWN : OXEN_VERSION_ABSENT;
        if (known)
            oxen_version_place(l->versions[i], &ref);
    }
    return f;
}

enum fault oxen_store_versions_look_up(struct db *db, int64_t repository,
                                       struct oxen_version *const *versions, size_t count,
                                       struct problem *why)
{
    struct looking_up looking_up = { repository, versions, count };
    return db_read(db, look_up_all, &looking_up, why);
}

struct measuring {
    int64_t repository;
    const uint8_t *hashes;
    size_t count;
    int64_t *bytes;
};

static enum fault measure_all(struct db *db, void *ctx, struct problem *why)
{
    const struct measuring *m = ctx;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < m->count && !f; i++) {
        struct blob_ref ref = { 0 };
        bool found = false;
        f = oxen_store_version_find(db, m->repository, m->hashes + i * OXEN_KEY_BYTES, &ref, &found,
                                    why);
        m->bytes[i] = found ? ref.bytes : -1;
    }
    return f;
}

enum fault oxen_store_versions_measure(struct db *db, int64_t repository, const uint8_t *hashes,
                                       /* NOLINTNEXTLINE(readability-non-const-parameter) */
                                       size_t count, int64_t *bytes, struct problem *why)
{
    struct measuring measuring = { repository, hashes, count, bytes };
    return db_read(db, measure_all, &measuring, why);
}

static enum fault blob_drop_row(struct db *db, int64_t blob, struct problem *why)
{
    struct query q = query_for(db, STMT_OXEN_BLOB_DROP);
    query_int(&q, ":blob", blob);
    return query_run(&q, NULL, why);
}

/* The row of a version whose content has one; *added is false when the hash is there already. */
static enum fault version_row(struct db *db, int64_t repository, const uint8_t hash[OXEN_KEY_BYTES],
                              int64_t blob, bool *added, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OXEN_VERSION_ADD);
    query_int(&q, ":blob", blob);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", hash, OXEN_KEY_BYTES);
    const enum fault f = query_run(&q, &changes, why);
    if (!f)
        *added = changes > 0;
    return f;
}

static enum fault version_insert(struct db *db, int64_t repository,
                                 const struct oxen_version *version, bool *added,
                                 struct problem *why)
{
    const struct blob_ref ref = oxen_version_ref(version);
    int64_t blob = 0;
    enum fault f = blob_rows_add(db, &ref, &blob, why);
    if (!f)
        f = version_row(db, repository, version->hash, blob, added, why);
    if (!f && !*added)
        f = blob_drop_row(db, blob, why);
    return f;
}

/* The row of a version that is there names other bytes from now on. */
static enum fault version_renew(struct db *db, int64_t repository,
                                const struct oxen_version *version, bool *found,
                                struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OXEN_VERSION_RENEW);
    query_int(&q, ":repository", repository);
    query_blob(&q, ":hash", version->hash, sizeof version->hash);
    query_int(&q, ":file", version->file);
    query_int(&q, ":start", version->start);
    query_int(&q, ":bytes", version->bytes);
    const enum fault f = query_run(&q, &changes, why);
    if (!f)
        *found = changes > 0;
    return f;
}

/* The row of a version whose bytes came with this upload. */
static enum fault version_write(struct db *db, int64_t repository,
                                const struct oxen_version *version, bool *added,
                                struct problem *why)
{
    bool renewed = false;
    enum fault f = FAULT_NONE;
    *added = false;
    if (version->state == OXEN_VERSION_RENEWED)
        f = version_renew(db, repository, version, &renewed, why);
    if (!f && !renewed)
        f = version_insert(db, repository, version, added, why);
    return f;
}

static bool has_bytes(const struct oxen_version *version)
{
    return version->state == OXEN_VERSION_FRESH || version->state == OXEN_VERSION_RENEWED;
}

static enum fault repository_grow(struct db *db, int64_t repository, int64_t versions,
                                  int64_t bytes, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OXEN_REPOSITORY_GROW);
    query_int(&q, ":repository", repository);
    query_int(&q, ":versions", versions);
    query_int(&q, ":bytes", bytes);
    const enum fault f = query_run(&q, &changes, why);
    if (!f && changes == 0)
        return problem_set(why, FAULT_MISSING, "the repository was deleted");
    return f;
}

enum fault oxen_store_repository_check(struct db *db, int64_t repository, struct problem *why)
{
    return repository_grow(db, repository, 0, 0, why);
}

enum fault oxen_store_version_name(struct db *db, int64_t repository,
                                   const uint8_t hash[OXEN_KEY_BYTES], int64_t blob,
                                   const struct blob_ref *ref, struct problem *why)
{
    struct oxen_version version = { .state = OXEN_VERSION_RENEWED };
    bool added = false;
    bool found = false;
    memcpy(version.hash, hash, sizeof version.hash);
    oxen_version_place(&version, ref);
    enum fault f = version_row(db, repository, hash, blob, &added, why);
    if (!f && !added)
        f = version_renew(db, repository, &version, &found, why);
    if (!f && added)
        f = blob_rows_digest(db, blob, hash, why);
    return f ? f : repository_grow(db, repository, added ? 1 : 0, added ? ref->bytes : 0, why);
}

struct adding {
    int64_t repository;
    const struct oxen_version *versions;
    size_t count;
    bool still[OXEN_PIECE_VERSIONS]; /* whether each is stored then */
};

/* The rows of a piece. */
static enum fault add_all(struct db *db, void *ctx, struct problem *why)
{
    struct adding *a = ctx;
    int64_t fresh = 0;
    int64_t bytes = 0;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < a->count && !f; i++) {
        bool added = false;
        a->still[i] = true;
        if (has_bytes(&a->versions[i]))
            f = version_write(db, a->repository, &a->versions[i], &added, why);
        else
            f = oxen_store_version_exists(db, a->repository, a->versions[i].hash, &a->still[i],
                                          why);
        fresh += added;
        bytes += added ? a->versions[i].bytes : 0;
    }
    return f ? f : repository_grow(db, a->repository, fresh, bytes, why);
}

enum fault oxen_store_versions_add(struct db *db, int64_t repository, struct oxen_version *versions,
                                   size_t count, struct problem *why)
{
    struct adding adding = { repository, versions, count, { false } };
    if (count > OXEN_PIECE_VERSIONS)
        return problem_internal(why, "a piece of %zu versions", count);
    const enum fault f = db_write(db, add_all, &adding, why);
    for (size_t i = 0; i < count && !f; i++)
        versions[i].state = adding.still[i] ? OXEN_VERSION_DONE : OXEN_VERSION_LOST;
    return f;
}
