/*
 * coding_zlib.c - gzip, and deflate in both its forms.
 */
#define ZLIB_CONST /* next_in may point to what is not ours to write */

#include "stream/coding_internal.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    GZIP_FIRST = 0x1F,     /* RFC 1952 section 2.3.1: ID1 */
    WINDOW_GZIP = 15 + 16, /* zlib.h, inflateInit2: 32 KiB, the gzip format alone */
    WINDOW_ZLIB = 15,      /* the zlib format */
    WINDOW_RAW = -15,      /* no format around the deflated data */
    ZLIB_METHOD = 8,       /* RFC 1950 section 2.2: CM */
    ZLIB_METHOD_MASK = 0x0F,
    ZLIB_INFO_SHIFT = 4,
    ZLIB_INFO_MAX = 7, /* CINFO: a window of 32 KiB */
    ZLIB_CHECK = 31,   /* FCHECK: the first two bytes are a multiple of it */
    BYTE_BITS = 8,
};

struct zlib_engine {
    z_stream zlib;
    gz_header header; /* its done says that a gzip header was good */
    bool gzip;
};

static void *zlib_create(void)
{
    struct zlib_engine *engine = calloc(1, sizeof *engine);
    if (engine && inflateInit2(&engine->zlib, WINDOW_GZIP) != Z_OK) {
        free(engine);
        return NULL;
    }
    return engine;
}

static void zlib_destroy(void *ctx)
{
    struct zlib_engine *engine = ctx;
    if (engine)
        (void)inflateEnd(&engine->zlib);
    free(engine);
}

/* Nothing to do: a stream that begins forgets the one before it. */
static void zlib_reset(void *ctx)
{
    (void)ctx;
}

static enum fault zlib_begin(struct zlib_engine *engine, int window, struct problem *why)
{
    engine->gzip = window == WINDOW_GZIP;
    memset(&engine->header, 0, sizeof engine->header);
    if (inflateReset2(&engine->zlib, window) != Z_OK)
        return problem_internal(why, "zlib: inflateReset2 failed");
    if (engine->gzip && inflateGetHeader(&engine->zlib, &engine->header) != Z_OK)
        return problem_internal(why, "zlib: inflateGetHeader failed");
    return FAULT_NONE;
}

static enum fault gzip_begin(void *ctx, const struct coding_step *step, bool again,
                             struct problem *why)
{
    if (step->in[0] != GZIP_FIRST)
        return again ? coding_trailing("gzip", why) : coding_bad_header("gzip", why);
    return zlib_begin(ctx, WINDOW_GZIP, why);
}

/* RFC 9110 section 8.4.1.2: deflate is the zlib format, and some send the raw data.  No encoder
 * makes raw data that looks like a zlib header: low bits 000 begin a stored block, whose padding
 * would have to be other than zero. */
static bool looks_like_zlib(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return false;
    const unsigned method = bytes[0] & ZLIB_METHOD_MASK;
    const unsigned info = bytes[0] >> ZLIB_INFO_SHIFT;
    const unsigned both = (unsigned)bytes[0] << BYTE_BITS | bytes[1];
    return method == ZLIB_METHOD && info <= ZLIB_INFO_MAX && both % ZLIB_CHECK == 0;
}

static enum fault deflate_begin(void *ctx, const struct coding_step *step, bool again,
                                struct problem *why)
{
    if (again)
        return coding_trailing("deflate", why);
    return zlib_begin(ctx, looks_like_zlib(step->in, step->in_len) ? WINDOW_ZLIB : WINDOW_RAW, why);
}

/* zlib says which check failed in words alone (inflate.c, states CHECK and LENGTH). */
static enum fault data_error(const struct zlib_engine *engine, struct problem *why)
{
    const char *said = engine->zlib.msg ? engine->zlib.msg : "";
    if (engine->gzip && engine->header.done != 1)
        return coding_bad_header("gzip", why);
    if (strcmp(said, "incorrect data check") == 0 || strcmp(said, "incorrect length check") == 0)
        return coding_bad_checksum(engine->gzip ? "gzip" : "deflate", why);
    return coding_corrupt("deflate", why);
}

static enum fault zlib_step(void *ctx, struct coding_step *step, struct problem *why)
{
    struct zlib_engine *engine = ctx;
    z_stream *zlib = &engine->zlib;
    zlib->next_in = step->in;
    zlib->avail_in = (uInt)step->in_len;
    zlib->next_out = step->out;
    zlib->avail_out = (uInt)step->room;
    const int result = inflate(zlib, Z_NO_FLUSH);
    step->in = zlib->next_in;
    step->in_len = zlib->avail_in;
    step->made = step->room - zlib->avail_out;
    step->ended = result == Z_STREAM_END;
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
        return FAULT_NONE;
    if (result == Z_NEED_DICT)
        return coding_dictionary("deflate", why);
    if (result == Z_DATA_ERROR)
        return data_error(engine, why);
    return problem_internal(why, "zlib: inflate failed with %d", result);
}

const struct coding_engine coding_gzip_engine = {
    true, zlib_create, zlib_destroy, zlib_reset, gzip_begin, zlib_step,
};

const struct coding_engine coding_deflate_engine = {
    false, zlib_create, zlib_destroy, zlib_reset, deflate_begin, zlib_step,
};
