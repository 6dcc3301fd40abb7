/*
 * reply_content.c - the part of exchange.h that sends stored contents.
 */
#include "blob/blob.h"
#include "http/etag.h"
#include "http/exchange.h"
#include "http/range.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    STATUS_OK = 200,
    STATUS_PART = 206,
    STATUS_NOT_MODIFIED = 304,
    STATUS_UNSATISFIABLE = 416,
    WHOLE_PATH_MAX = 64, /* "<worker>/<number>" */
    LOOK_UPS_MAX = 8,    /* of a content that moves each time that it is about to be read */
};

#define ACCEL_PREFIX "/sluice-blobs/" /* an internal location of nginx.conf */

struct content_reply {
    struct exchange *x;
    const struct exchange_content *content;
    const char *etag;
    uint64_t first;
    uint64_t count;
};

static enum fault set_headers(const struct content_reply *reply, const char *content_range,
                              struct problem *why)
{
    struct exchange *x = reply->x;
    if (!content_range)
        return problem_set(why, FAULT_TOO_LARGE, "too large a request");
    exchange_set_header(x, "Accept-Ranges", "bytes");
    if (reply->etag)
        exchange_set_header(x, "ETag", reply->etag);
    if (reply->content->disposition)
        exchange_set_header(x, "Content-Disposition", reply->content->disposition);
    if (content_range[0])
        exchange_set_header(x, "Content-Range", content_range);
    return FAULT_NONE;
}

/* The setting wishes it and the server's configuration must confirm it: one that does not know the
 * header would pass an empty answer on. */
static bool server_can(const struct exchange *x)
{
    const char *said = x->io.param(x->io.ctx, "SLUICE_SENDFILE");
    const char *word = x->config->sendfile == SENDFILE_X_ACCEL ? "x-accel-redirect" : "x-sendfile";
    return x->config->sendfile != SENDFILE_OFF && said && strcmp(said, word) == 0;
}

/* Whether the server might answer with something else than the whole file, by rules of its own. */
static bool is_plain(struct exchange *x)
{
    static const char *const conditions[] = { "Range", "If-Match", "If-Modified-Since",
                                              "If-Unmodified-Since" };
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        if (exchange_header(x, conditions[i]))
            return false;
    }
    return !x->head_only;
}

/* What the web server sends by itself: a whole file that nobody wants a part of. */
static bool sendfile_header(struct exchange *x, const struct blob_ref *ref)
{
    char below[WHOLE_PATH_MAX];
    char state[PATH_MAX];
    if (!server_can(x) || !is_plain(x) || !blob_whole_path(x->blobs, ref, below, sizeof below))
        return false;
    if (x->config->sendfile == SENDFILE_X_ACCEL) {
        const char *location = arena_printf(x->arena, ACCEL_PREFIX "%s", below);
        if (location)
            exchange_set_header(x, "X-Accel-Redirect", location);
        return location;
    }
    const char *path = realpath(x->config->state, state)
                           ? arena_printf(x->arena, "%s/" BLOB_FOLDER "/%s", state, below)
                           : NULL;
    if (path)
        exchange_set_header(x, "X-Sendfile", path);
    return path;
}

/* The first bytes are read before anything is sent, so that a content that has moved can still be
 * looked up again, and a damaged one that was not sent in part is answered as what it is. */
static enum fault send_bytes(const struct content_reply *reply, int status,
                             const char *content_range, struct problem *why)
{
    struct exchange *x = reply->x;
    struct blob_reading reading;
    const void *piece = NULL;
    size_t len = 0;
    enum fault f = blob_reading_begin(&reading, x->blobs, &reply->content->ref, reply->first,
                                      reply->count, why);
    if (!f && !x->head_only)
        f = blob_reading_next(&reading, &piece, &len, why);
    if (!f)
        f = set_headers(reply, content_range, why);
    if (!f)
        f = exchange_stream_begin(x, status, reply->content->content_type, (int64_t)reply->count,
                                  why);
    while (!f && len > 0) {
        f = exchange_write(x, piece, len, why);
        if (!f)
            f = blob_reading_next(&reading, &piece, &len, why);
    }
    if (!f)
        f = exchange_stream_end(x, why);
    return f;
}

static enum fault reply_part(struct content_reply *reply, const struct range *range,
                             struct problem *why)
{
    const uint64_t size = (uint64_t)reply->content->ref.bytes;
    reply->first = range->first;
    reply->count = range->count;
    return send_bytes(reply, STATUS_PART,
                      arena_printf(reply->x->arena, "bytes %llu-%llu/%llu",
                                   (unsigned long long)range->first,
                                   (unsigned long long)(range->first + range->count - 1),
                                   (unsigned long long)size),
                      why);
}

static enum fault reply_unsatisfiable(const struct content_reply *reply, struct problem *why)
{
    const enum fault f = set_headers(
        reply, arena_printf(reply->x->arena, "bytes */%lld", (long long)reply->content->ref.bytes),
        why);
    return f ? f : exchange_reply_empty(reply->x, STATUS_UNSATISFIABLE, why);
}

static enum fault reply_whole(const struct content_reply *reply, struct problem *why)
{
    struct exchange *x = reply->x;
    if (!sendfile_header(x, &reply->content->ref))
        return send_bytes(reply, STATUS_OK, "", why);
    const enum fault f = set_headers(reply, "", why);
    return f ? f : exchange_reply(x, STATUS_OK, reply->content->content_type, "", 0, why);
}

/* Of the digest, where the surface has no better one: it changes when the bytes do, and only then. */
static const char *etag_of(struct exchange *x, const struct exchange_content *content)
{
    static const uint8_t unknown[BLOB_DIGEST_BYTES];
    char digits[2 * BLOB_DIGEST_BYTES + 1];
    if (content->etag || memcmp(content->ref.digest, unknown, sizeof unknown) == 0)
        return content->etag;
    text_hex(content->ref.digest, sizeof content->ref.digest, digits);
    return arena_printf(x->arena, "\"%s\"", digits);
}

static enum fault reply_found(struct exchange *x, const struct exchange_content *content,
                              struct problem *why)
{
    const uint64_t size = (uint64_t)content->ref.bytes;
    const char *etag = etag_of(x, content);
    struct content_reply reply = { x, content, etag, 0, size };
    struct range range = { .kind = RANGE_WHOLE };

    /* RFC 9110 section 13.2.2: If-Match, If-None-Match, Range; section 14.2: Range is for GET.  The
     * conditions that name a date do not count, for contents have none (sections 13.1.3 and 13.1.4). */
    if (!etag_allows(exchange_header(x, "If-Match"), etag))
        return problem_set(why, FAULT_PRECONDITION, "the content is not the one of If-Match");
    if (etag && etag_listed(exchange_header(x, "If-None-Match"), etag)) {
        exchange_set_header(x, "ETag", etag);
        return exchange_reply_empty(x, STATUS_NOT_MODIFIED, why);
    }
    if (strcmp(x->method, "GET") == 0 && etag_allows_range(exchange_header(x, "If-Range"), etag))
        range = range_parse(exchange_header(x, "Range"), size);
    switch (range.kind) {
    case RANGE_UNSATISFIABLE:
        return reply_unsatisfiable(&reply, why);
    case RANGE_PART:
        return reply_part(&reply, &range, why);
    case RANGE_WHOLE:
        break;
    }
    return reply_whole(&reply, why);
}

static bool same_place(const struct blob_ref *a, const struct blob_ref *b)
{
    return a->file == b->file && a->start == b->start;
}

/* A row that still says the same place names bytes that are not there. */
enum fault exchange_reply_content(struct exchange *x, exchange_look_up look_up, void *ctx,
                                  struct problem *why)
{
    struct blob_ref before = { 0 };
    for (int tries = 0; tries < LOOK_UPS_MAX; tries++) {
        struct exchange_content content = { .etag = NULL };
        struct problem of_try = PROBLEM_NONE;
        enum fault f = look_up(x, ctx, &content, why);
        if (f)
            return f;
        if (tries > 0 && same_place(&before, &content.ref))
            break;
        f = reply_found(x, &content, &of_try);
        if (f != FAULT_GONE) {
            if (f)
                *why = of_try;
            return f;
        }
        before = content.ref;
    }
    return problem_damaged(why, "blob file %llx is gone", (unsigned long long)before.file);
}
