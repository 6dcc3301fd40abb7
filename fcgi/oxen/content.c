#include "oxen/content.h"

#include "base/limits.h"
#include "base/number.h"
#include "blob/blob.h"
#include "oxen/lookup.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/resource.h"

#include <string.h>

enum { LOOK_UPS_MAX = 3 }; /* of a content that moves while it is read */

/* A file that was asked for. */
struct file {
    struct exchange *x;
    struct oxen_repository repository;
    struct oxen_resource resource;
    uint8_t hash[OXEN_HASH_BYTES]; /* of its content */
    struct oxen_hash last_commit;
    const char *mime_type;
    struct blob_ref ref;
};

/* ---- which file ---- */

/* In a clone of a part of a repository the client doubles the last name of that part: d/d/x is d/x. */
static const char *without_double(struct exchange *x, const char *path)
{
    for (const char *at = path; *at;) {
        const size_t len = strcspn(at, "/");
        const char *next = at + len + 1;
        if (at[len] == '\0')
            return NULL;
        if (strncmp(at, next, len) == 0 && next[len] == '/')
            return arena_printf(x->arena, "%.*s%s", (int)(at - path), path, next);
        at = next;
    }
    return NULL;
}

/* What a client has put into the tree as a media type, when it can stand in a header. */
static const char *media_type(struct exchange *x, struct oxen_pack_bytes type)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-/;= ";
    char *text = arena_strdup(x->arena, type.bytes, type.len);
    if (!text || type.len == 0 || strlen(text) != type.len || strspn(text, allowed) != type.len)
        return "application/octet-stream";
    return text;
}

static enum fault find_entry(struct file *file, struct oxen_tree *tree, const char *path,
                             bool *found, struct problem *why)
{
    struct oxen_found at;
    struct oxen_node_entry entry;
    enum fault f = oxen_lookup(tree, file->resource.commit.bytes, path, NULL, &at, found, why);
    *found = *found && at.child.kind == OXEN_NODE_FILE;
    if (f || !*found)
        return f;
    f = oxen_lookup_entry(tree, &at, &entry, why);
    if (f)
        return f;
    memcpy(file->hash, entry.hash, sizeof file->hash);
    memcpy(file->last_commit.bytes, entry.last_commit, sizeof file->last_commit.bytes);
    file->mime_type = media_type(file->x, entry.mime_type);
    return FAULT_NONE;
}

/* Looks for the file at the path; when there is none at the path as it was written; and, for a piece,
 * whose client hashes what it gets, at one without a doubled segment. */
static enum fault find_file(struct file *file, bool doubled, bool *found, struct problem *why)
{
    struct oxen_tree tree;
    oxen_tree_begin(&tree, file->x, file->repository.id);
    enum fault f = find_entry(file, &tree, file->resource.path, found, why);
    if (!f && !*found && strcmp(file->resource.raw, file->resource.path) != 0)
        f = find_entry(file, &tree, file->resource.raw, found, why);
    const char *single = doubled && !*found ? without_double(file->x, file->resource.path) : NULL;
    if (!f && single)
        f = find_entry(file, &tree, single, found, why);
    oxen_tree_end(&tree);
    return f;
}

static enum fault open_file(struct file *file, bool doubled, struct problem *why)
{
    bool found = false;
    enum fault f = oxen_repository_open(file->x, &file->repository, why);
    if (!f)
        f = oxen_resource_read(file->x, &file->repository, &file->resource, &found, why);
    if (!f && found)
        f = find_file(file, doubled, &found, why);
    if (!f && !found)
        f = oxen_resource_missing(OXEN_NO_PATH, file->resource.text, why);
    return f;
}

static enum fault look_up(struct file *file, struct problem *why)
{
    bool found = false;
    const enum fault f = oxen_store_version_find(file->x->db, file->repository.id, file->hash,
                                                 &file->ref, &found, why);
    return f || found ? f : problem_internal(why, "the content of a file is not stored");
}

/* ---- a piece ---- */

static enum fault read_number(struct exchange *x, const char *name, int64_t otherwise, int64_t *out,
                              struct problem *why)
{
    const char *text = exchange_query(x, name);
    *out = otherwise;
    if (text && (!number_i64(text, strlen(text), out) || *out < 0))
        return problem_set(why, FAULT_MALFORMED, "%s must be a number of bytes", name);
    return FAULT_NONE;
}

static enum fault read_piece(struct file *file, uint64_t at, unsigned char *chunk, size_t len,
                             size_t *got, struct problem *why)
{
    enum fault f = FAULT_GONE;
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        struct problem of_try = PROBLEM_NONE;
        f = tries > 0 ? look_up(file, &of_try) : FAULT_NONE;
        if (!f)
            f = blob_read(file->x->blobs, &file->ref, at, chunk, len, got, &of_try);
        if (f && f != FAULT_GONE)
            *why = of_try;
    }
    if (f == FAULT_GONE || (!f && *got == 0))
        return problem_internal(why, "the bytes of a content are gone");
    return f;
}

static enum fault send_piece(struct file *file, int64_t start, int64_t size, struct problem *why)
{
    enum { OK = 200 };
    unsigned char chunk[IO_CHUNK];
    enum fault f = exchange_stream_begin(file->x, OK, "application/octet-stream", size, why);
    for (int64_t done = 0; done < size && !f && !file->x->head_only;) {
        const size_t len = size - done < IO_CHUNK ? (size_t)(size - done) : IO_CHUNK;
        size_t got = 0;
        f = read_piece(file, (uint64_t)(start + done), chunk, len, &got, why);
        if (!f)
            f = exchange_write(file->x, chunk, got, why);
        done += (int64_t)got;
    }
    return f ? f : exchange_stream_end(file->x, why);
}

/* GET .../chunk/{revision}/{path}?chunk_start=&chunk_size= */
enum fault oxen_content_chunk(struct exchange *x, struct problem *why)
{
    struct file file = { .x = x };
    int64_t start = 0;
    int64_t size = 0;
    enum fault f = open_file(&file, true, why);
    if (f == FAULT_MISSING && why->code && strcmp(why->code, OXEN_NO_PATH) == 0)
        why->code = NULL; /* recorded without a description */
    if (!f)
        f = read_number(x, "chunk_start", 0, &start, why);
    if (!f)
        f = read_number(x, "chunk_size", OXEN_PART_BYTES, &size, why);
    if (!f)
        f = look_up(&file, why);
    if (!f && (start > file.ref.bytes || size > file.ref.bytes - start))
        f = problem_set(why, FAULT_MALFORMED, "a file of %lld bytes has no %lld from byte %lld on",
                        (long long)file.ref.bytes, (long long)size, (long long)start);
    return f ? f : send_piece(&file, start, size, why);
}

/* ---- the whole ---- */

static enum fault find_content(struct exchange *x, void *ctx, struct exchange_content *out,
                               struct problem *why)
{
    struct file *file = ctx;
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash;
    const enum fault f = look_up(file, why);
    memcpy(hash.bytes, file->hash, sizeof hash.bytes);
    oxen_hash_text(&hash, digits);
    out->ref = file->ref;
    out->content_type = file->mime_type;
    out->etag = arena_printf(x->arena, "\"%s\"", digits);
    return f;
}

/* GET .../file/{revision}/{path} */
enum fault oxen_content_file(struct exchange *x, struct problem *why)
{
    struct file file = { .x = x };
    char commit[OXEN_HASH_TEXT_MAX];
    const enum fault f = open_file(&file, false, why);
    if (f)
        return f;
    oxen_hash_text(&file.last_commit, commit);
    exchange_set_header(x, "oxen-revision-id", commit);
    return exchange_reply_content(x, find_content, &file, why);
}
