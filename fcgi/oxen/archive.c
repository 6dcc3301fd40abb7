#include "oxen/archive.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store_push.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/request.h"
#include "stream/coding.h"
#include "stream/tar.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HISTORY "history/"
#define NODE "/node"

enum { PIECES_MAX = TAR_ENTRIES_MAX / OXEN_PIECE_VERSIONS, NODE_CUT = 3 };

struct archive {
    struct exchange *x;
    struct oxen_repository repository;
    struct decoder *gunzip;
    struct tar *tar;
    struct blob_writer *writer; /* of the entry in hand, when it is a file */
    const char *name;           /* of it; in the arena */
    uint64_t gunzipped;         /* bytes of the files so far */
    size_t count;               /* files that are complete */
    struct oxen_object *pieces[PIECES_MAX];
};

/* ---- entries ---- */

/* A relative path without empty, "." and ".." segments and without control characters.  Nothing is
 * ever written to such a path; it is a key, under which a client may ask for its file again. */
static bool is_key(const char *name)
{
    enum { CONTROL_END = 0x20, DELETE = 0x7F };
    for (const char *at = name;; at++) {
        const size_t len = strcspn(at, "/");
        if (len == 0 || (len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        for (size_t i = 0; i < len; i++) {
            if ((unsigned char)at[i] < CONTROL_END || at[i] == DELETE)
                return false;
        }
        at += len;
        if (*at == '\0')
            return true;
    }
}

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    struct archive *archive = ctx;
    archive->name = NULL;
    if (head->kind == TAR_FOLDER)
        return FAULT_NONE;
    if (head->kind != TAR_FILE)
        return problem_set(why, FAULT_MALFORMED,
                           "the archive holds what is neither file nor folder");
    if (!text_is_utf8(head->name, head->name_len) || !is_key(head->name))
        return problem_set(why, FAULT_MALFORMED,
                           "the archive holds a name that is no relative path");
    archive->name = arena_strdup(archive->x->arena, head->name, head->name_len);
    if (!archive->name)
        return problem_set(why, FAULT_TOO_LARGE, "too many files in one archive");
    return blob_begin(archive->x->blobs, head->bytes, &archive->writer, why);
}

static enum fault entry_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct archive *archive = ctx;
    archive->gunzipped += len;
    const enum fault f = oxen_request_gunzipped(archive->x, archive->gunzipped, why);
    return !f && archive->writer ? blob_write(archive->writer, bytes, len, why) : f;
}

static enum fault entry_end(void *ctx, struct problem *why)
{
    struct archive *archive = ctx;
    if (!archive->writer)
        return FAULT_NONE;
    struct oxen_object object = { .name = archive->name };
    struct blob_writer *writer = archive->writer;
    archive->writer = NULL;
    const enum fault f = blob_seal(writer, &object.ref, why);
    if (f)
        return f;
    const size_t piece = archive->count / OXEN_PIECE_VERSIONS;
    if (piece < PIECES_MAX && !archive->pieces[piece])
        archive->pieces[piece] =
            arena_alloc(archive->x->arena, OXEN_PIECE_VERSIONS * sizeof object);
    if (piece == PIECES_MAX || !archive->pieces[piece])
        return problem_set(why, FAULT_TOO_LARGE, "too many files in one archive");
    archive->pieces[piece][archive->count++ % OXEN_PIECE_VERSIONS] = object;
    return FAULT_NONE;
}

/* ---- which commits an archive may complete ---- */

/* The digits of the hash that an object's name is about: of a node its two first segments
 * together, of a commit's history the second one.  false for any other name. */
static bool digits_of(const char *name, char out[OXEN_HASH_TEXT_MAX])
{
    const char *digits = name;
    size_t first = 0; /* of a node's name: what stands before the slash */
    if (strncmp(name, HISTORY, sizeof HISTORY - 1) == 0) {
        digits = name + sizeof HISTORY - 1;
    } else {
        const char *end = strchr(name, '/');
        first = end ? (size_t)(end - name) : 0;
        digits = end ? end + 1 : name;
        if (!end || strcmp(digits + strcspn(digits, "/"), NODE) != 0)
            return false;
    }
    const size_t rest = strcspn(digits, "/");
    if (first >= OXEN_HASH_TEXT_MAX || rest >= OXEN_HASH_TEXT_MAX - first)
        return false;
    memcpy(out, name, first);
    memcpy(out + first, digits, rest);
    out[first + rest] = '\0';
    return true;
}

void oxen_archive_node_name(const char *digits, char out[OXEN_PART_NAME_MAX])
{
    const size_t len = strlen(digits);
    const size_t cut = len < NODE_CUT ? len : NODE_CUT;
    (void)snprintf(out, OXEN_PART_NAME_MAX, "%.*s/%s" NODE, (int)cut, digits, digits + cut);
}

/* The commit that an object is a part of, if it is one; the name's own text makes the keys, so that
 * the same spelling is found. */
static bool commit_of(const char *name, struct oxen_commit_parts *out)
{
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash = { { 0 } };
    struct problem of_name = PROBLEM_NONE;
    if (!digits_of(name, digits) || strlen(digits) <= NODE_CUT ||
        oxen_hash_parse(digits, &hash, &of_name))
        return false;
    memcpy(out->hash, hash.bytes, sizeof out->hash);
    oxen_archive_node_name(digits, out->node);
    (void)snprintf(out->history, sizeof out->history, HISTORY "%s/", digits);
    return true;
}

static size_t piece_count(const struct archive *archive, size_t piece)
{
    const size_t left = archive->count - piece * OXEN_PIECE_VERSIONS;
    return left < OXEN_PIECE_VERSIONS ? left : OXEN_PIECE_VERSIONS;
}

/* The commits of one piece; of those that follow each other with one hash, one. */
static enum fault complete_piece(struct archive *archive, size_t piece, struct problem *why)
{
    struct oxen_commit_parts commits[OXEN_PIECE_VERSIONS];
    size_t count = 0;
    for (size_t i = 0; i < piece_count(archive, piece); i++) {
        struct oxen_commit_parts *commit = &commits[count];
        if (!commit_of(archive->pieces[piece][i].name, commit))
            continue;
        if (count == 0 || memcmp(commits[count - 1].hash, commit->hash, sizeof commit->hash) != 0)
            count++;
    }
    if (count == 0)
        return FAULT_NONE;
    return oxen_store_push_commits_add(archive->x->db, archive->repository.id, commits, count,
                                       archive->x->now, why);
}

/* ---- the request ---- */

/* Bytes, then their names, then the commits that are complete with them, then all durable. */
static enum fault store(struct archive *archive, struct problem *why)
{
    struct exchange *x = archive->x;
    enum fault f = blob_flush(x->blobs, why);
    for (size_t piece = 0; piece * OXEN_PIECE_VERSIONS < archive->count && !f; piece++) {
        f = oxen_store_push_objects_put(x->db, archive->repository.id, archive->pieces[piece],
                                        piece_count(archive, piece), why);
    }
    for (size_t piece = 0; piece * OXEN_PIECE_VERSIONS < archive->count && !f; piece++)
        f = complete_piece(archive, piece, why);
    return f;
}

static enum fault receive(struct archive *archive, struct problem *why)
{
    static const struct tar_sink sink = { entry_begin, entry_body, entry_end };
    const uint64_t decoded_max = (uint64_t)archive->x->config->version_decoded_max;
    enum fault f = exchange_refuse_form(archive->x, why);
    if (!f)
        f = tar_create(&sink, archive, &archive->tar, why);
    if (!f)
        f = decoder_create(CODING_GZIP, decoded_max, tar_feed, archive->tar, &archive->gunzip, why);
    if (!f)
        f = exchange_body(archive->x, UINT64_MAX, decoder_sink, archive->gunzip, why);
    if (!f)
        f = decoder_end(archive->gunzip, why);
    if (!f)
        f = tar_end(archive->tar, why);
    blob_discard(archive->writer);
    decoder_destroy(archive->gunzip);
    tar_destroy(archive->tar);
    return f;
}

static enum fault take(struct exchange *x, const char *message, struct problem *why)
{
    struct archive *archive = arena_alloc(x->arena, sizeof *archive);
    if (!archive)
        return problem_internal(why, "no memory for an archive");
    archive->x = x;
    enum fault f = oxen_repository_open(x, &archive->repository, why);
    if (!f)
        f = receive(archive, why);
    if (!f) {
        struct problem of_rows = PROBLEM_NONE;
        f = store(archive, &of_rows);
        if (f == FAULT_MISSING)
            f = oxen_repository_missing(x, why); /* it was deleted meanwhile */
        else if (f)
            *why = of_rows;
    }
    if (f)
        return f;
    struct text out;
    oxen_reply_begin(&out, message, OXEN_VERSIONED);
    return oxen_reply_end(x, &out, why);
}

/* POST /api/repos/{namespace}/{repo_name}/tree/nodes */
enum fault oxen_archive_nodes(struct exchange *x, struct problem *why)
{
    return take(x, "resource_found", why); /* the recorded word */
}

/* POST /api/repos/{namespace}/{repo_name}/commits/upload */
enum fault oxen_archive_commits(struct exchange *x, struct problem *why)
{
    return take(x, "resource_created", why);
}
