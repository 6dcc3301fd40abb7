/*
 * coding_br.c - br (RFC 7932), by libbrotlidec.
 */
#include "stream/coding_internal.h"

#include <brotli/decode.h>

/* Large windows stay off, as they are by default: 16 MiB is the most of RFC 7932. */
static bool open_br(struct decoder *decoder)
{
    decoder->library = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    return decoder->library &&
           BrotliDecoderSetParameter(decoder->library, BROTLI_DECODER_PARAM_LARGE_WINDOW, 0);
}

static void close_br(struct decoder *decoder)
{
    if (decoder->library)
        BrotliDecoderDestroyInstance(decoder->library);
    decoder->library = NULL;
}

/* The library has no reset: it is made anew. */
static bool reset_br(struct decoder *decoder)
{
    close_br(decoder);
    return open_br(decoder);
}

static enum fault feed_br(struct decoder *decoder, const unsigned char *bytes, size_t len,
                          struct problem *why)
{
    enum fault f = FAULT_NONE;
    BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    if (decoder->state == DECODER_DONE)
        return decoder_trailing(decoder, why);
    decoder->state = DECODER_INSIDE;
    while (!f && result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
        uint8_t *out = decoder->out;
        size_t room = sizeof decoder->out;
        result = BrotliDecoderDecompressStream(decoder->library, &len, &bytes, &room, &out, NULL);
        if (result == BROTLI_DECODER_RESULT_ERROR)
            return decoder_corrupt(decoder, why);
        f = decoder_emit(decoder, sizeof decoder->out - room, why);
    }
    if (f || result != BROTLI_DECODER_RESULT_SUCCESS)
        return f;
    decoder->state = DECODER_DONE;
    return len > 0 ? decoder_trailing(decoder, why) : FAULT_NONE;
}

const struct codec codec_br = { open_br, close_br, reset_br, feed_br };
