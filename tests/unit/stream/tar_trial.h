/*
 * tar_trial.h - makes tar archives block by block, and an archive's events as one text.
 */
#ifndef TESTS_UNIT_TAR_TRIAL_H
#define TESTS_UNIT_TAR_TRIAL_H

#include "base/limits.h"
#include "base/text.h"
#include "stream/tar.h"
#include "stream/tar_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    ARCHIVE_MAX = 1 * MIB,
    SIZE_AT = 124, /* where fields stand in a header */
    SIZE_LEN = 12,
    CHECKSUM_AT = 148,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
};

struct archive {
    size_t len;
    size_t header; /* where the newest header stands */
    uint8_t data[ARCHIVE_MAX];
};

static inline struct archive *archive_create(void)
{
    struct archive *archive = calloc(1, sizeof *archive);
    assert_non_null(archive);
    return archive;
}

static inline void put(struct archive *archive, const void *bytes, size_t len)
{
    assert_true(len <= sizeof archive->data - archive->len);
    if (len > 0)
        memcpy(archive->data + archive->len, bytes, len);
    archive->len += len;
}

/* Makes the newest header's checksum right again; shift: what it is wrong by. */
static inline void sign(struct archive *archive, int shift)
{
    uint8_t *block = archive->data + archive->header;
    char digits[32];
    int sum = shift;
    memset(block + CHECKSUM_AT, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    (void)snprintf(digits, sizeof digits, "%06o", (unsigned)sum);
    memcpy(block + CHECKSUM_AT, digits, strnlen(digits, 7) + 1);
}

/* A ustar header; name is cut at 100 bytes. */
static inline void put_header(struct archive *archive, char type, const char *name, uint64_t size)
{
    static const uint8_t magic[] = { 'u', 's', 't', 'a', 'r', '\0', '0', '0' };
    uint8_t block[TAR_BLOCK] = { 0 };
    char digits[32];
    memcpy(block, name, strnlen(name, 100));
    const int len = snprintf(digits, sizeof digits, "%011llo", (unsigned long long)size);
    assert_int_equal(len, SIZE_LEN - 1);
    memcpy(block + SIZE_AT, digits, SIZE_LEN);
    memcpy(block + MAGIC_AT, magic, sizeof magic);
    block[TYPE_AT] = (uint8_t)type;
    archive->header = archive->len;
    put(archive, block, sizeof block);
    sign(archive, 0);
}

static inline void put_padded(struct archive *archive, const void *bytes, size_t len)
{
    static const uint8_t zeros[TAR_BLOCK];
    put(archive, bytes, len);
    put(archive, zeros, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

/* A header with its content. */
static inline void put_entry(struct archive *archive, char type, const char *name,
                             const char *content)
{
    put_header(archive, type, name, strlen(content));
    put_padded(archive, content, strlen(content));
}

static inline void put_end(struct archive *archive, size_t blocks)
{
    static const uint8_t zeros[TAR_BLOCK];
    while (blocks-- > 0)
        put(archive, zeros, sizeof zeros);
}

/* Writes over the newest header. */
static inline void patch(struct archive *archive, size_t at, const void *bytes, size_t len)
{
    memcpy(archive->data + archive->header + at, bytes, len);
    sign(archive, 0);
}

/* "[kind name bytes|content]" for each entry. */
struct listing {
    struct text text;
    uint64_t left; /* of the open entry's content */
    bool inside;
};

static inline enum fault list_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    static const char *const kinds[] = { "file", "folder", "other" };
    struct listing *listing = ctx;
    (void)why;
    assert_false(listing->inside);
    assert_int_equal(strlen(head->name), head->name_len);
    listing->inside = true;
    listing->left = head->bytes;
    text_addf(&listing->text, "[%s %s %llu|", kinds[head->kind], head->name,
              (unsigned long long)head->bytes);
    return FAULT_NONE;
}

static inline enum fault list_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct listing *listing = ctx;
    (void)why;
    assert_true(listing->inside && len > 0 && len <= listing->left);
    listing->left -= len;
    text_add(&listing->text, bytes, len);
    return FAULT_NONE;
}

static inline enum fault list_end(void *ctx, struct problem *why)
{
    struct listing *listing = ctx;
    (void)why;
    assert_true(listing->inside && listing->left == 0);
    listing->inside = false;
    text_addc(&listing->text, ']');
    return FAULT_NONE;
}

static const struct tar_sink list_sink = { list_begin, list_body, list_end };

/* Feeds [0, cut), then pieces of step bytes. */
static inline enum fault list_run(const uint8_t *bytes, size_t len, size_t cut, size_t step,
                                  struct listing *listing, struct problem *why)
{
    struct tar *tar = NULL;
    text_clear(&listing->text);
    listing->inside = false;
    enum fault f = tar_create(&list_sink, listing, &tar, why);
    if (!f)
        f = tar_feed(tar, bytes, cut, why);
    for (size_t at = cut; !f && at < len; at += step)
        f = tar_feed(tar, bytes + at, len - at < step ? len - at : step, why);
    if (!f)
        f = tar_end(tar, why);
    assert_false(!f && listing->inside);
    assert_false(text_failed(&listing->text));
    tar_destroy(tar);
    return f;
}

/* The same listing and verdict at every cut and byte by byte; text: NULL for success, else a part
 * of the fault's text. */
static inline void assert_listing_of(const char *label, const struct archive *archive,
                                     enum fault fault, const char *text, const char *want)
{
    struct listing listing = { 0 };
    const size_t len = archive->len;
    text_init(&listing.text, ARCHIVE_MAX);
    for (size_t cut = 0; cut <= len; cut++) {
        struct problem why = PROBLEM_NONE;
        const size_t step = cut == 0 ? 1 : len;
        const enum fault f = list_run(archive->data, len, cut, step, &listing, &why);
        if (f != fault || (text && !strstr(why.text, text)))
            (void)fprintf(stderr, "%s, cut at %zu: %s\n", label, cut, why.text);
        assert_int_equal(f, fault);
        if (text)
            assert_non_null(strstr(why.text, text));
        assert_string_equal(text_string(&listing.text), want);
    }
    text_release(&listing.text);
}

static inline void assert_listing(const struct archive *archive, enum fault fault, const char *text,
                                  const char *want)
{
    assert_listing_of("archive", archive, fault, text, want);
}

#endif
