#include "oxen/clean.h"

#include "base/clock.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store_clean.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"

#include <stdbool.h>
#include <string.h>

/* What a walk over a repository's contents found. */
struct tally {
    int64_t scanned;
    int64_t corrupted; /* the bytes are not those of the name, or not there */
    int64_t cleaned;   /* of them, taken out */
    int64_t errors;    /* could not be read: left alone */
};

enum verdict { GOOD, BAD, UNREADABLE };

static enum verdict judge(struct exchange *x, const struct oxen_clean_version *version)
{
    struct problem of_read = PROBLEM_NONE;
    struct blob_ref ref = version->ref;
    memcpy(ref.digest, version->hash, sizeof ref.digest);
    const enum fault f = blob_verify(x->blobs, &ref, &of_read);
    if (!f)
        return GOOD;
    return f == FAULT_GONE || f == FAULT_DAMAGED ? BAD : UNREADABLE;
}

/* Takes a version out whose row still says what was judged: one that has moved meanwhile was judged
 * by bytes that are not its own any more, and stays. */
static enum fault take_out(struct exchange *x, int64_t repository,
                           const struct oxen_clean_version *version, struct tally *tally,
                           struct problem *why)
{
    bool taken = false;
    const enum fault f = oxen_store_clean_version_drop(x->db, repository, version, &taken, why);
    if (!f && taken) {
        tally->corrupted++;
        tally->cleaned++;
    }
    return f;
}

static enum fault walk(struct exchange *x, int64_t repository, struct tally *tally,
                       struct problem *why)
{
    struct oxen_clean_version version = { .hash = { 0 } };
    bool found = true;
    enum fault f = oxen_store_clean_version_next(x->db, repository, NULL, &version, &found, why);
    while (!f && found) {
        tally->scanned++;
        switch (judge(x, &version)) {
        case GOOD:
            break;
        case BAD:
            f = take_out(x, repository, &version, tally, why);
            break;
        case UNREADABLE:
            tally->errors++;
            break;
        }
        if (!f)
            f = oxen_store_clean_version_next(x->db, repository, version.hash, &version, &found,
                                              why);
    }
    return f;
}

/* DELETE /api/repos/{namespace}/{repo_name}/versions */
enum fault oxen_clean_versions(struct exchange *x, struct problem *why)
{
    enum { MS_A_SECOND = 1000, NS_A_MS = 1000000 };
    struct oxen_repository repository = { 0 };
    struct tally tally = { 0 };
    const int64_t began = clock_steady_ms(); /* the answer says how long it took */
    enum fault f = oxen_repository_open(x, &repository, why);
    if (f)
        return f;
    f = walk(x, repository.id, &tally, why);
    if (f)
        return f;
    const int64_t took = clock_steady_ms() - began;
    struct text out;
    oxen_reply_begin(&out, "resource_found", OXEN_VERSIONED);
    oxen_reply_key(&out, "result");
    text_addc(&out, '{');
    oxen_reply_number(&out, "scanned", tally.scanned);
    oxen_reply_number(&out, "corrupted", tally.corrupted);
    oxen_reply_number(&out, "cleaned", tally.cleaned);
    oxen_reply_number(&out, "errors", tally.errors);
    oxen_reply_key(&out, "elapsed");
    text_addc(&out, '{');
    oxen_reply_number(&out, "secs", took / MS_A_SECOND);
    oxen_reply_number(&out, "nanos", took % MS_A_SECOND * NS_A_MS);
    text_adds(&out, "}}");
    return oxen_reply_end(x, &out, why);
}

/* DELETE /api/repos/{namespace}/{repo_name}: its name is free at once and durably; what it held is
 * taken out in short transactions, here or, after a crash, by the next deletion. */
enum fault oxen_clean_repository(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    bool more = true;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (f == FAULT_MISSING)
        why->code = NULL; /* recorded without a description */
    if (!f)
        f = oxen_store_clean_repository_retire(x->db, repository.id, why);
    while (!f && more)
        f = oxen_store_clean_retired_piece(x->db, &more, why);
    if (f)
        return f;
    struct text out;
    oxen_reply_begin(&out, "resource_deleted", OXEN_VERSIONED);
    return oxen_reply_end(x, &out, why);
}
