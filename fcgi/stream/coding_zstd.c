/*
 * coding_zstd.c - zstd (RFC 8878), by libzstd.
 */
#include "stream/coding_internal.h"

#include <zstd.h>
#include <zstd_errors.h>

static bool open_zstd(struct decoder *decoder)
{
    decoder->library = ZSTD_createDCtx();
    return decoder->library && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                   decoder->library, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
}

static void close_zstd(struct decoder *decoder)
{
    (void)ZSTD_freeDCtx(decoder->library);
    decoder->library = NULL;
}

static bool reset_zstd(struct decoder *decoder)
{
    return !ZSTD_isError(ZSTD_DCtx_reset(decoder->library, ZSTD_reset_session_only));
}

/* between: the last frame had ended before the bytes that failed. */
static enum fault zstd_fault(const struct decoder *decoder, size_t result, bool between,
                             struct problem *why)
{
    const ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return problem_code(why, FAULT_UNPROCESSABLE, CODING_WINDOW,
                            "the zstd window is larger than %d MiB",
                            (1 << ZSTD_WINDOW_LOG_MAX) / MIB);
    if (code == ZSTD_error_memory_allocation)
        return problem_internal(why, "out of memory in libzstd");
    if (code == ZSTD_error_checksum_wrong)
        return decoder_bad_checksum(decoder, why);
    if (code == ZSTD_error_prefix_unknown)
        return between ? decoder_trailing(decoder, why) : decoder_bad_header(decoder, why);
    return decoder_corrupt(decoder, why);
}

static enum fault feed_zstd(struct decoder *decoder, const unsigned char *bytes, size_t len,
                            struct problem *why)
{
    ZSTD_inBuffer in = { .src = bytes, .size = len };
    enum fault f = FAULT_NONE;
    bool full = false;
    bool after_frame = decoder->head_len > 0; /* a frame has ended in an earlier piece */
    while (!f && (in.pos < in.size || full)) {
        ZSTD_outBuffer out = { .dst = decoder->out, .size = sizeof decoder->out };
        const size_t result = ZSTD_decompressStream(decoder->library, &out, &in);
        if (ZSTD_isError(result))
            return zstd_fault(decoder, result, after_frame, why);
        full = out.pos == out.size && result != 0;
        decoder->state = result == 0 ? DECODER_BETWEEN : DECODER_INSIDE;
        if (result == 0) {
            after_frame = true;
            decoder->head_len = 1;
        }
        f = decoder_emit(decoder, out.pos, why);
    }
    return f;
}

const struct codec codec_zstd = { open_zstd, close_zstd, reset_zstd, feed_zstd };
