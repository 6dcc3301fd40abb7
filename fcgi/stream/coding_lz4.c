/*
 * coding_lz4.c - LZ4 frames (LZ4 Frame Format Description 1.6), for archives: no HTTP coding.
 */
#include "stream/coding_internal.h"

#include <lz4frame.h>
#include <string.h>

enum {
    FRAME_FIRST = 0x04,     /* of the magic number 0x184D2204 */
    SKIPPABLE_FIRST = 0x50, /* 0x50 to 0x5F for a skippable frame */
    SKIPPABLE_MASK = 0xF0,
};

static void lz4_destroy(void *ctx)
{
    (void)LZ4F_freeDecompressionContext(ctx);
}

static void *lz4_create(void)
{
    LZ4F_dctx *lz4 = NULL;
    return LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)) ? NULL : lz4;
}

static void lz4_reset(void *ctx)
{
    LZ4F_resetDecompressionContext(ctx);
}

static enum fault lz4_begin(void *ctx, const struct coding_step *step, bool again,
                            struct problem *why)
{
    const uint8_t first = step->in[0];
    (void)ctx;
    if (first == FRAME_FIRST || (first & SKIPPABLE_MASK) == SKIPPABLE_FIRST)
        return FAULT_NONE;
    return again ? coding_trailing("lz4", why) : coding_bad_header("lz4", why);
}

/* The library tells its errors apart by name alone. */
static enum fault lz4_error(size_t result, struct problem *why)
{
    static const char *const sums[] = { "ERROR_contentChecksum_invalid",
                                        "ERROR_blockChecksum_invalid" };
    static const char *const headers[] = { "ERROR_frameType_unknown", "ERROR_headerVersion_wrong",
                                           "ERROR_headerChecksum_invalid", "ERROR_reservedFlag_set",
                                           "ERROR_maxBlockSize_invalid" };
    const char *name = LZ4F_getErrorName(result);
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        if (strcmp(name, sums[i]) == 0)
            return coding_bad_checksum("lz4", why);
    }
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (strcmp(name, headers[i]) == 0)
            return coding_bad_header("lz4", why);
    }
    if (strcmp(name, "ERROR_allocation_failed") == 0)
        return problem_internal(why, "lz4: %s", name);
    return coding_corrupt("lz4", why);
}

static enum fault lz4_step(void *ctx, struct coding_step *step, struct problem *why)
{
    size_t read = step->in_len;
    size_t made = step->room;
    const size_t result = LZ4F_decompress(ctx, step->out, &made, step->in, &read, NULL);
    if (LZ4F_isError(result))
        return lz4_error(result, why);
    step->in += read;
    step->in_len -= read;
    step->made = made;
    step->ended = result == 0;
    return FAULT_NONE;
}

const struct coding_engine coding_lz4_engine = {
    true, lz4_create, lz4_destroy, lz4_reset, lz4_begin, lz4_step,
};
