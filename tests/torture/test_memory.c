/*
 * test_memory.c - memory runs out at the n-th allocation, for n = 1, 2, ... until a run needs no
 * more: every run ends in a fault with a reason or in success, without a crash or (under the
 * sanitizers) a leak.
 */
#include "base/arena.h"
#include "base/text.h"
#include "blob/blob.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/token_store.h"
#include "http/uri.h"
#include "stream/coding.h"
#include "stream/digest.h"
#include "stream/multipart.h"
#include "stream/tar.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS_MAX = 2000, LOCK_WAIT_MS = 1000, SOME_TIME = 1000 };

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* The allocation that fails, counted down; below 0: none does. */
static long countdown = -1;

static bool fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static char folder[] = "/tmp/sluice-torture-XXXXXX";

/* ---- what is tried ---- */

static enum fault swallow(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    (void)bytes;
    (void)why;
    *(size_t *)ctx += len;
    return FAULT_NONE;
}

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    (void)why;
    return FAULT_NONE;
}

static enum fault part_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static enum fault try_multipart(struct problem *why)
{
    static const struct multipart_sink sink = { part_begin, swallow, part_end };
    static const char body[] =
        "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--b--\r\n";
    struct multipart *parser = NULL;
    size_t seen = 0;
    enum fault f = multipart_create("multipart/form-data; boundary=b", &sink, &seen, &parser, why);
    if (!f)
        f = multipart_feed(parser, body, sizeof body - 1, why);
    if (!f)
        f = multipart_end(parser, why);
    multipart_destroy(parser);
    return f;
}

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    (void)ctx;
    (void)head;
    (void)why;
    return FAULT_NONE;
}

static enum fault try_tar(struct problem *why)
{
    static const struct tar_sink sink = { entry_begin, swallow, part_end };
    static const unsigned char zeros[1024];
    struct tar *parser = NULL;
    size_t seen = 0;
    enum fault f = tar_create(&sink, &seen, &parser, why);
    if (!f)
        f = tar_feed(parser, zeros, sizeof zeros, why);
    if (!f)
        f = tar_end(parser, why);
    tar_destroy(parser);
    return f;
}

static enum fault try_codings(struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (int coding = CODING_IDENTITY; coding <= CODING_LZ4 && !f; coding++) {
        struct decoder *decoder = NULL;
        size_t seen = 0;
        f = decoder_create((enum coding)coding, UINT64_MAX, swallow, &seen, &decoder, why);
        if (!f)
            decoder_reset(decoder);
        decoder_destroy(decoder);
    }
    return f;
}

static enum fault try_digests(struct problem *why)
{
    struct digest *digest = digest_create(DIGEST_SHA256 | DIGEST_XXH3 | DIGEST_CRC32);
    if (!digest)
        return problem_internal(why, "no memory for a digest");
    digest_add(digest, "x", 1);
    digest_destroy(digest);
    return FAULT_NONE;
}

static enum fault try_json(struct problem *why)
{
    static const char body[] = "{\"a\":[1,2.5,\"text\",null,true],\"b\":{\"c\":\"\\u00e9\"}}";
    json_object *object = NULL;
    struct text out;
    enum fault f = json_parse(body, sizeof body - 1, &object, NULL, why);
    text_init(&out, sizeof body * 2);
    if (!f)
        json_write(&out, object);
    if (!f && text_failed(&out))
        f = problem_internal(why, "no memory for a text");
    text_release(&out);
    json_object_put(object);
    return f;
}

static enum fault try_uri(struct problem *why)
{
    struct arena *arena = arena_create(1 << 20);
    struct uri uri = { 0 };
    if (!arena)
        return problem_internal(why, "no memory for an arena");
    const enum fault f = uri_parse("/v1/upload/a%20b?part=1&x=%41", arena, &uri, why);
    arena_destroy(arena);
    return f;
}

static enum fault write_one(struct blob_store *store, struct problem *why)
{
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    enum fault f = blob_begin(store, UINT64_MAX, &writer, why);
    if (f)
        return f;
    f = blob_write(writer, "content", sizeof "content", why);
    if (f)
        blob_discard(writer);
    else
        f = blob_seal(writer, &ref, why);
    return f ? f : blob_flush(store, why);
}

static enum fault try_blob(struct problem *why)
{
    static uint64_t worker;
    char path[sizeof folder + sizeof "/blobs"];
    struct blob_store *store = NULL;
    (void)snprintf(path, sizeof path, "%s/blobs", folder);
    enum fault f = blob_open(path, ++worker, &store, why);
    if (!f)
        f = write_one(store, why);
    blob_close(store);
    return f;
}

static enum fault try_database(struct problem *why)
{
    const struct db_options options = { .folder = folder,
                                        .lock_wait_ms = LOCK_WAIT_MS,
                                        .checkpoint_bytes = 1 << 20 };
    struct migrate_report report = { 0 };
    struct token_row row = { 0 };
    struct db *db = NULL;
    bool found = false;
    enum fault f = migrate_run(folder, LOCK_WAIT_MS, SOME_TIME, &report, why);
    if (!f)
        f = db_open(&options, &db, why);
    if (!f)
        f = token_store_get(db, "0000000000000000", &row, &found, why);
    db_close(db);
    return f;
}

/* ---- the runs ---- */

static void torture(const char *name, enum fault (*attempt)(struct problem *why))
{
    for (long n = 0; n < RUNS_MAX; n++) {
        struct problem why = PROBLEM_NONE;
        countdown = n;
        const enum fault f = attempt(&why);
        const bool all_given = countdown >= 0;
        countdown = -1;
        if (f != why.fault || (f && !why.text[0]))
            print_error("%s, allocation %ld: fault %d with reason %d \"%s\"\n", name, n, f,
                        why.fault, why.text);
        assert_int_equal(f, why.fault);
        assert_true(!f || why.text[0] != '\0');
        if (all_given) {
            assert_int_equal(f, FAULT_NONE);
            assert_true(n > 0); /* something was allocated, so something has failed before */
            return;
        }
    }
    fail_msg("%s allocates more than %d times", name, RUNS_MAX);
}

static void test_parsers_survive_every_failed_allocation(void **state)
{
    (void)state;
    torture("multipart", try_multipart);
    torture("tar", try_tar);
    torture("codings", try_codings);
    torture("digests", try_digests);
    torture("json", try_json);
    torture("uri", try_uri);
}

static void test_stores_survive_every_failed_allocation(void **state)
{
    (void)state;
    torture("database", try_database);
    torture("blob", try_blob);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    char command[sizeof folder + sizeof "rm -rf "];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a path of our own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsers_survive_every_failed_allocation),
        cmocka_unit_test(test_stores_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
