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
#include "oxen/hash_list.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/tar_reply.h"
#include "stream/coding.h"
#include "json/json.h"

#include <stdbool.h>
#include <string.h>

/* FAULT_MISSING when it is not stored. */
static enum fault look_up(struct exchange *x, int64_t repository, const struct oxen_hash *hash,
                          struct blob_ref *out, struct problem *why)
{
    bool found = false;
    const enum fault f = oxen_store_version_find(x->db, repository, hash->bytes, out, &found, why);
    memcpy(out->digest, hash->bytes,
           sizeof out->digest); /* what is sent must be what was asked for */
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

/* How the client spells a hash that it does not write as Oxen does. */
struct spelling {
    size_t index; /* in the list */
    const char *name;
    struct spelling *next; /* of a later one */
};

struct batch {
    struct exchange *x;
    struct oxen_repository repository;
    struct text line;            /* that is being read */
    bool too_long;               /* to be a hash */
    struct oxen_hash_list *list; /* each different hash once: what is answered */
    struct spelling *first;
    struct spelling **end;
    struct text quoted;
    struct text plain;
    int64_t missing;
    int64_t bytes; /* of the contents */
    struct oxen_tar_reply tar;
};

/* Takes a line's hash into the list; a line that is none is passed over, as Oxen does. */
static enum fault end_line(struct batch *batch, struct problem *why)
{
    struct oxen_hash hash = { { 0 } };
    struct problem of_name = PROBLEM_NONE;
    char canonical[OXEN_HASH_TEXT_MAX];
    const char *name = text_string(&batch->line);
    bool added = false;
    if (batch->too_long || oxen_hash_parse(name, &hash, &of_name))
        return FAULT_NONE;
    const size_t index = oxen_hash_list_count(batch->list);
    enum fault f = oxen_hash_list_add(batch->list, hash.bytes, &added, why);
    oxen_hash_text(&hash, canonical);
    if (f || !added || strcmp(name, canonical) == 0)
        return f;
    struct spelling *spelling = arena_alloc(batch->x->arena, sizeof *spelling);
    char *copy = arena_strdup(batch->x->arena, name, strlen(name));
    if (!spelling || !copy)
        return problem_set(why, FAULT_TOO_LARGE, "too many hashes with leading zeros or capitals");
    *spelling = (struct spelling){ index, copy, NULL };
    *batch->end = spelling;
    batch->end = &spelling->next;
    return FAULT_NONE;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* One byte of the list: blanks around a hash are dropped, inside one they spoil it. */
static enum fault take_byte(struct batch *batch, char byte, struct problem *why)
{
    struct text *line = &batch->line;
    if (byte == '\n') {
        while (line->len > 0 && is_space(line->data[line->len - 1]))
            line->data[--line->len] = '\0';
        const enum fault f = end_line(batch, why);
        text_clear(line);
        batch->too_long = false;
        return f;
    }
    if (byte == '\0')
        return problem_set(why, FAULT_MALFORMED, "the list of hashes holds a NUL");
    if (line->len == 0 && is_space(byte))
        return FAULT_NONE;
    if (line->len == OXEN_LINE_MAX)
        batch->too_long = true;
    else
        text_addc(line, byte);
    return FAULT_NONE;
}

static enum fault take_list(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    const char *at = bytes;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < len && !f; i++)
        f = take_byte(ctx, at[i], why);
    return f;
}

static enum fault read_list(struct batch *batch, struct problem *why)
{
    struct decoder *gunzip = NULL;
    enum fault f = exchange_refuse_form(batch->x, why);
    if (!f)
        f = decoder_create(CODING_GZIP, OXEN_LIST_MAX, take_list, batch, &gunzip, why);
    if (!f)
        f = exchange_body(batch->x, OXEN_LIST_WIRE_MAX, decoder_sink, gunzip, why);
    if (!f)
        f = decoder_end(gunzip, why);
    decoder_destroy(gunzip);
    return f ? f : take_byte(batch, '\n', why);
}

/* The name under which the i-th is answered; *spelling: the next one that is spelled otherwise. */
static const char *name_of(const struct batch *batch, size_t i, struct spelling **spelling,
                           char canonical[OXEN_HASH_TEXT_MAX])
{
    struct oxen_hash hash;
    if (*spelling && (*spelling)->index == i) {
        const char *name = (*spelling)->name;
        *spelling = (*spelling)->next;
        return name;
    }
    memcpy(hash.bytes, oxen_hash_list_at(batch->list, i), sizeof hash.bytes);
    oxen_hash_text(&hash, canonical);
    return canonical;
}

static void add_missing(struct batch *batch, const char *name)
{
    if (batch->missing++ >= OXEN_MISSING_TOLD_MAX)
        return;
    if (batch->missing > 1) {
        text_addc(&batch->quoted, ',');
        text_adds(&batch->plain, ", ");
    }
    json_quote(&batch->quoted, name, strlen(name));
    text_adds(&batch->plain, name);
}

/* Looks whether all are there and how large they are, before anything is sent. */
static enum fault check_list(struct batch *batch, struct problem *why)
{
    int64_t bytes[OXEN_LOOKUP_VERSIONS];
    char canonical[OXEN_HASH_TEXT_MAX];
    struct spelling *spelling = batch->first;
    const size_t all = oxen_hash_list_count(batch->list);
    enum fault f = FAULT_NONE;
    for (size_t at = 0; at < all && !f; at += OXEN_LOOKUP_VERSIONS) {
        const size_t count = all - at < OXEN_LOOKUP_VERSIONS ? all - at : OXEN_LOOKUP_VERSIONS;
        f = oxen_store_versions_measure(batch->x->db, batch->repository.id,
                                        oxen_hash_list_at(batch->list, at), count, bytes, why);
        for (size_t i = 0; i < count && !f; i++) {
            const char *name = name_of(batch, at + i, &spelling, canonical);
            if (bytes[i] < 0) {
                add_missing(batch, name);
            } else if (__builtin_add_overflow(batch->bytes, bytes[i], &batch->bytes)) {
                return problem_internal(why, "contents of more bytes than can be counted");
            }
        }
    }
    if (!f && batch->missing == 0 && batch->bytes > batch->x->config->download_bytes_max) {
        f = problem_set(
            why, FAULT_TOO_LARGE,
            "%lld bytes in one batch download, which takes %lld; ask for fewer contents",
            (long long)batch->bytes, (long long)batch->x->config->download_bytes_max);
    }
    return f;
}

/* A content that is being sent. */
struct sent {
    struct batch *batch;
    struct oxen_hash hash;
};

static enum fault find_sent(void *ctx, struct blob_ref *out, bool *found, struct problem *why)
{
    const struct sent *sent = ctx;
    return oxen_store_version_find(sent->batch->x->db, sent->batch->repository.id, sent->hash.bytes,
                                   out, found, why);
}

static enum fault send_content(struct sent *sent, const char *name, struct problem *why)
{
    const struct oxen_tar_source source = { find_sent, sent };
    struct blob_ref ref = { 0 };
    const enum fault f =
        look_up(sent->batch->x, sent->batch->repository.id, &sent->hash, &ref, why);
    return f ? f : oxen_tar_reply_file(&sent->batch->tar, name, &ref, &source, why);
}

static enum fault send_all(struct batch *batch, struct problem *why)
{
    char canonical[OXEN_HASH_TEXT_MAX];
    struct spelling *spelling = batch->first;
    enum fault f = oxen_tar_reply_begin(&batch->tar, batch->x, why);
    for (size_t i = 0; i < oxen_hash_list_count(batch->list) && !f; i++) {
        struct sent sent = { .batch = batch };
        memcpy(sent.hash.bytes, oxen_hash_list_at(batch->list, i), sizeof sent.hash.bytes);
        f = send_content(&sent, name_of(batch, i, &spelling, canonical), why);
    }
    if (!f)
        f = oxen_tar_reply_end(&batch->tar, why);
    oxen_tar_reply_close(&batch->tar);
    return f;
}

static enum fault answer_batch(struct batch *batch, struct problem *why)
{
    enum fault f = batch->list ? oxen_repository_open(batch->x, &batch->repository, why)
                               : problem_internal(why, "no memory for a list of hashes");
    if (!f)
        f = read_list(batch, why);
    if (!f)
        f = check_list(batch, why);
    if (f)
        return f;
    return batch->missing > 0
               ? oxen_reply_missing(batch->x, batch->missing, &batch->quoted, &batch->plain, why)
               : send_all(batch, why);
}

/* QUERY /api/repos/{namespace}/{repo_name}/versions, and POST .../versions/batch-download */
enum fault oxen_download_batch(struct exchange *x, struct problem *why)
{
    const struct oxen_hash_seed seed = oxen_hash_seed_of(x->random);
    struct batch batch = { .x = x };
    batch.end = &batch.first;
    batch.list = oxen_hash_list_create(OXEN_LIST_HASHES_MAX, &seed);
    text_init(&batch.line, OXEN_LINE_MAX + 1);
    text_init(&batch.quoted, JSON_REPLY_MAX);
    text_init(&batch.plain, JSON_REPLY_MAX);
    const enum fault f = answer_batch(&batch, why);
    oxen_hash_list_destroy(batch.list);
    text_release(&batch.line);
    text_release(&batch.quoted);
    text_release(&batch.plain);
    return f;
}
