/*
 * upload_part.c - PUT .../versions/uploads/{id}/parts/{n}
 *
 * Lease, write at its place, flush, end the lease durably; who ends the last one reads the whole
 * content, and publishes it when it hashes to its name.
 */
#include "base/limits.h"
#include "base/number.h"
#include "blob/blob.h"
#include "db/oxen_store_upload.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/uploads.h"
#include "stream/digest.h"

#include <stdbool.h>
#include <string.h>

enum { MS_AN_HOUR = 3600 * 1000 };

struct part {
    struct exchange *x;
    struct oxen_repository repository;
    struct oxen_upload upload;
    int64_t number; /* from 1 */
    int64_t count;  /* parts of the upload */
    uint64_t start; /* of this part in the content */
    uint64_t bytes; /* that it must have */
    uint64_t got;
    struct oxen_lease lease;
    struct blob_place *place;
};

static enum fault not_found(const struct part *part, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OXEN_DESCRIBED, "Version upload %s not found",
                        exchange_path(part->x, 2));
}

static enum fault refuse_long(const struct part *part, struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                        "Version upload refused: part %lld is longer than %llu bytes (upload %s)",
                        (long long)part->number, (unsigned long long)part->bytes, part->upload.id);
}

/* ---- which part it is ---- */

static enum fault find(struct part *part, struct problem *why)
{
    struct exchange *x = part->x;
    const char *number = exchange_path(x, 3);
    const int64_t since = x->now - (int64_t)OXEN_UPLOAD_IDLE_HOURS * MS_AN_HOUR;
    bool found = false;
    enum fault f = oxen_repository_open(x, &part->repository, why);
    if (!f && !number_i64(number, strlen(number), &part->number))
        f = problem_set(why, FAULT_MALFORMED, "Invalid part number");
    if (!f) {
        f = oxen_store_upload_find(x->db, part->repository.id, exchange_path(x, 2), since,
                                   &part->upload, &found, why);
    }
    if (!f && !found)
        f = not_found(part, why);
    return f;
}

static enum fault measure(struct part *part, struct problem *why)
{
    const int64_t total = part->upload.ref.bytes;
    const int64_t size = part->upload.part_bytes;
    part->count = (total + size - 1) / size;
    if (part->number < 1 || part->number > part->count) {
        return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                            "Version upload refused: part %lld is not between 1 and %lld "
                            "(upload %s)",
                            (long long)part->number, (long long)part->count, part->upload.id);
    }
    const int64_t start = (part->number - 1) * size;
    part->start = (uint64_t)start;
    part->bytes = (uint64_t)(total - start < size ? total - start : size);
    if (part->x->content_length > (int64_t)part->bytes)
        return refuse_long(part, why);
    return FAULT_NONE;
}

/* ---- its bytes ---- */

static enum fault take_bytes(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct part *part = ctx;
    if (len > part->bytes - part->got)
        return refuse_long(part, why);
    const enum fault f = blob_place_write(part->place, part->start + part->got, bytes, len, why);
    if (!f)
        part->got += len;
    return f;
}

static enum fault receive(struct part *part, struct problem *why)
{
    struct exchange *x = part->x;
    enum fault f = exchange_refuse_form(x, why);
    if (!f)
        f = blob_place_open(x->blobs, &part->upload.ref, &part->place, why);
    if (f == FAULT_GONE)
        return problem_internal(why, "the file of upload %s is gone", part->upload.id);
    if (!f)
        f = exchange_body(x, UINT64_MAX, take_bytes, part, why);
    if (!f && part->got < part->bytes) {
        f = problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                         "Version upload refused: part %lld is %llu bytes, not %llu (upload %s)",
                         (long long)part->number, (unsigned long long)part->got,
                         (unsigned long long)part->bytes, part->upload.id);
    }
    if (!f)
        f = blob_place_sync(part->place, why);
    blob_place_close(part->place);
    part->place = NULL;
    return f;
}

/* ---- who may write it ---- */

static enum fault deferred(struct problem *why)
{
    return problem_code(why, FAULT_BUSY, OXEN_DEFERRED, "the part is being written");
}

/* Takes the lease.  *done: the part is here already. */
static enum fault lease(struct part *part, bool *done, struct problem *why)
{
    struct exchange *x = part->x;
    enum oxen_part_state state = OXEN_PART_FREE;
    int64_t holder = 0;
    bool taken = false;
    uint64_t worker = 0;
    enum fault f = blob_worker(x->blobs, &worker, why);
    if (!f)
        f = oxen_store_upload_part_state(x->db, part->upload.id, part->number, &state, &holder,
                                         why);
    if (f)
        return f;
    *done = state == OXEN_PART_DONE;
    if (*done)
        return FAULT_NONE;
    /* one request at a time: a lease of our own is a left-over */
    const bool ours = holder == (int64_t)worker;
    if (state == OXEN_PART_HELD && !ours && blob_worker_alive(x->blobs, (uint64_t)holder))
        return deferred(why);
    part->lease = (struct oxen_lease){ part->upload.id, part->number, (int64_t)worker };
    f = oxen_store_upload_lease(x->db, &part->lease, holder, x->now, &taken, why);
    if (!f && !taken)
        f = deferred(why);
    return f;
}

/* Writes the part under its lease, and gives the lease back when that fails. */
static enum fault write_leased(struct part *part, int64_t *parts_done, struct problem *why)
{
    struct exchange *x = part->x;
    enum fault f = receive(part, why);
    if (!f)
        return oxen_store_upload_part_done(x->db, &part->lease, x->now, parts_done, why);
    struct problem beside = PROBLEM_NONE;
    const enum fault unanswered = oxen_store_upload_give_up(x->db, &part->lease, &beside);
    (void)unanswered; /* the lease falls to the next who asks once this worker has ended */
    return f;
}

/* ---- the whole ---- */

static enum fault hash_whole(const struct part *part, struct oxen_hash *out, struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    const struct blob_ref *ref = &part->upload.ref;
    struct digest *digest = digest_create(DIGEST_XXH3);
    uint64_t high = 0;
    uint64_t low = 0;
    enum fault f = digest ? FAULT_NONE : problem_internal(why, "no memory for a digest");
    for (uint64_t at = 0; at < (uint64_t)ref->bytes && !f;) {
        size_t got = 0;
        f = blob_read(part->x->blobs, ref, at, chunk, sizeof chunk, &got, why);
        if (!f)
            digest_add(digest, chunk, got);
        at += got;
    }
    if (!f) {
        digest_xxh3(digest, &high, &low);
        *out = oxen_hash_of(high, low);
    }
    digest_destroy(digest);
    return f;
}

static enum fault refuse_whole(const struct part *part, const struct oxen_hash *got,
                               struct problem *why)
{
    struct oxen_hash wanted = { { 0 } };
    char got_text[OXEN_HASH_TEXT_MAX];
    char wanted_text[OXEN_HASH_TEXT_MAX];
    memcpy(wanted.bytes, part->upload.hash, sizeof wanted.bytes);
    oxen_hash_text(got, got_text);
    oxen_hash_text(&wanted, wanted_text);
    const enum fault f = oxen_store_upload_drop(part->x->db, part->upload.id, why);
    if (f)
        return f;
    return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                        "Version upload refused: the file's %lld bytes hash to %s, not %s "
                        "(upload %s)",
                        (long long)part->upload.ref.bytes, got_text, wanted_text, part->upload.id);
}

/* Another request may have published the content: "completed" is said of bytes that are there. */
static enum fault check_published(const struct part *part, struct problem *why)
{
    struct exchange *x = part->x;
    struct blob_ref ref = { 0 };
    bool found = false;
    const enum fault f =
        oxen_store_version_find(x->db, part->repository.id, part->upload.hash, &ref, &found, why);
    if (f || (found && blob_present(x->blobs, &ref)))
        return f;
    return problem_damaged(why, "a content that was just published is not there");
}

static enum fault complete(const struct part *part, struct problem *why)
{
    struct oxen_hash got = { { 0 } };
    enum fault f = hash_whole(part, &got, why);
    if (!f && memcmp(got.bytes, part->upload.hash, sizeof got.bytes) != 0)
        f = refuse_whole(part, &got, why);
    if (!f)
        f = oxen_store_upload_publish(part->x->db, part->repository.id, &part->upload, why);
    return f ? f : check_published(part, why);
}

/* ---- the request ---- */

static enum fault take(struct part *part, bool *completed, struct problem *why)
{
    bool done = false;
    int64_t parts_done = 0;
    enum fault f = lease(part, &done, why);
    if (!f && done) /* perhaps the last one, whose writer did not come to publish */
        f = oxen_store_upload_parts(part->x->db, part->upload.id, &parts_done, why);
    else if (!f)
        f = write_leased(part, &parts_done, why);
    *completed = !f && parts_done == part->count;
    return *completed ? complete(part, why) : f;
}

enum fault oxen_uploads_receive_part(struct exchange *x, struct problem *why)
{
    struct part part = { .x = x };
    bool completed = false;
    enum fault f = find(&part, why);
    if (!f)
        f = measure(&part, why);
    if (!f) {
        struct problem of_part = PROBLEM_NONE;
        f = take(&part, &completed, &of_part);
        if (f == FAULT_MISSING)
            f = not_found(&part, why); /* it has ended meanwhile */
        else if (f)
            *why = of_part;
    }
    if (f)
        return f;
    struct text out;
    oxen_reply_begin(&out, "resource_created", OXEN_VERSIONED);
    oxen_reply_truth(&out, "completed", completed);
    return oxen_reply_end(x, &out, why);
}
