/*
 * reply_blob.c - the part of exchange.h that sends stored contents.
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
};

#define ACCEL_PREFIX "/sluice-blobs/" /* an internal location of nginx.conf */

struct blob_reply {
    struct exchange *x;
    const struct blob_ref *ref;
    const char *content_type;
    const char *etag;
    uint64_t first;
    uint64_t count;
};

static enum fault set_headers(struct exchange *x, const char *etag, const char *content_range,
                              struct problem *why)
{
    if (!content_range)
        return problem_set(why, FAULT_TOO_LARGE, "too large a request");
    exchange_set_header(x, "Accept-Ranges", "bytes");
    if (etag)
        exchange_set_header(x, "ETag", etag);
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
                           ? arena_printf(x->arena, "%s/blobs/%s", state, below)
                           : NULL;
    if (path)
        exchange_set_header(x, "X-Sendfile", path);
    return path;
}

/* Fills chunk with what comes next; a content ends only after all of its bytes. */
static enum fault read_chunk(const struct blob_reply *reply, uint64_t done, unsigned char *chunk,
                             size_t *got, struct problem *why)
{
    const uint64_t left = reply->count - done;
    const size_t want = left < IO_CHUNK ? (size_t)left : IO_CHUNK;
    if (want == 0)
        return FAULT_NONE;
    enum fault f =
        blob_read(reply->x->blobs, reply->ref, reply->first + done, chunk, want, got, why);
    if (!f && *got == 0)
        return problem_internal(why, "a content ended %llu bytes early", (unsigned long long)left);
    return f;
}

/* The first bytes are read before anything is sent, so that a content that has moved can still be
 * looked up again. */
static enum fault send_bytes(const struct blob_reply *reply, int status, const char *content_range,
                             struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    struct exchange *x = reply->x;
    size_t got = 0;
    enum fault f = x->head_only ? FAULT_NONE : read_chunk(reply, 0, chunk, &got, why);
    if (!f)
        f = set_headers(x, reply->etag, content_range, why);
    if (!f)
        f = exchange_stream_begin(x, status, reply->content_type, (int64_t)reply->count, why);
    if (!f && x->head_only)
        return exchange_stream_end(x, why);
    for (uint64_t done = 0; !f && done < reply->count;) {
        f = exchange_write(x, chunk, got, why);
        done += got;
        got = 0;
        struct problem later = PROBLEM_NONE;
        if (!f && read_chunk(reply, done, chunk, &got, &later))
            f = problem_internal(why, "a content broke off while it was sent: %s %s", later.text,
                                 later.detail);
    }
    if (!f)
        f = exchange_stream_end(x, why);
    return f;
}

enum fault exchange_reply_blob(struct exchange *x, const struct blob_ref *ref,
                               const char *content_type, const char *etag, struct problem *why)
{
    const uint64_t size = (uint64_t)ref->bytes;
    struct blob_reply reply = { x, ref, content_type, etag, 0, size };
    struct range range = { .kind = RANGE_WHOLE };

    /* RFC 9110 section 13.2.2: If-None-Match comes before Range; section 14.2: Range is for GET */
    if (etag && etag_listed(exchange_header(x, "If-None-Match"), etag)) {
        exchange_set_header(x, "ETag", etag);
        return exchange_reply_empty(x, STATUS_NOT_MODIFIED, why);
    }
    if (strcmp(x->method, "GET") == 0 && etag_allows_range(exchange_header(x, "If-Range"), etag))
        range = range_parse(exchange_header(x, "Range"), size);

    switch (range.kind) {
    case RANGE_UNSATISFIABLE: {
        enum fault f = set_headers(
            x, etag, arena_printf(x->arena, "bytes */%llu", (unsigned long long)size), why);
        return f ? f : exchange_reply_empty(x, STATUS_UNSATISFIABLE, why);
    }
    case RANGE_PART:
        reply.first = range.first;
        reply.count = range.count;
        return send_bytes(&reply, STATUS_PART,
                          arena_printf(x->arena, "bytes %llu-%llu/%llu",
                                       (unsigned long long)range.first,
                                       (unsigned long long)(range.first + range.count - 1),
                                       (unsigned long long)size),
                          why);
    case RANGE_WHOLE:
        break;
    }
    if (sendfile_header(x, ref)) {
        enum fault f = set_headers(x, etag, "", why);
        return f ? f : exchange_reply(x, STATUS_OK, content_type, "", 0, why);
    }
    return send_bytes(&reply, STATUS_OK, "", why);
}
