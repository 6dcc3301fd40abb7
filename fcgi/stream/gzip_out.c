#include "stream/gzip_out.h"

#include "base/limits.h"

#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    WINDOW_BITS = 15,
    GZIP_FORM = WINDOW_BITS + 16, /* zlib's way to say gzip */
    MEMORY_LEVEL = 8,             /* zlib's default: 256 KiB with this window */
};

struct gzip_out {
    bytes_sink sink;
    void *ctx;
    z_stream stream;
    unsigned char out[IO_CHUNK];
};

enum fault gzip_out_create(bytes_sink sink, void *ctx, struct gzip_out **out, struct problem *why)
{
    struct gzip_out *gzip = calloc(1, sizeof *gzip);
    if (!gzip)
        return problem_internal(why, "out of memory for gzip");
    gzip->sink = sink;
    gzip->ctx = ctx;
    if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_FORM, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(gzip);
        return problem_internal(why, "out of memory for gzip");
    }
    *out = gzip;
    return FAULT_NONE;
}

void gzip_out_destroy(struct gzip_out *gzip)
{
    if (!gzip)
        return;
    (void)deflateEnd(&gzip->stream);
    free(gzip);
}

/* Compresses what the stream's input holds. */
static enum fault drain(struct gzip_out *gzip, int flush, struct problem *why)
{
    enum fault f = FAULT_NONE;
    do {
        gzip->stream.next_out = gzip->out;
        gzip->stream.avail_out = sizeof gzip->out;
        (void)deflate(&gzip->stream, flush); /* fails only when it is misused */
        const size_t made = sizeof gzip->out - gzip->stream.avail_out;
        if (made > 0)
            f = gzip->sink(gzip->ctx, gzip->out, made, why);
    } while (!f && gzip->stream.avail_out == 0);
    return f;
}

enum fault gzip_out_write(struct gzip_out *gzip, const void *bytes, size_t len, struct problem *why)
{
    const unsigned char *from = bytes;
    enum fault f = FAULT_NONE;
    while (len > 0 && !f) {
        const uInt take = len < UINT_MAX ? (uInt)len : UINT_MAX;
        gzip->stream.next_in = from;
        gzip->stream.avail_in = take;
        f = drain(gzip, Z_NO_FLUSH, why);
        from += take;
        len -= take;
    }
    return f;
}

enum fault gzip_out_end(struct gzip_out *gzip, struct problem *why)
{
    return drain(gzip, Z_FINISH, why);
}
