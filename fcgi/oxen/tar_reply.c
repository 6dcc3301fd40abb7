#include "oxen/tar_reply.h"

#include "blob/blob.h"
#include "stream/gzip_out.h"
#include "stream/tar_out.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOOK_UPS_MAX = 3 }; /* of a content that moves while it is read */

enum fault oxen_tar_reply_begin(struct oxen_tar_reply *reply, struct exchange *x,
                                struct problem *why)
{
    enum { OK = 200 };
    *reply = (struct oxen_tar_reply){ x, NULL };
    const enum fault f = gzip_out_create(exchange_write, x, &reply->gzip, why);
    return f ? f : exchange_stream_begin(x, OK, "application/gzip", -1, why);
}

/* Begins to read a content, looked up again when it has moved.  The first piece is read by then, so
 * that a small content is compared before its header goes out. */
static enum fault open_content(const struct oxen_tar_reply *reply, struct blob_ref ref,
                               const struct oxen_tar_source *source, struct blob_reading *reading,
                               const void **piece, size_t *len, struct problem *why)
{
    enum fault f = FAULT_GONE;
    bool found = true;
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE && found; tries++) {
        struct problem of_try = PROBLEM_NONE;
        f = tries > 0 ? source->look_up(source->ctx, &ref, &found, &of_try) : FAULT_NONE;
        if (!f)
            f = blob_reading_begin(reading, reply->x->blobs, &ref, 0, (uint64_t)ref.bytes, &of_try);
        if (!f)
            f = blob_reading_next(reading, piece, len, &of_try);
        if (f && f != FAULT_GONE)
            *why = of_try;
    }
    return f == FAULT_GONE ? problem_damaged(why, "the file of a content is gone") : f;
}

enum fault oxen_tar_reply_file(struct oxen_tar_reply *reply, const char *name,
                               const struct blob_ref *ref, const struct oxen_tar_source *source,
                               struct problem *why)
{
    static const uint8_t zeros[TAR_OUT_BLOCK];
    uint8_t header[TAR_OUT_BLOCK];
    struct blob_reading reading = { .at = 0 };
    const void *piece = NULL;
    size_t len = 0;
    enum fault f = open_content(reply, *ref, source, &reading, &piece, &len, why);
    if (!f && !tar_out_header(name, (uint64_t)ref->bytes, header))
        f = problem_internal(why, "a name too long for tar");
    if (!f)
        f = gzip_out_write(reply->gzip, header, sizeof header, why);
    while (!f && len > 0) {
        f = gzip_out_write(reply->gzip, piece, len, why);
        if (!f)
            f = blob_reading_next(&reading, &piece, &len, why);
    }
    if (!f)
        f = gzip_out_write(reply->gzip, zeros, tar_out_padding((uint64_t)ref->bytes), why);
    return f;
}

enum fault oxen_tar_reply_end(struct oxen_tar_reply *reply, struct problem *why)
{
    static const uint8_t end[TAR_OUT_END];
    enum fault f = gzip_out_write(reply->gzip, end, sizeof end, why);
    if (!f)
        f = gzip_out_end(reply->gzip, why);
    return f ? f : exchange_stream_end(reply->x, why);
}

void oxen_tar_reply_close(struct oxen_tar_reply *reply)
{
    gzip_out_destroy(reply->gzip);
    reply->gzip = NULL;
}
