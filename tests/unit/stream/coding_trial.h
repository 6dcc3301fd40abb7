/*
 * coding_trial.h - decodes a stream at every cut and compares; shared by the tests of coding.c.
 */
#ifndef TESTS_UNIT_CODING_TRIAL_H
#define TESTS_UNIT_CODING_TRIAL_H

#include "base/limits.h"
#include "stream/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

enum {
    HELD_MAX = 256 * KIB, /* bytes that a collector or a sample holds */
    WINDOW_GZIP = 15 + 16,
    WINDOW_ZLIB = 15,
    WINDOW_RAW = -15,
    SPARSE_CUT = 997,      /* steps between cuts of a long stream */
    SLICE_SEEN = IO_CHUNK, /* around multiples of it a long stream is cut byte by byte */
    NOISE_BYTES = 80 * KIB,
    TWO_CHUNKS = 2 * IO_CHUNK,
    BOMB_BYTES = 40 * MIB,
};

struct bytes {
    uint8_t data[HELD_MAX];
    size_t len;
};

static inline enum fault collect(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct bytes *to = ctx;
    (void)why;
    assert_true(len > 0);
    assert_true(len <= sizeof to->data - to->len);
    memcpy(to->data + to->len, bytes, len);
    to->len += len;
    return FAULT_NONE;
}

static inline void put(struct bytes *to, const void *bytes, size_t len)
{
    assert_true(len <= sizeof to->data - to->len);
    if (len > 0)
        memcpy(to->data + to->len, bytes, len);
    to->len += len;
}

static inline void put_deflated(struct bytes *to, int window, const void *bytes, size_t len)
{
    z_stream zlib = { 0 };
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    zlib.next_in = copy;
    zlib.avail_in = (uInt)len;
    zlib.next_out = to->data + to->len;
    zlib.avail_out = (uInt)(sizeof to->data - to->len);
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    to->len = sizeof to->data - zlib.avail_out;
    assert_int_equal(deflateEnd(&zlib), Z_OK);
    free(copy);
}

static inline void put_zstd(struct bytes *to, const void *bytes, size_t len)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    assert_non_null(zstd);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1)));
    const size_t made =
        ZSTD_compress2(zstd, to->data + to->len, sizeof to->data - to->len, bytes, len);
    assert_false(ZSTD_isError(made));
    to->len += made;
    (void)ZSTD_freeCCtx(zstd);
}

/* A gzip header with every field that RFC 1952 has. */
static inline void put_gzip_with_all_fields(struct bytes *to, bool good_header_crc)
{
    static const uint8_t header[] = "\x1f\x8b\x08\x1f\x01\x02\x03\x04\x02\x03"
                                    "\x05\x00"
                                    "extra"
                                    "name.txt\0"
                                    "a comment";
    const uLong header_crc = crc32_z(0, header, sizeof header);
    const uint8_t two[] = { (uint8_t)(header_crc & 0xFF),
                            (uint8_t)((header_crc >> 8 & 0xFF) ^ (good_header_crc ? 0 : 1)) };
    const uint8_t body[] = { 'a', 'b', 'c' };
    const uint8_t trailer[] = { 0xC2, 0x41, 0x24, 0x35, 3, 0, 0, 0 };
    put(to, header, sizeof header);
    put(to, two, sizeof two);
    put_deflated(to, WINDOW_RAW, body, sizeof body);
    put(to, trailer, sizeof trailer);
}

static inline enum fault feed_all(struct decoder *decoder, const struct bytes *in, size_t cut,
                                  size_t step, struct problem *why)
{
    enum fault f = decoder_feed(decoder, in->data, cut, why);
    for (size_t at = cut; !f && at < in->len; at += step) {
        const size_t left = in->len - at;
        f = decoder_feed(decoder, in->data + at, left < step ? left : step, why);
    }
    return f ? f : decoder_end(decoder, why);
}

/* Decodes with the same decoder again and again; each result must be the first one. */
struct trial {
    enum coding coding;
    uint64_t max;
    const char *code; /* NULL for success */
    const char *text; /* NULL when the words do not matter */
    const char *label;
};

static inline void assert_at_cut(struct decoder *decoder, const struct trial *trial,
                                 const struct bytes *in, size_t cut, size_t step,
                                 const struct bytes *want, struct bytes *got)
{
    struct problem why = PROBLEM_NONE;
    got->len = 0;
    decoder_reset(decoder);
    const enum fault f = feed_all(decoder, in, cut, step, &why);
    if ((f != FAULT_NONE) != (trial->code != NULL) ||
        (f && strcmp(why.code ? why.code : "", trial->code) != 0)) {
        (void)fprintf(stderr, "%s, cut at %zu, then every %zu: \"%s\" %s\n",
                      trial->label ? trial->label : coding_name(trial->coding), cut, step, why.text,
                      why.detail);
    }
    assert_int_equal(f != FAULT_NONE, trial->code != NULL);
    if (trial->code) {
        assert_non_null(why.code);
        assert_string_equal(why.code, trial->code);
    }
    if (trial->text)
        assert_string_equal(why.text, trial->text);
    assert_true(got->len <= trial->max);
    assert_int_equal(decoder_bytes(decoder), got->len);
    if (want) {
        assert_int_equal(got->len, want->len);
        assert_memory_equal(got->data, want->data, want->len);
    }
}

/* Every byte of a short stream; of a long one a sample, and all bytes around the slices' ends. */
static inline size_t next_cut(size_t cut, size_t len)
{
    const size_t inside = cut % SLICE_SEEN;
    const size_t edge = SLICE_SEEN - 3;
    if (len < SPARSE_CUT || inside < 3 || inside >= edge)
        return cut + 1;
    return cut + (edge - inside < SPARSE_CUT ? edge - inside : SPARSE_CUT);
}

static inline void assert_every_cut(const struct trial *trial, const struct bytes *in,
                                    const struct bytes *want)
{
    struct decoder *decoder = NULL;
    struct problem why = PROBLEM_NONE;
    struct bytes *got = calloc(1, sizeof *got);
    struct bytes *first = calloc(1, sizeof *first);
    assert_true(got && first);
    assert_int_equal(decoder_create(trial->coding, trial->max, collect, got, &decoder, &why),
                     FAULT_NONE);
    assert_at_cut(decoder, trial, in, in->len, 1, want, got);
    memcpy(first, got, sizeof *first);
    assert_at_cut(decoder, trial, in, 0, 1, first, got);
    for (size_t cut = 0; cut <= in->len; cut = next_cut(cut, in->len))
        assert_at_cut(decoder, trial, in, cut, in->len + 1, first, got);
    decoder_destroy(decoder);
    free(got);
    free(first);
}

static inline struct bytes *bytes_of(const void *data, size_t len)
{
    struct bytes *made = calloc(1, sizeof *made);
    assert_non_null(made);
    put(made, data, len);
    return made;
}

/* Bytes that hardly compress. */
static inline struct bytes *noise(size_t len)
{
    struct bytes *made = bytes_of("", 0);
    uint32_t seed = 1;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525U + 1013904223U;
        const uint8_t byte = (uint8_t)(seed >> 24);
        put(made, &byte, 1);
    }
    return made;
}

#endif
