/*
 * fuzz_tar.c - every cut of an archive gives the same events, begin and end are paired, each content
 * has the size that was announced and stands in the input where the next block begins.
 *
 * Input: one byte that seeds the cuts, the archive.  Checksums are made right where a block looks
 * like a header and the byte is even, as no mutation would find them.
 */
#include "fuzz_pieces.h"
#include "stream/tar.h"
#include "stream/tar_header.h"

#include <stdio.h>

enum { MAGIC_AT = 257, CHECKSUM_AT = 148, CHECKSUM_LEN = 8 };

struct events {
    struct text *text;
    const uint8_t *start; /* of the archive in a whole run, else NULL */
    const uint8_t *next;  /* where content goes on; NULL before an entry's first */
    uint64_t left;        /* of the open entry's content */
    bool inside;
};

static enum fault on_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    struct events *events = ctx;
    (void)why;
    assert(!events->inside && head->name_len > 0 && head->name_len == strlen(head->name));
    assert(head->kind == TAR_FILE || head->bytes == 0);
    assert(head->bytes <= INT64_MAX);
    events->inside = true;
    events->left = head->bytes;
    events->next = NULL;
    text_addf(events->text, "[%d|%s|%llu|", (int)head->kind, head->name,
              (unsigned long long)head->bytes);
    return FAULT_NONE;
}

static enum fault on_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct events *events = ctx;
    const uint8_t *at = bytes;
    (void)why;
    assert(events->inside && len > 0 && len <= events->left);
    events->left -= len;
    if (events->start) {
        assert(events->next ? at == events->next : (at - events->start) % TAR_BLOCK == 0);
        events->next = at + len;
    }
    text_add(events->text, bytes, len);
    return FAULT_NONE;
}

static enum fault on_end(void *ctx, struct problem *why)
{
    struct events *events = ctx;
    (void)why;
    assert(events->inside && events->left == 0);
    events->inside = false;
    text_addc(events->text, ']');
    return FAULT_NONE;
}

static void run(const uint8_t *bytes, size_t len, struct fuzz_pieces pieces,
                struct fuzz_result *result)
{
    static const struct tar_sink sink = { on_begin, on_body, on_end };
    struct events events = { .text = &result->events, .start = pieces.run == 0 ? bytes : NULL };
    struct tar *tar = NULL;
    result->why = PROBLEM_NONE;
    text_init(&result->events, FUZZ_TRACE_MAX);
    enum fault f = tar_create(&sink, &events, &tar, &result->why);
    for (size_t at = 0; !f && at < len;) {
        const size_t size = fuzz_piece(&pieces, len - at);
        f = tar_feed(tar, bytes + at, size, &result->why);
        at += size;
    }
    if (!f)
        f = tar_end(tar, &result->why);
    assert(f || !events.inside);
    tar_destroy(tar);
    result->fault = f;
}

static void sign(uint8_t *block)
{
    unsigned sum = 0;
    if (memcmp(block + MAGIC_AT, "ustar", strlen("ustar")) != 0)
        return;
    memset(block + CHECKSUM_AT, ' ', CHECKSUM_LEN);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    (void)snprintf((char *)block + CHECKSUM_AT, CHECKSUM_LEN, "%06o", sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fuzz_result first;
    if (len == 0)
        return 0;
    const uint8_t seed = bytes[0];
    len--;
    uint8_t *archive = malloc(len + 1);
    assert(archive);
    memcpy(archive, bytes + 1, len);
    for (size_t at = 0; seed % 2 == 0 && at + TAR_BLOCK <= len; at += TAR_BLOCK)
        sign(archive + at);
    run(archive, len, (struct fuzz_pieces){ 0, seed }, &first);
    for (size_t i = 1; i < FUZZ_RUNS; i++) {
        struct fuzz_result other;
        run(archive, len, (struct fuzz_pieces){ i, seed }, &other);
        fuzz_must_agree(&first, &other);
        text_release(&other.events);
    }
    text_release(&first.events);
    free(archive);
    return 0;
}
