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
                       struct problem *why)
{
    struct blob_writer *writer = NULL;
    enum fault f = blob_begin(tray->blobs, file->len, &writer, why);
    if (f)
        return f;
    f = blob_write(writer, tray->bytes + file->start, file->len, why);
    if (f)
        blob_discard(writer);
    else
        f = blob_seal(writer, &file->version->ref, why);
    if (!f)
        file->version->state = OXEN_VERSION_FRESH;
    return f;
}

enum fault oxen_tray_pour(struct oxen_tray *tray, struct problem *why)
{
    if (tray->count == 0)
        return FAULT_NONE;
    enum fault f = look_up(tray, why);
    for (size_t i = 0; i < tray->count && !f; i++) {
        if (tray->files[i].version->state == OXEN_VERSION_ABSENT)
            f = seal(tray, &tray->files[i], why);
    }
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

enum fault oxen_tray_move(struct oxen_tray *tray, struct blob_writer *writer, struct problem *why)
{
    const size_t len = tray->open;
    tray->open = 0;
    return blob_write(writer, tray->bytes + tray->used, len, why);
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
