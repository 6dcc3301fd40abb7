/*
 * coding_zlib.c - gzip and deflate, by zlib.
 */
#include "stream/coding_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
    WINDOW_BITS = 15,             /* 32 KiB, the most of both formats */
    GZIP_FORM = WINDOW_BITS + 16, /* zlib's way to say gzip */
    RAW_FORM = -WINDOW_BITS,      /* and raw RFC 1951 */
    ZLIB_METHOD = 8,              /* RFC 1950 section 2.2: deflate */
    ZLIB_METHOD_BITS = 0x0F,
    ZLIB_CHECK = 31, /* the header's two bytes are a multiple of it */
};

static bool stream_open(struct decoder *decoder, int form)
{
    z_stream *stream = calloc(1, sizeof *stream);
    decoder->library = stream;
    return stream && inflateInit2(stream, form) == Z_OK;
}

static void stream_close(struct decoder *decoder)
{
    if (decoder->library)
        (void)inflateEnd(decoder->library);
    free(decoder->library);
}

static bool open_gzip(struct decoder *decoder)
{
    return stream_open(decoder, GZIP_FORM);
}

static bool open_deflate(struct decoder *decoder)
{
    return stream_open(decoder, WINDOW_BITS);
}

static bool stream_reset(struct decoder *decoder)
{
    return inflateReset(decoder->library) == Z_OK;
}

/* zlib tells its data errors apart by text alone. */
static enum fault stream_fault(const struct decoder *decoder, int code, struct problem *why)
{
    static const char *const headers[] = { "incorrect header check", "unknown compression method",
                                           "unknown header flags set", "header crc mismatch",
                                           "invalid window size" };
    const z_stream *stream = decoder->library;
    const char *reason = stream->msg ? stream->msg : "";
    if (code == Z_MEM_ERROR)
        return problem_internal(why, "out of memory in zlib");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (strcmp(reason, headers[i]) == 0)
            return decoder_bad_header(decoder, why);
    }
    if (strcmp(reason, "incorrect data check") == 0 ||
        strcmp(reason, "incorrect length check") == 0)
        return decoder_bad_checksum(decoder, why);
    return decoder_corrupt(decoder, why);
}

/* Decodes until the input is used up or the member ends. */
static enum fault inflate_some(struct decoder *decoder, const unsigned char **bytes, size_t *len,
                               struct problem *why)
{
    z_stream *stream = decoder->library;
    const uInt take = *len < UINT_MAX ? (uInt)*len : UINT_MAX;
    enum fault f = FAULT_NONE;
    int code = Z_OK;
    stream->next_in = *bytes;
    stream->avail_in = take;
    decoder->state = DECODER_INSIDE;
    do {
        stream->next_out = decoder->out;
        stream->avail_out = sizeof decoder->out;
        code = inflate(stream, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
            return stream_fault(decoder, code == Z_NEED_DICT ? Z_DATA_ERROR : code, why);
        f = decoder_emit(decoder, sizeof decoder->out - stream->avail_out, why);
    } while (!f && code != Z_STREAM_END && stream->avail_out == 0);
    *bytes += take - stream->avail_in;
    *len -= take - stream->avail_in;
    if (code == Z_STREAM_END)
        decoder->state = DECODER_BETWEEN;
    return f;
}

/* RFC 1952 section 2.2: members follow each other with nothing between. */
static enum fault feed_gzip(struct decoder *decoder, const unsigned char *bytes, size_t len,
                            struct problem *why)
{
    enum { MAGIC = 0x1F };
    enum fault f = FAULT_NONE;
    while (!f && len > 0) {
        if (decoder->state == DECODER_BETWEEN) {
            if (bytes[0] != MAGIC)
                return decoder_trailing(decoder, why);
            if (!stream_reset(decoder))
                return problem_internal(why, "zlib cannot begin another member");
        }
        f = inflate_some(decoder, &bytes, &len, why);
    }
    return f;
}

/* Whether two bytes begin RFC 1950; if not, the stream is raw. */
static bool is_zlib(const unsigned char head[2])
{
    return (head[0] & ZLIB_METHOD_BITS) == ZLIB_METHOD &&
           (head[0] * (UCHAR_MAX + 1) + head[1]) % ZLIB_CHECK == 0;
}

static enum fault inflate_whole(struct decoder *decoder, const unsigned char *bytes, size_t len,
                                struct problem *why)
{
    enum fault f = FAULT_NONE;
    while (!f && len > 0) {
        if (decoder->state == DECODER_DONE)
            return decoder_trailing(decoder, why);
        f = inflate_some(decoder, &bytes, &len, why);
        if (decoder->state == DECODER_BETWEEN)
            decoder->state = DECODER_DONE;
    }
    return f;
}

static enum fault feed_deflate(struct decoder *decoder, const unsigned char *bytes, size_t len,
                               struct problem *why)
{
    if (decoder->head_len < sizeof decoder->head) {
        while (len > 0 && decoder->head_len < sizeof decoder->head) {
            decoder->head[decoder->head_len++] = *bytes++;
            len--;
        }
        if (decoder->head_len < sizeof decoder->head)
            return FAULT_NONE;
        const int form = is_zlib(decoder->head) ? WINDOW_BITS : RAW_FORM;
        if (inflateReset2(decoder->library, form) != Z_OK)
            return problem_internal(why, "zlib cannot begin");
        enum fault f = inflate_whole(decoder, decoder->head, sizeof decoder->head, why);
        if (f)
            return f;
    }
    return inflate_whole(decoder, bytes, len, why);
}

const struct codec codec_gzip = { open_gzip, stream_close, stream_reset, feed_gzip };
const struct codec codec_deflate = { open_deflate, stream_close, stream_reset, feed_deflate };
