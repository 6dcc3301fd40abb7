/*
 * coding_zstd.c - Zstandard (RFC 8878).
 */
#include "stream/coding_internal.h"

#include "base/limits.h"

#include <zstd.h>
#include <zstd_errors.h>

enum {
    FRAME_FIRST = 0x28,     /* RFC 8878 section 3.1.1: the magic number's first byte */
    SKIPPABLE_FIRST = 0x50, /* section 3.1.2: 0x50 to 0x5F for a skippable frame */
    SKIPPABLE_MASK = 0xF0,
    ZSTD_WINDOW_BYTES = 1 << ZSTD_WINDOW_LOG_MAX,
};

static void zstd_destroy(void *ctx)
{
    (void)ZSTD_freeDCtx(ctx);
}

static void *zstd_create(void)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (zstd &&
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
        zstd_destroy(zstd);
        return NULL;
    }
    return zstd;
}

static void zstd_reset(void *ctx)
{
    (void)ZSTD_DCtx_reset(ctx, ZSTD_reset_session_only);
}

/* The library may read the formats of its early versions, too; their magic numbers begin otherwise
 * and are stopped here. */
static enum fault zstd_begin(void *ctx, const struct coding_step *step, bool again,
                             struct problem *why)
{
    const uint8_t first = step->in[0];
    (void)ctx;
    if (first == FRAME_FIRST || (first & SKIPPABLE_MASK) == SKIPPABLE_FIRST)
        return FAULT_NONE;
    return again ? coding_trailing("zstd", why) : coding_bad_header("zstd", why);
}

static enum fault zstd_error(size_t result, struct problem *why)
{
    const ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return coding_window("zstd", (int)(ZSTD_WINDOW_BYTES / MIB), why);
    if (code == ZSTD_error_dictionary_wrong)
        return coding_dictionary("zstd", why);
    if (code == ZSTD_error_checksum_wrong)
        return coding_bad_checksum("zstd", why);
    if (code == ZSTD_error_memory_allocation)
        return problem_internal(why, "zstd: %s", ZSTD_getErrorName(result));
    const bool header =
        code == ZSTD_error_prefix_unknown || code == ZSTD_error_frameParameter_unsupported;
    return header ? coding_bad_header("zstd", why) : coding_corrupt("zstd", why);
}

static enum fault zstd_step(void *ctx, struct coding_step *step, struct problem *why)
{
    ZSTD_inBuffer in = { step->in, step->in_len, 0 };
    ZSTD_outBuffer out = { step->out, step->room, 0 };
    const size_t result = ZSTD_decompressStream(ctx, &out, &in);
    step->in += in.pos;
    step->in_len -= in.pos;
    step->made = out.pos;
    step->ended = result == 0;
    return ZSTD_isError(result) ? zstd_error(result, why) : FAULT_NONE;
}

const struct coding_engine coding_zstd_engine = {
    false, zstd_create, zstd_destroy, zstd_reset, zstd_begin, zstd_step,
};
