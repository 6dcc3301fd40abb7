/*
 * stream.c - what the stream stages cost, in GB (of bytes given or made) a second of one core, beside
 * the bare library where there is one.
 */
#include "base/limits.h"
#include "stream/coding.h"
#include "stream/digest.h"
#include "stream/multipart.h"
#include "stream/tar.h"
#include "stream/tar_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

enum {
    ROUNDS = 16384,     /* IO_CHUNK each: 1 GiB */
    CODED_CHUNKS = 512, /* decoded chunks of the coded stream: 32 MiB */
    CODED_TIMES = 8,
    WINDOW_GZIP = 15 + 16,
    LINE_LEN = 48,
};

struct bench {
    uint64_t seen;
    unsigned char chunk[IO_CHUNK];
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "stream: %s failed\n", what);
    exit(EXIT_FAILURE);
}

/* The processor's time, so that a busy machine does not change the figures. */
static double now(void)
{
    struct timespec used = { 0 };
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        stop("clock_gettime");
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void report(const char *what, uint64_t bytes, double started)
{
    (void)printf("= stream, %s | %.2f GB/s |\n", what, (double)bytes / (now() - started) / 1e9);
}

static enum fault count(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct bench *bench = ctx;
    (void)bytes;
    (void)why;
    bench->seen += len;
    return FAULT_NONE;
}

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    (void)why;
    return FAULT_NONE;
}

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    (void)why;
    return FAULT_NONE;
}

static enum fault end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static void fill_noise(struct bench *bench)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof bench->chunk; i++) {
        seed = seed * 1664525U + 1013904223U;
        bench->chunk[i] = (unsigned char)(seed >> 24);
    }
}

static void fill_lines(struct bench *bench)
{
    for (size_t i = 0; i < sizeof bench->chunk; i++) {
        const size_t column = i % LINE_LEN;
        bench->chunk[i] = column == LINE_LEN - 2   ? '\r'
                          : column == LINE_LEN - 1 ? '\n'
                                                   : (unsigned char)('a' + i % 23);
    }
}

/* One part of 1 GiB in pieces as they come from the socket. */
static void multipart_1gib(struct bench *bench, const char *what, const char *boundary)
{
    static const struct multipart_sink sink = { part_begin, count, end };
    struct multipart *parser = NULL;
    struct problem why = PROBLEM_NONE;
    char text[512];
    (void)snprintf(text, sizeof text, "multipart/form-data; boundary=%s", boundary);
    enum fault f = multipart_create(text, &sink, bench, &parser, &why);
    (void)snprintf(text, sizeof text, "--%s\r\nContent-Disposition: form-data; name=a\r\n\r\n",
                   boundary);
    if (!f)
        f = multipart_feed(parser, text, strlen(text), &why);
    bench->seen = 0;
    const double started = now();
    for (size_t i = 0; !f && i < ROUNDS; i++)
        f = multipart_feed(parser, bench->chunk, sizeof bench->chunk, &why);
    if (f)
        stop(what);
    report(what, bench->seen, started);
    multipart_destroy(parser);
}

static void tar_1gib(struct bench *bench)
{
    static const struct tar_sink sink = { entry_begin, count, end };
    static const char size[] = "10000000000"; /* octal: 1 GiB */
    enum { SIZE_AT = 124, CHECKSUM_AT = 148, CHECKSUM_LEN = 8 };
    unsigned char block[TAR_BLOCK] = "a";
    struct tar *tar = NULL;
    struct problem why = PROBLEM_NONE;
    unsigned sum = 0;
    memcpy(block + SIZE_AT, size, sizeof size);
    memset(block + CHECKSUM_AT, ' ', CHECKSUM_LEN);
    for (size_t i = 0; i < sizeof block; i++)
        sum += block[i];
    (void)snprintf((char *)block + CHECKSUM_AT, CHECKSUM_LEN, "%06o", sum);
    enum fault f = tar_create(&sink, bench, &tar, &why);
    if (!f)
        f = tar_feed(tar, block, sizeof block, &why);
    bench->seen = 0;
    const double started = now();
    for (size_t i = 0; !f && i < ROUNDS; i++)
        f = tar_feed(tar, bench->chunk, sizeof bench->chunk, &why);
    if (f || tar_end(tar, &why))
        stop("tar");
    report("tar, one file", bench->seen, started);
    tar_destroy(tar);
}

/* Text-like bytes that compress about three to one. */
static unsigned char *plain_text(size_t len)
{
    static const char digits[] = "0123456789, \n";
    unsigned char *plain = malloc(len);
    uint32_t seed = 7;
    if (!plain)
        stop("malloc");
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525U + 1013904223U;
        plain[i] = (unsigned char)digits[(seed >> 24) % (i % 16 < 4 ? 3 : sizeof digits - 1)];
    }
    return plain;
}

static void decode(struct bench *bench, enum coding coding, const unsigned char *coded, size_t len)
{
    struct decoder *decoder = NULL;
    struct problem why = PROBLEM_NONE;
    enum fault f = decoder_create(coding, UINT64_MAX, count, bench, &decoder, &why);
    bench->seen = 0;
    const double started = now();
    for (size_t i = 0; !f && i < CODED_TIMES; i++) {
        decoder_reset(decoder);
        for (size_t at = 0; !f && at < len; at += IO_CHUNK)
            f = decoder_feed(decoder, coded + at, len - at < IO_CHUNK ? len - at : IO_CHUNK, &why);
        if (!f)
            f = decoder_end(decoder, &why);
    }
    if (f)
        stop(coding_name(coding));
    report(coding_name(coding), bench->seen, started);
    decoder_destroy(decoder);
}

static void bare_zlib(struct bench *bench, const unsigned char *coded, size_t len)
{
    z_stream zlib = { 0 };
    unsigned char *copy = malloc(len);
    if (!copy || inflateInit2(&zlib, WINDOW_GZIP) != Z_OK)
        stop("zlib");
    memcpy(copy, coded, len);
    bench->seen = 0;
    const double started = now();
    for (size_t i = 0; i < CODED_TIMES; i++) {
        (void)inflateReset(&zlib);
        zlib.next_in = copy;
        zlib.avail_in = (uInt)len;
        int result = Z_OK;
        while (result == Z_OK) {
            zlib.next_out = bench->chunk;
            zlib.avail_out = sizeof bench->chunk;
            result = inflate(&zlib, Z_NO_FLUSH);
            bench->seen += sizeof bench->chunk - zlib.avail_out;
        }
    }
    report("gzip by bare zlib", bench->seen, started);
    (void)inflateEnd(&zlib);
    free(copy);
}

static void bare_zstd(struct bench *bench, const unsigned char *coded, size_t len)
{
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    if (!zstd)
        stop("zstd");
    bench->seen = 0;
    const double started = now();
    for (size_t i = 0; i < CODED_TIMES; i++) {
        ZSTD_inBuffer in = { coded, len, 0 };
        size_t left = 1;
        while (left != 0 && !ZSTD_isError(left)) {
            ZSTD_outBuffer out = { bench->chunk, sizeof bench->chunk, 0 };
            left = ZSTD_decompressStream(zstd, &out, &in);
            bench->seen += out.pos;
        }
    }
    report("zstd by bare libzstd", bench->seen, started);
    (void)ZSTD_freeDCtx(zstd);
}

static void codings(struct bench *bench)
{
    const size_t len = (size_t)CODED_CHUNKS * IO_CHUNK;
    unsigned char *plain = plain_text(len);
    unsigned char *coded = malloc(2 * len);
    z_stream zlib = { 0 };
    if (!coded || deflateInit2(&zlib, 6, Z_DEFLATED, WINDOW_GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        stop("deflate");
    zlib.next_in = plain;
    zlib.avail_in = (uInt)len;
    zlib.next_out = coded;
    zlib.avail_out = (uInt)(2 * len);
    if (deflate(&zlib, Z_FINISH) != Z_STREAM_END)
        stop("deflate");
    const size_t gzip_len = 2 * len - zlib.avail_out;
    (void)deflateEnd(&zlib);
    (void)printf("gzip packs %.1f to 1\n", (double)len / (double)gzip_len);
    bare_zlib(bench, coded, gzip_len);
    decode(bench, CODING_GZIP, coded, gzip_len);
    const size_t zstd_len = ZSTD_compress(coded, 2 * len, plain, len, 3);
    if (ZSTD_isError(zstd_len))
        stop("ZSTD_compress");
    bare_zstd(bench, coded, zstd_len);
    decode(bench, CODING_ZSTD, coded, zstd_len);
    free(plain);
    free(coded);
}

static void digests(struct bench *bench)
{
    static const struct {
        const char *name;
        enum digest_kind kind;
    } kinds[] = { { "SHA-256", DIGEST_SHA256 },
                  { "XXH3, 128 bits", DIGEST_XXH3 },
                  { "CRC-32", DIGEST_CRC32 } };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        struct digest *digest = digest_create(kinds[k].kind);
        if (!digest)
            stop("digest");
        const double started = now();
        for (size_t i = 0; i < ROUNDS; i++)
            digest_add(digest, bench->chunk, sizeof bench->chunk);
        report(kinds[k].name, (uint64_t)ROUNDS * IO_CHUNK, started);
        digest_destroy(digest);
    }
}

int main(void)
{
    static const char usual[] = "httpclient_boundary_5cf9199e-f0e2-4adf-bed5-b3fc4058ebad";
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        stop("calloc");
    fill_noise(bench);
    multipart_1gib(bench, "multipart, packed bytes", usual);
    multipart_1gib(bench, "multipart, packed bytes, boundary of 4", "b--b");
    fill_lines(bench);
    multipart_1gib(bench, "multipart, CRLF lines", usual);
    memset(bench->chunk, '\r', sizeof bench->chunk);
    multipart_1gib(bench, "multipart, CR alone", usual);
    memset(bench->chunk, 'b', sizeof bench->chunk);
    multipart_1gib(bench, "multipart, the boundary's own letter",
                   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
    fill_noise(bench);
    tar_1gib(bench);
    codings(bench);
    digests(bench);
    free(bench);
    return EXIT_SUCCESS;
}
