#include "oxen/tray.h"

#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

enum { TRAY_BYTES = 2 * BLOB_PACK_BELOW };

/* A file that waits. */
struct waiting {
    struct oxen_version *version;
    size_t start; /* in the tray's bytes */
    size_t len;
};

struct oxen_tray {
    struct db *db;
    struct blob_store *blobs;
    int64_t repository;
    struct waiting files[OXEN_LOOKUP_VERSIONS];
    size_t count;
    size_t used; /* bytes of the files that wait */
    size_t open; /* bytes of the file in hand, behind them */
    unsigned char bytes[TRAY_BYTES];
};

struct oxen_tray *oxen_tray_create(struct db *db, struct blob_store *blobs, int64_t repository)
{
    struct oxen_tray *tray = malloc(sizeof *tray);
    if (!tray)
        return NULL;
    tray->db = db;
    tray->blobs = blobs;
    tray->repository = repository;
    tray->count = 0;
    tray->used = 0;
    tray->open = 0;
    return tray;
}

void oxen_tray_destroy(struct oxen_tray *tray)
{
    free(tray);
}

/* ---- pouring ---- */

static int by_hash(const void *a, const void *b)
{
    const struct oxen_version *const *left = a;
    const struct oxen_version *const *right = b;
    return memcmp((*left)->hash, (*right)->hash, OXEN_KEY_BYTES);
}

/* Sets the state of each that waits. */
static enum fault look_up(const struct oxen_tray *tray, struct problem *why)
{
    struct oxen_version *sorted[OXEN_LOOKUP_VERSIONS] = { NULL };
    for (size_t i = 0; i < tray->count; i++)
        sorted[i] = tray->files[i].version;
    qsort(sorted, tray->count, sizeof sorted / OXEN_LOOKUP_VERSIONS, by_hash);
    return oxen_store_versions_look_up(tray->db, tray->repository, sorted, tray->count, why);
}

static enum fault seal(const struct oxen_tray *tray, const struct waiting *file,
                       enum oxen_version_state state, struct problem *why)
{
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    enum fault f = blob_begin(tray->blobs, file->len, &writer, why);
    if (f)
        return f;
    f = blob_write(writer, tray->bytes + file->start, file->len, why);
    if (f)
        blob_discard(writer);
    else
        f = blob_seal(writer, &ref, why);
    if (f)
        return f;
    oxen_version_place(file->version, &ref);
    file->version->state = state;
    return FAULT_NONE;
}

/* Stores what is not here, and what is here only by its row: whose bytes are gone or are not those
 * of the hash. */
static enum fault settle(const struct oxen_tray *tray, const struct waiting *file,
                         struct problem *why)
{
    struct problem of_bytes = PROBLEM_NONE;
    const struct blob_ref ref = oxen_version_ref(file->version);
    if (file->version->state == OXEN_VERSION_ABSENT)
        return seal(tray, file, OXEN_VERSION_FRESH, why);
    if (blob_verify(tray->blobs, &ref, &of_bytes))
        return seal(tray, file, OXEN_VERSION_RENEWED, why);
    return FAULT_NONE;
}

enum fault oxen_tray_pour(struct oxen_tray *tray, struct problem *why)
{
    if (tray->count == 0)
        return FAULT_NONE;
    enum fault f = look_up(tray, why);
    for (size_t i = 0; i < tray->count && !f; i++)
        f = settle(tray, &tray->files[i], why);
    memmove(tray->bytes, tray->bytes + tray->used, tray->open);
    tray->count = 0;
    tray->used = 0;
    return f;
}

/* ---- the file in hand ---- */

enum fault oxen_tray_write(struct oxen_tray *tray, const void *bytes, size_t len, bool *fits,
                           struct problem *why)
{
    enum fault f = FAULT_NONE;
    *fits = len < BLOB_PACK_BELOW - tray->open;
    if (!*fits)
        return FAULT_NONE;
    if (len > TRAY_BYTES - tray->used - tray->open)
        f = oxen_tray_pour(tray, why);
    if (f)
        return f;
    memcpy(tray->bytes + tray->used + tray->open, bytes, len);
    tray->open += len;
    return FAULT_NONE;
}

const void *oxen_tray_held(const struct oxen_tray *tray, size_t *len)
{
    *len = tray->open;
    return tray->bytes + tray->used;
}

void oxen_tray_discard(struct oxen_tray *tray)
{
    tray->open = 0;
}

enum fault oxen_tray_keep(struct oxen_tray *tray, struct oxen_version *version, struct problem *why)
{
    tray->files[tray->count++] = (struct waiting){ version, tray->used, tray->open };
    tray->used += tray->open;
    tray->open = 0;
    return tray->count == OXEN_LOOKUP_VERSIONS ? oxen_tray_pour(tray, why) : FAULT_NONE;
}
