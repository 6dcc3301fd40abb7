/*
 * pinot_archive.h - builds the gzipped tars that segment pushes send, for tests.
 */
#ifndef TESTS_PINOT_ARCHIVE_H
#define TESTS_PINOT_ARCHIVE_H

#include "base/limits.h"
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { TAR_BLOCK = 512, ARCHIVE_MAX = 64 * MIB };

/* One entry; type as in the header: '0' a file, '5' a folder, '2' a link. */
static inline void tar_put(struct text *tar, const char *name, char type, const void *bytes,
                           size_t len)
{
    static const char zeros[TAR_BLOCK];
    char head[TAR_BLOCK] = { 0 };
    unsigned sum = 0;
    (void)snprintf(head, 100, "%.99s", name);
    (void)snprintf(head + 100, 8, "%07o", 0644U);
    (void)snprintf(head + 124, 12, "%011o", (unsigned)len);
    memset(head + 148, ' ', 8);
    head[156] = type;
    (void)snprintf(head + 257, 6, "ustar");
    memset(head + 263, '0', 2);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)head[i];
    (void)snprintf(head + 148, 8, "%06o", sum);
    text_add(tar, head, TAR_BLOCK);
    text_add(tar, bytes, len);
    text_add(tar, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

static inline void tar_text(struct text *tar, const char *name, const char *content)
{
    tar_put(tar, name, '0', content, strlen(content));
}

static inline void tar_finish(struct text *tar)
{
    static const char zeros[2 * TAR_BLOCK];
    text_add(tar, zeros, sizeof zeros);
}

/* The gzip of plain, appended to out. */
static inline void gzip_put(struct text *out, const struct text *plain)
{
    enum { GZIP_BITS = 15 + 16, MEMORY = 8, PIECE = 64 * KIB };
    unsigned char piece[PIECE];
    z_stream z = { 0 };
    (void)deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_BITS, MEMORY, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)plain->data;
    z.avail_in = (uInt)plain->len;
    do {
        z.next_out = piece;
        z.avail_out = sizeof piece;
        (void)deflate(&z, Z_FINISH);
        text_add(out, piece, sizeof piece - z.avail_out);
    } while (z.avail_out == 0);
    (void)deflateEnd(&z);
}

/* The two files of a segment. */
static inline void segment_put(struct text *tar, const char *name, uint8_t crc)
{
    char path[NAME_MAX_BYTES + 64];
    char properties[KIB];
    unsigned char creation[24] = { 0 };
    creation[7] = crc;
    creation[15] = 1;
    (void)snprintf(path, sizeof path, "d/%s.creation.meta", name);
    tar_put(tar, path, '0', creation, sizeof creation);
    (void)snprintf(properties, sizeof properties,
                   "segment.name = %s\nsegment.total.docs = 7\nsegment.index.version = v3\n", name);
    (void)snprintf(path, sizeof path, "d/%s.metadata.properties", name);
    tar_text(tar, path, properties);
}

#endif
