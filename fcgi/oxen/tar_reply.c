#include "oxen/tar_reply.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "stream/gzip_out.h"
#include "stream/tar_out.h"

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

/* The last look-up has found a row whose bytes are not there: not that of a content that moves. */
static enum fault lost(struct problem *why)
{
    return problem_internal(why, "the bytes of a content are gone");
}

static enum fault look_up(const struct oxen_tar_source *source, struct blob_ref *ref,
                          struct problem *why)
{
    bool found = false;
    const enum fault f = source->look_up(source->ctx, ref, &found, why);
    return f || found ? f : lost(why);
}

/* One piece of a content, looked up again when it has moved. */
static enum fault read_piece(const struct oxen_tar_reply *reply, struct blob_ref *ref,
                             const struct oxen_tar_source *source, uint64_t at,
                             unsigned char chunk[IO_CHUNK], size_t *got, struct problem *why)
{
    enum fault f = FAULT_GONE;
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        struct problem of_try = PROBLEM_NONE;
        f = tries > 0 ? look_up(source, ref, &of_try) : FAULT_NONE;
        if (!f)
            f = blob_read(reply->x->blobs, ref, at, chunk, IO_CHUNK, got, &of_try);
        if (f && f != FAULT_GONE)
            *why = of_try;
    }
    return f == FAULT_GONE ? lost(why) : f;
}

enum fault oxen_tar_reply_file(struct oxen_tar_reply *reply, const char *name,
                               const struct blob_ref *ref, const struct oxen_tar_source *source,
                               struct problem *why)
{
    static const uint8_t zeros[TAR_OUT_BLOCK];
    unsigned char chunk[IO_CHUNK];
    uint8_t header[TAR_OUT_BLOCK];
    struct blob_ref at = *ref;
    if (!tar_out_header(name, (uint64_t)ref->bytes, header))
        return problem_internal(why, "a name too long for tar");
    enum fault f = gzip_out_write(reply->gzip, header, sizeof header, why);
    for (uint64_t done = 0; done < (uint64_t)ref->bytes && !f;) {
        size_t got = 0;
        f = read_piece(reply, &at, source, done, chunk, &got, why);
        if (!f)
            f = gzip_out_write(reply->gzip, chunk, got, why);
        done += got;
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
