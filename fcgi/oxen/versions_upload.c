/*
 * versions_upload.c - POST /api/repos/{namespace}/{repo_name}/versions
 *
 * Each part is a file whose filename is its hash.  Every byte is hashed, also of contents that are
 * stored already; a file that fails is named in the answer and does not spoil the others.  Bytes
 * are flushed once a request, then rows are written in short transactions, then all of them are
 * made durable at once.  When the request itself breaks, the files that were complete and verified
 * before are stored all the same: they are named by what they hold, so a retry finds them.
 */
#include "oxen/versions.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store.h"
#include "oxen/batch.h"
#include "oxen/hash.h"
#include "oxen/reply.h"
#include "oxen/repository.h"
#include "oxen/request.h"
#include "oxen/tray.h"
#include "stream/coding.h"
#include "stream/digest.h"
#include "json/json.h"

#include <stdbool.h>
#include <string.h>

#define BUSY_TEXT "Failed to store version: the repository is busy, try again"
#define LOST_TEXT "Failed to store version: it was removed meanwhile, try again"

enum { FILE_ERROR_MAX = 2 * PROBLEM_TEXT_MAX }; /* bytes of one file's error */

enum part_state {
    PART_OTHER, /* a field that is no file: passed over */
    PART_AGAIN, /* a file that this upload has brought before: verified, not written */
    PART_SMALL, /* a file that waits in the tray */
    PART_LARGE, /* a file that is being written */
    PART_KNOWN, /* a large file that is here, compared with what is here: not written */
    PART_FAILED /* a file whose failure stands in file_why */
};

struct upload {
    struct exchange *x;
    struct oxen_repository repository;
    struct oxen_batch *batch;
    struct oxen_tray *tray;
    struct digest *digest;
    struct decoder *gunzip; /* NULL until a part needs it */
    uint64_t gunzipped;     /* bytes of all zipped parts so far */
    struct text errors;     /* members of err_files */

    /* the part in hand */
    enum part_state part;
    bool zipped;
    struct text name; /* as sent */
    struct oxen_hash hash;
    struct blob_writer *writer; /* while PART_LARGE */
    bool renews;                /* while PART_LARGE: it is here by its row, but its bytes are not */
    struct blob_ref known;      /* while PART_KNOWN: what is here */
    uint64_t same;              /* bytes of it that are those that came */
    struct problem file_why;    /* this file's failure, not the request's */
    bool bad_gzip;              /* it is one of gunzipping */
};

/* ---- one file ---- */

/* Begins to write the file in hand. */
static enum fault begin(struct upload *up, bool renews, struct problem *why)
{
    up->part = PART_LARGE;
    up->renews = renews;
    return blob_begin(up->x->blobs, INT64_MAX, &up->writer, why);
}

/* What is here is not what came: what was the same up to now is written, too. */
static enum fault part_ways(struct upload *up, struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    struct problem of_known = PROBLEM_NONE;
    enum fault f = begin(up, true, why);
    for (uint64_t at = 0; at < up->same && !f;) {
        const uint64_t left = up->same - at;
        size_t got = 0;
        const size_t want = left < sizeof chunk ? (size_t)left : sizeof chunk;
        if (blob_read(up->x->blobs, &up->known, at, chunk, want, &got, &of_known))
            return problem_set(why, FAULT_UNPROCESSABLE, "%s", LOST_TEXT);
        f = blob_write(up->writer, chunk, got, why);
        at += got;
    }
    return f;
}

/* Compares what comes with what is here.  *taken: bytes of it that are the same; what is behind them
 * is to be written. */
static enum fault compare(struct upload *up, const unsigned char *bytes, size_t len, size_t *taken,
                          struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    struct problem of_known = PROBLEM_NONE;
    for (*taken = 0; *taken < len;) {
        const size_t left = len - *taken;
        const size_t want = left < sizeof chunk ? left : sizeof chunk;
        size_t got = 0;
        if (blob_read(up->x->blobs, &up->known, up->same, chunk, want, &got, &of_known) ||
            got == 0 || memcmp(chunk, bytes + *taken, got) != 0)
            return part_ways(up, why);
        up->same += got;
        *taken += got;
    }
    return FAULT_NONE;
}

/* Bytes of a file that has outgrown the tray. */
static enum fault take_large(struct upload *up, const unsigned char *bytes, size_t len,
                             struct problem *why)
{
    size_t taken = 0;
    enum fault f = FAULT_NONE;
    if (up->part == PART_KNOWN)
        f = compare(up, bytes, len, &taken, why);
    if (!f && up->part == PART_LARGE)
        f = blob_write(up->writer, bytes + taken, len - taken, why);
    return f;
}

/* The file is too large to wait in the tray: unless it is here already it gets a file of its own. */
static enum fault grow(struct upload *up, struct problem *why)
{
    bool known = false;
    size_t len = 0;
    enum fault f = oxen_store_version_find(up->x->db, up->repository.id, up->hash.bytes, &up->known,
                                           &known, why);
    if (f)
        return f;
    up->part = PART_KNOWN;
    up->same = 0;
    if (!known)
        f = begin(up, false, why);
    const void *held = oxen_tray_held(up->tray, &len);
    if (!f)
        f = take_large(up, held, len, why);
    oxen_tray_discard(up->tray);
    return f;
}

/* Decoded bytes of the part in hand. */
static enum fault take_bytes(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct upload *up = ctx;
    bool fits = true;
    enum fault f = FAULT_NONE;
    digest_add(up->digest, bytes, len);
    up->gunzipped += up->zipped ? len : 0;
    if (up->zipped)
        f = oxen_request_gunzipped(up->x, up->gunzipped, why);
    if (!f && up->part == PART_SMALL)
        f = oxen_tray_write(up->tray, bytes, len, &fits, why);
    if (!f && !fits)
        f = grow(up, why);
    return f ? f : take_large(up, bytes, len, why);
}

/* Forgets the bytes of the part in hand. */
static void forget_part(struct upload *up)
{
    oxen_tray_discard(up->tray);
    blob_discard(up->writer);
    up->writer = NULL;
}

/* Whether a fault is the file's own, so that the others of the batch go on. */
static bool is_of_file(enum fault f)
{
    return f == FAULT_MALFORMED || f == FAULT_UNPROCESSABLE || f == FAULT_TOO_LARGE;
}

/* Ends the part in hand as failed, or the request when the fault is not the file's. */
static enum fault fail(struct upload *up, struct problem *why)
{
    forget_part(up);
    up->part = PART_FAILED;
    if (is_of_file(up->file_why.fault))
        return FAULT_NONE;
    *why = up->file_why;
    return why->fault;
}

static enum fault add_error(struct upload *up, const char *name, size_t name_len, const char *error,
                            struct problem *why)
{
    struct text *out = &up->errors;
    if (out->len > 0)
        text_addc(out, ',');
    text_adds(out, "{\"hash\":");
    json_quote(out, name, name_len);
    oxen_reply_text(out, "path", NULL);
    oxen_reply_text(out, "error", error);
    text_addc(out, '}');
    if (text_failed(out))
        return problem_set(why, FAULT_TOO_LARGE, "too many files of the request failed");
    return FAULT_NONE;
}

/* The decoder's texts are the words of Oxen's own gunzip. */
static void add_gunzip_words(const struct problem *of_file, struct text *out)
{
    const bool past_limit = of_file->code && strcmp(of_file->code, CODING_TOO_LARGE) == 0;
    text_addf(out, "Failed to decompress version: %s%s",
              past_limit ? "" : "Failed to decompress gzipped data: ", of_file->text);
}

/* Reports the part in hand. */
static enum fault report(struct upload *up, struct problem *why)
{
    struct text error;
    text_init(&error, FILE_ERROR_MAX);
    if (up->bad_gzip)
        add_gunzip_words(&up->file_why, &error);
    else
        text_addf(&error, "Failed to store version: %s", up->file_why.text);
    const enum fault f =
        add_error(up, text_string(&up->name), up->name.len, text_string(&error), why);
    text_release(&error);
    return f;
}

/* ---- events of the multipart parser ---- */

/* application/gzip in any case, whatever its parameters; application/x-gzip is not. */
static bool is_gzip(const char *content_type)
{
    static const char gzip[] = "application/gzip";
    if (!content_type || strncasecmp(content_type, gzip, sizeof gzip - 1) != 0)
        return false;
    const char after = content_type[sizeof gzip - 1];
    return after == '\0' || after == ';' || after == ' ' || after == '\t';
}

/* multipart/ANYTHING: a part that holds parts. */
static bool is_nested(const char *content_type)
{
    static const char multipart[] = "multipart/";
    return content_type && strncasecmp(content_type, multipart, sizeof multipart - 1) == 0;
}

static enum fault gunzip_ready(struct upload *up, struct problem *why)
{
    if (up->gunzip) {
        decoder_reset(up->gunzip);
        return FAULT_NONE;
    }
    return decoder_create(CODING_GZIP, (uint64_t)up->x->config->version_decoded_max, take_bytes, up,
                          &up->gunzip, why);
}

static enum fault file_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct upload *up = ctx;
    up->part = PART_OTHER;
    if (is_nested(head->content_type))
        return problem_set(why, FAULT_MALFORMED, "Nested multipart is not supported");
    if (!head->name || (strcmp(head->name, "file[]") != 0 && strcmp(head->name, "file") != 0))
        return FAULT_NONE;
    if (!head->filename)
        return problem_set(why, FAULT_MALFORMED, "Missing hash in multipart request");

    up->file_why = PROBLEM_NONE;
    up->bad_gzip = false;
    text_clear(&up->name);
    text_adds(&up->name, head->filename);
    digest_reset(up->digest);
    up->zipped = is_gzip(head->content_type);
    if (oxen_hash_parse(head->filename, &up->hash, &up->file_why))
        return fail(up, why);
    up->part = oxen_batch_holds(up->batch, &up->hash) ? PART_AGAIN : PART_SMALL;
    return up->zipped ? gunzip_ready(up, why) : FAULT_NONE;
}

static enum fault file_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct upload *up = ctx;
    if (up->part == PART_OTHER || up->part == PART_FAILED)
        return FAULT_NONE; /* the stream goes on behind a bad file */
    const enum fault f = up->zipped ? decoder_feed(up->gunzip, bytes, len, &up->file_why)
                                    : take_bytes(up, bytes, len, &up->file_why);
    up->bad_gzip = up->zipped && f;
    return f ? fail(up, why) : FAULT_NONE;
}

static enum fault verify(struct upload *up, struct problem *why)
{
    uint64_t high = 0;
    uint64_t low = 0;
    digest_xxh3(up->digest, &high, &low);
    const struct oxen_hash got = oxen_hash_of(high, low);
    if (oxen_hash_same(&got, &up->hash))
        return FAULT_NONE;
    char expected_text[OXEN_HASH_TEXT_MAX];
    char got_text[OXEN_HASH_TEXT_MAX];
    oxen_hash_text(&up->hash, expected_text);
    oxen_hash_text(&got, got_text);
    return problem_set(why, FAULT_UNPROCESSABLE, "Hash mismatch: expected %s, got %s",
                       expected_text, got_text);
}

/* Ends a large file that was being written. */
static enum fault seal(struct upload *up, struct oxen_version *version, struct problem *why)
{
    struct blob_ref ref = { 0 };
    struct blob_writer *writer = up->writer;
    up->writer = NULL;
    const enum fault f = blob_seal(writer, &ref, why);
    if (f)
        return f;
    oxen_version_place(version, &ref);
    version->state = up->renews ? OXEN_VERSION_RENEWED : OXEN_VERSION_FRESH;
    return FAULT_NONE;
}

/* Puts the verified file into the batch; its bytes are flushed with those of the others. */
static enum fault keep(struct upload *up, struct problem *why)
{
    struct oxen_version version = { .state = OXEN_VERSION_ABSENT };
    enum fault f = FAULT_NONE;
    memcpy(version.hash, up->hash.bytes, sizeof version.hash);
    if (up->part == PART_KNOWN && up->same != (uint64_t)up->known.bytes)
        f = part_ways(up, why); /* the row says more than came */
    if (up->part == PART_KNOWN || up->part == PART_AGAIN)
        version.state = OXEN_VERSION_KNOWN;
    if (!f && up->part == PART_LARGE)
        f = seal(up, &version, why);
    if (f)
        return f;
    struct oxen_version *added = oxen_batch_add(up->batch, &version, text_string(&up->name));
    if (!added)
        return problem_set(why, FAULT_TOO_LARGE, "too many files in one request");
    return up->part == PART_SMALL ? oxen_tray_keep(up->tray, added, why) : FAULT_NONE;
}

static enum fault file_end(void *ctx, struct problem *why)
{
    struct upload *up = ctx;
    if (up->part == PART_OTHER)
        return FAULT_NONE;
    if (up->part == PART_FAILED)
        return report(up, why);
    enum fault f = up->zipped ? decoder_end(up->gunzip, &up->file_why) : FAULT_NONE;
    up->bad_gzip = f != FAULT_NONE;
    if (!f)
        f = verify(up, &up->file_why);
    if (!f)
        return keep(up, why);
    f = fail(up, why);
    return f ? f : report(up, why);
}

/* ---- rows ---- */

/* Reports the files of a piece that are not stored after all; error NULL: those that are LOST. */
static enum fault report_piece(struct upload *up, size_t piece, const char *error,
                               struct problem *why)
{
    size_t count = 0;
    const struct oxen_version *versions = oxen_batch_piece(up->batch, piece, &count);
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++) {
        char canonical[OXEN_HASH_TEXT_MAX];
        const char *name = oxen_batch_name(up->batch, piece, i, canonical);
        if (error || versions[i].state == OXEN_VERSION_LOST)
            f = add_error(up, name, strlen(name), error ? error : LOST_TEXT, why);
    }
    return f;
}

static enum fault name_piece(struct upload *up, size_t piece, bool *busy, struct problem *why)
{
    size_t count = 0;
    struct oxen_version *versions = oxen_batch_piece(up->batch, piece, &count);
    struct problem of_piece = PROBLEM_NONE;
    if (*busy) /* one wait for the lock is enough */
        return report_piece(up, piece, BUSY_TEXT, why);
    const enum fault f =
        oxen_store_versions_add(up->x->db, up->repository.id, versions, count, &of_piece);
    *busy = f == FAULT_BUSY;
    if (*busy)
        return report_piece(up, piece, BUSY_TEXT, why);
    if (f == FAULT_MISSING)
        return oxen_repository_missing(up->x, why);
    if (f)
        *why = of_piece;
    return f ? f : report_piece(up, piece, NULL, why);
}

/* Bytes first, then rows, then everything durable. */
static enum fault store(struct upload *up, struct problem *why)
{
    bool busy = false;
    enum fault f = oxen_tray_pour(up->tray, why);
    if (!f)
        f = blob_flush(up->x->blobs, why);
    for (size_t piece = 0; piece < oxen_batch_pieces(up->batch) && !f; piece++)
        f = name_piece(up, piece, &busy, why);
    return f;
}

/* ---- the request ---- */

static enum fault open_upload(struct upload *up, struct problem *why)
{
    const struct oxen_hash_seed seed = oxen_hash_seed_of(up->x->random);
    text_init(&up->errors, OXEN_ERRORS_MAX);
    text_init(&up->name, MULTIPART_HEADER_BYTES_MAX);
    up->batch = oxen_batch_create(up->x->arena, &seed);
    up->tray = oxen_tray_create(up->x->db, up->x->blobs, up->repository.id);
    up->digest = digest_create(DIGEST_XXH3);
    if (!up->batch || !up->tray || !up->digest)
        return problem_internal(why, "no memory for an upload");
    return FAULT_NONE;
}

static void close_upload(struct upload *up)
{
    blob_discard(up->writer);
    decoder_destroy(up->gunzip);
    digest_destroy(up->digest);
    oxen_tray_destroy(up->tray);
    text_release(&up->name);
    text_release(&up->errors);
}

/* Whether what was complete before the fault is worth storing: not when storing is what failed. */
static bool is_of_client(enum fault f)
{
    return f != FAULT_STORAGE_FULL && f != FAULT_INTERNAL && f != FAULT_UNAVAILABLE;
}

static enum fault receive(struct upload *up, struct problem *why)
{
    static const struct multipart_sink sink = { file_begin, file_body, file_end };
    struct problem beside = PROBLEM_NONE;
    const enum fault f = exchange_multipart(up->x, &sink, up, why);
    forget_part(up); /* the stream broke inside it */
    if (!f)
        return store(up, why);
    if (is_of_client(f)) {
        const enum fault unanswered = store(up, &beside); /* nothing of it is promised */
        (void)unanswered;
    }
    return f;
}

static enum fault reply(struct upload *up, struct problem *why)
{
    struct text out;
    oxen_reply_begin(&out, "resource_created", OXEN_VERSIONED);
    oxen_reply_key(&out, "err_files");
    text_addc(&out, '[');
    text_add(&out, text_string(&up->errors), up->errors.len);
    text_addc(&out, ']');
    return oxen_reply_end(up->x, &out, why);
}

enum fault oxen_versions_upload(struct exchange *x, struct problem *why)
{
    struct upload up = { .x = x };
    enum fault f = oxen_repository_open(x, &up.repository, why);
    if (f)
        return f;
    f = open_upload(&up, why);
    if (!f)
        f = receive(&up, why);
    if (!f)
        f = reply(&up, why);
    close_upload(&up);
    return f;
}
