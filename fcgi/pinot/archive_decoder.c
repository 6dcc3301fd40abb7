#include "pinot/archive_decoder.h"

#include <string.h>

void archive_decoder_init(struct archive_decoder *archive, uint64_t decoded_max, bytes_sink sink,
                          void *ctx)
{
    *archive = (struct archive_decoder){ .decoded_max = decoded_max, .sink = sink, .ctx = ctx };
}

void archive_decoder_release(struct archive_decoder *archive)
{
    decoder_destroy(archive->decoder);
    archive->decoder = NULL;
}

static enum coding coding_of(const struct archive_decoder *archive)
{
    static const uint8_t zstd[ARCHIVE_MAGIC_BYTES] = { 0x28, 0xB5, 0x2F, 0xFD };
    static const uint8_t lz4[ARCHIVE_MAGIC_BYTES] = { 0x04, 0x22, 0x4D, 0x18 };
    if (archive->held == ARCHIVE_MAGIC_BYTES && memcmp(archive->head, zstd, sizeof zstd) == 0)
        return CODING_ZSTD;
    if (archive->held == ARCHIVE_MAGIC_BYTES && memcmp(archive->head, lz4, sizeof lz4) == 0)
        return CODING_LZ4;
    return CODING_GZIP;
}

/* Decides by what is held, and feeds that. */
static enum fault begin(struct archive_decoder *archive, struct problem *why)
{
    const enum fault f = decoder_create(coding_of(archive), archive->decoded_max, archive->sink,
                                        archive->ctx, &archive->decoder, why);
    return f ? f : decoder_feed(archive->decoder, archive->head, archive->held, why);
}

enum fault archive_decoder_feed(struct archive_decoder *archive, const void *bytes, size_t len,
                                struct problem *why)
{
    const uint8_t *at = bytes;
    enum fault f = FAULT_NONE;
    if (!archive->decoder) {
        const size_t want = ARCHIVE_MAGIC_BYTES - archive->held;
        const size_t taken = len < want ? len : want;
        memcpy(archive->head + archive->held, at, taken);
        archive->held += taken;
        at += taken;
        len -= taken;
        if (archive->held < ARCHIVE_MAGIC_BYTES)
            return FAULT_NONE;
        f = begin(archive, why);
    }
    return f ? f : decoder_feed(archive->decoder, at, len, why);
}

enum fault archive_decoder_end(struct archive_decoder *archive, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (!archive->decoder)
        f = begin(archive, why);
    return f ? f : decoder_end(archive->decoder, why);
}
