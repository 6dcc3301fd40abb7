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

/* The last look-up has found a row whose bytes are not there: not that of a content that moves. */
static enum fault lost(struct problem *why)
{
    return problem_internal(why, "the bytes of a version are gone");
}

/* ---- one ---- */

/* GET /api/repos/{namespace}/{repo_name}/versions/{hash}/content */
enum fault oxen_download_content(struct exchange *x, struct problem *why)
{
    struct oxen_repository repository = { 0 };
    struct oxen_hash hash = { { 0 } };
    struct blob_ref ref = { 0 };
    struct problem of_name = PROBLEM_NONE;
    char text[OXEN_HASH_TEXT_MAX];
    enum fault f = oxen_repository_open(x, &repository, why);
    if (!f && oxen_hash_parse(exchange_path(x, 2), &hash, &of_name))
        f = problem_set(why, FAULT_MISSING, "no such version");
    if (f)
        return f;
    oxen_hash_text(&hash, text);
    const char *etag = arena_printf(x->arena, "\"%s\"", text);
    for (int tries = 0; tries < LOOK_UPS_MAX; tries++) {
        struct problem of_try = PROBLEM_NONE;
        f = look_up(x, repository.id, &hash, &ref, &of_try);
        if (!f)
            f = db_settle(x->db, &of_try);
        if (!f)
            f = exchange_reply_blob(x, &ref, "application/octet-stream", etag, &of_try);
        if (f == FAULT_GONE)
            continue;
        if (f)
            *why = of_try;
        return f;
    }
    return lost(why);
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

/* One piece of a content, looked up again when it has moved. */
static enum fault read_piece(struct batch *batch, const struct oxen_hash *hash,
                             struct blob_ref *ref, uint64_t at, unsigned char chunk[IO_CHUNK],
                             size_t *got, struct problem *why)
{
    enum fault f = FAULT_GONE;
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        struct problem of_try = PROBLEM_NONE;
        if (tries > 0)
            f = look_up(batch->x, batch->repository.id, hash, ref, &of_try);
        if (tries == 0 || !f)
            f = blob_read(batch->x->blobs, ref, at, chunk, IO_CHUNK, got, &of_try);
        if (f && f != FAULT_GONE)
            *why = of_try;
    }
    return f == FAULT_GONE ? lost(why) : f;
}

static enum fault send_content(struct batch *batch, const char *name, const struct oxen_hash *hash,
                               struct problem *why)
{
    static const uint8_t zeros[TAR_OUT_BLOCK];
    unsigned char chunk[IO_CHUNK];
    uint8_t header[TAR_OUT_BLOCK];
    struct blob_ref ref = { 0 };
    enum fault f = look_up(batch->x, batch->repository.id, hash, &ref, why);
    if (!f && !tar_out_header(name, (uint64_t)ref.bytes, header))
        f = problem_internal(why, "a hash too long for tar");
    if (!f)
        f = gzip_out_write(batch->gzip, header, sizeof header, why);
    for (uint64_t at = 0; at < (uint64_t)ref.bytes && !f;) {
        size_t got = 0;
        f = read_piece(batch, hash, &ref, at, chunk, &got, why);
        if (!f)
            f = gzip_out_write(batch->gzip, chunk, got, why);
        at += got;
    }
    if (!f)
        f = gzip_out_write(batch->gzip, zeros, tar_out_padding((uint64_t)ref.bytes), why);
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
