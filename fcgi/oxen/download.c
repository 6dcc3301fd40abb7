/*
 * download.c - what download.h says.
 *
 * A row is looked up when its bytes are sent, not before: sweeping may move a content meanwhile,
 * and then the row says where.  No read transaction stays open while a client reads.
 */
#include "oxen/download.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "stream/coding.h"
#include "stream/gzip_out.h"
#include "stream/tar_out.h"
#include "json/json.h"

#include <stdbool.h>
#include <string.h>

enum { LOOK_UPS_MAX = 3 }; /* of a content that moves while it is read */

/* FAULT_MISSING when it is not stored. */
static enum fault look_up(struct exchange *x, int64_t repository, const struct oxen_hash *hash,
                          struct blob_ref *out, struct problem *why)
{
    bool found = false;
    const enum fault f = oxen_store_version_find(x->db, repository, hash->bytes, out, &found, why);
    return f || found ? f : problem_set(why, FAULT_MISSING, "no such version");
}

/* ---- one ---- */

struct wanted {
    int64_t repository;
    struct oxen_hash hash;
};

static enum fault find_content(struct exchange *x, void *ctx, struct exchange_content *out,
                               struct problem *why)
{
    const struct wanted *wanted = ctx;
    char text[OXEN_HASH_TEXT_MAX];
    const enum fault f = look_up(x, wanted->repository, &wanted->hash, &out->ref, why);
    oxen_hash_text(&wanted->hash, text);
    out->content_type = "application/octet-stream";
    out->etag = arena_printf(x->arena, "\"%s\"", text);
    return f;
}

/* GET /api/repos/{namespace}/{repo_name}/versions/{hash}/content */
enum fault oxen_download_content(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct wanted wanted = { .repository = 0 };
    struct problem of_name = PROBLEM_NONE;
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f && oxen_hash_parse(exchange_path(x, 2), &wanted.hash, &of_name))
        f = problem_set(why, FAULT_MISSING, "no such version");
    wanted.repository = repository.id;
    return f ? f : exchange_reply_content(x, find_content, &wanted, why);
}

/* ---- many ---- */

struct batch {
    struct exchange *x;
    struct oxen_repository repository;
    struct text list; /* what was asked for: names, one a line */
    struct text quoted;
    struct text plain;
    int64_t missing;
    struct gzip_out *gzip;
};

static enum fault add_text(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct text *text = ctx;
    text_add(text, bytes, len);
    return text_failed(text) ? problem_internal(why, "no memory for a list of hashes") : FAULT_NONE;
}

static enum fault read_list(struct batch *batch, struct problem *why)
{
    struct decoder *gunzip = NULL;
    enum fault f = decoder_create(CODING_GZIP, OXEN_LIST_MAX, add_text, &batch->list, &gunzip, why);
    if (!f)
        f = exchange_body(batch->x, OXEN_LIST_MAX, decoder_sink, gunzip, why);
    if (!f)
        f = decoder_end(gunzip, why);
    decoder_destroy(gunzip);
    if (!f && strlen(text_string(&batch->list)) != batch->list.len)
        f = problem_set(why, FAULT_MALFORMED, "the list of hashes holds a NUL");
    return f;
}

/* The next line that is a hash, trimmed into name; the others are passed over, as Oxen does.  false
 * at the end of the list. */
static bool next_name(const char **at, char name[NAME_MAX_BYTES], struct oxen_hash *hash)
{
    static const char space[] = " \t\r\n";
    while (**at) {
        const char *line = *at + strspn(*at, space);
        const size_t len = strcspn(line, "\n");
        size_t trimmed = len;
        *at = line + len;
        while (trimmed > 0 && strchr(space, line[trimmed - 1]))
            trimmed--;
        struct problem of_name = PROBLEM_NONE;
        if (trimmed == 0 || trimmed > OXEN_LINE_MAX)
            continue;
        memcpy(name, line, trimmed);
        name[trimmed] = '\0';
        if (!oxen_hash_parse(name, hash, &of_name))
            return true;
    }
    return false;
}

static void add_missing(struct batch *batch, const char *name)
{
    if (batch->missing++ > 0) {
        text_addc(&batch->quoted, ',');
        text_adds(&batch->plain, ", ");
    }
    json_quote(&batch->quoted, name, strlen(name));
    text_adds(&batch->plain, name);
}

/* Looks whether all are there, before anything is sent. */
static enum fault check_list(struct batch *batch, struct problem *why)
{
    char name[NAME_MAX_BYTES];
    struct oxen_hash hash = { { 0 } };
    const char *at = text_string(&batch->list);
    int64_t asked = 0;
    enum fault f = FAULT_NONE;
    while (!f && next_name(&at, name, &hash)) {
        bool found = false;
        if (++asked > OXEN_LIST_HASHES_MAX)
            return problem_set(why, FAULT_TOO_LARGE, "more than %d hashes in one list",
                               OXEN_LIST_HASHES_MAX);
        f = oxen_store_version_exists(batch->x->db, batch->repository.id, hash.bytes, &found, why);
        if (!f && !found)
            add_missing(batch, name);
    }
    return f ? f : db_settle(batch->x->db, why);
}

/* Begins to read a content, looked up again when it has moved.  The first piece is read by then, so
 * that a small content is compared before its header goes out. */
static enum fault open_content(struct batch *batch, const struct oxen_hash *hash,
                               struct blob_reading *reading, const void **piece, size_t *len,
                               struct problem *why)
{
    enum fault f = FAULT_GONE;
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        struct problem of_try = PROBLEM_NONE;
        struct blob_ref ref = { 0 };
        f = look_up(batch->x, batch->repository.id, hash, &ref, &of_try);
        if (!f)
            f = blob_reading_begin(reading, batch->x->blobs, &ref, 0, (uint64_t)ref.bytes, &of_try);
        if (!f)
            f = blob_reading_next(reading, piece, len, &of_try);
        if (f && f != FAULT_GONE)
            *why = of_try;
    }
    return f == FAULT_GONE ? problem_damaged(why, "the file of a version is gone") : f;
}

static enum fault send_content(struct batch *batch, const char *name, const struct oxen_hash *hash,
                               struct problem *why)
{
    static const uint8_t zeros[TAR_OUT_BLOCK];
    uint8_t header[TAR_OUT_BLOCK];
    struct blob_reading reading = { .at = 0 };
    const void *piece = NULL;
    size_t len = 0;
    enum fault f = open_content(batch, hash, &reading, &piece, &len, why);
    const uint64_t bytes = (uint64_t)reading.ref.bytes;
    if (!f && !tar_out_header(name, bytes, header))
        f = problem_internal(why, "a hash too long for tar");
    if (!f)
        f = gzip_out_write(batch->gzip, header, sizeof header, why);
    while (!f && len > 0) {
        f = gzip_out_write(batch->gzip, piece, len, why);
        if (!f)
            f = blob_reading_next(&reading, &piece, &len, why);
    }
    if (!f)
        f = gzip_out_write(batch->gzip, zeros, tar_out_padding(bytes), why);
    return f;
}

static enum fault send_all(struct batch *batch, struct problem *why)
{
    enum { OK = 200 };
    static const uint8_t end[TAR_OUT_END];
    char name[NAME_MAX_BYTES];
    struct oxen_hash hash = { { 0 } };
    const char *at = text_string(&batch->list);
    enum fault f = gzip_out_create(exchange_write, batch->x, &batch->gzip, why);
    if (!f)
        f = exchange_stream_begin(batch->x, OK, "application/gzip", -1, why);
    while (!f && next_name(&at, name, &hash))
        f = send_content(batch, name, &hash, why);
    if (!f)
        f = gzip_out_write(batch->gzip, end, sizeof end, why);
    if (!f)
        f = gzip_out_end(batch->gzip, why);
    return f ? f : exchange_stream_end(batch->x, why);
}

/* QUERY /api/repos/{namespace}/{repo_name}/versions, and POST .../versions/batch-download */
enum fault oxen_download_batch(struct exchange *x, struct problem *why)
{
    struct batch batch = { .x = x };
    text_init(&batch.list, OXEN_LIST_MAX);
    text_init(&batch.quoted, JSON_REPLY_MAX);
    text_init(&batch.plain, JSON_REPLY_MAX);
    enum fault f = oxen_repository_open(x, &batch.repository, why);
    if (!f)
        f = read_list(&batch, why);
    if (!f)
        f = check_list(&batch, why);
    if (!f && batch.missing > 0)
        f = oxen_reply_missing(x, batch.missing, &batch.quoted, &batch.plain, why);
    else if (!f)
        f = send_all(&batch, why);
    gzip_out_destroy(batch.gzip);
    text_release(&batch.list);
    text_release(&batch.quoted);
    text_release(&batch.plain);
    return f;
}
