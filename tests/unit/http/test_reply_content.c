/* test_reply_content.c - stored contents are sent whole, in part, or not at all when known. */
#include "base/arena.h"
#include "blob/blob.h"
#include "http/exchange.h"
#include "tests/unit/support/memory_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LARGE = 600 * KIB, SMALL_LEN = 10, WORKER = 7 };

#define ETAG "\"e1\""
/* XXH3 of "0123456789" by another program */
#define DIGITS_TAG "\"e353667619ec664b49655fc9692165fb\""
#define ACCEL "x-accel-redirect"
#define SEND "x-sendfile"

static struct arena *arena;
static struct config config;
static struct blob_store *blobs;
static struct blob_ref small; /* "0123456789" */
static struct blob_ref large; /* a file of its own */
static char large_bytes[LARGE];

/* What look-ups find, one after the other; the last one stays. */
struct rows {
    const struct blob_ref *refs[4];
    size_t count;
    const char *etag;
    size_t looked_up;
};

static enum fault look_up(struct exchange *x, void *ctx, struct exchange_content *out,
                          struct problem *why)
{
    struct rows *rows = ctx;
    const size_t i = rows->looked_up < rows->count ? rows->looked_up : rows->count - 1;
    (void)x;
    rows->looked_up++;
    if (!rows->refs[i])
        return problem_set(why, FAULT_MISSING, "no such content");
    *out = (struct exchange_content){ .ref = *rows->refs[i],
                                      .content_type = "text/plain",
                                      .etag = rows->etag,
                                      .disposition = "attachment" };
    return FAULT_NONE;
}

static enum fault serve_rows(struct memory_io *io, struct exchange *x, struct rows *rows,
                             struct problem *why)
{
    *x = (struct exchange){ .config = &config, .arena = arena, .blobs = blobs };
    x->io = memory_io_exchange(io);
    *why = PROBLEM_NONE;
    assert_int_equal(exchange_open(x, why), FAULT_NONE);
    return exchange_reply_content(x, look_up, rows, why);
}

static enum fault serve(struct memory_io *io, struct exchange *x, const struct blob_ref *ref,
                        struct problem *why)
{
    struct rows rows = { .refs = { ref }, .count = 1, .etag = ETAG };
    return serve_rows(io, x, &rows, why);
}

static const struct {
    const char *method;
    const char *range;
    const char *if_range;
    const char *if_none_match;
    int status;
    const char *body;
    const char *header; /* that must be there */
} cases[] = {
    { "GET", NULL, NULL, NULL, 200, "0123456789", "\r\nContent-Length: 10\r\n" },
    { "GET", NULL, NULL, NULL, 200, "0123456789", "\r\nAccept-Ranges: bytes\r\n" },
    { "GET", NULL, NULL, NULL, 200, "0123456789", "\r\nETag: " ETAG "\r\n" },
    { "HEAD", NULL, NULL, NULL, 200, "", "\r\nContent-Length: 10\r\n" },
    { "GET", "bytes=2-4", NULL, NULL, 206, "234", "\r\nContent-Range: bytes 2-4/10\r\n" },
    { "GET", "bytes=2-4", NULL, NULL, 206, "234", "\r\nContent-Length: 3\r\n" },
    { "GET", "bytes=8-", NULL, NULL, 206, "89", "\r\nContent-Range: bytes 8-9/10\r\n" },
    { "GET", "bytes=-3", NULL, NULL, 206, "789", "\r\nETag: " ETAG "\r\n" },
    { "GET", "bytes=10-", NULL, NULL, 416, "", "\r\nContent-Range: bytes */10\r\n" },
    { "GET", "bytes=1-2,4-5", NULL, NULL, 200, "0123456789", "\r\nContent-Length: 10\r\n" },
    { "GET", "lines=1-2", NULL, NULL, 200, "0123456789", "\r\nContent-Length: 10\r\n" },
    { "HEAD", "bytes=2-4", NULL, NULL, 200, "", "\r\nContent-Length: 10\r\n" },
    { "POST", "bytes=2-4", NULL, NULL, 200, "0123456789", "\r\nContent-Length: 10\r\n" },
    { "GET", "bytes=2-4", ETAG, NULL, 206, "234", "\r\nContent-Length: 3\r\n" },
    { "GET", "bytes=2-4", "\"e2\"", NULL, 200, "0123456789", "\r\nContent-Length: 10\r\n" },
    { "GET", NULL, NULL, ETAG, 304, "", "\r\nETag: " ETAG "\r\n" },
    { "GET", NULL, NULL, "\"x\", W/" ETAG, 304, "", "\r\nETag: " ETAG "\r\n" },
    { "HEAD", NULL, NULL, "*", 304, "", "\r\nETag: " ETAG "\r\n" },
    { "GET", "bytes=2-4", NULL, ETAG, 304, "", "\r\nETag: " ETAG "\r\n" },
    { "GET", NULL, NULL, "\"e2\"", 200, "0123456789", "\r\nContent-Length: 10\r\n" },
};

static void test_ranges_and_conditions_choose_the_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct memory_io io;
        struct exchange x;
        struct problem why;
        memory_io_init(&io, cases[i].method, "/");
        memory_io_param(&io, "HTTP_RANGE", cases[i].range);
        memory_io_param(&io, "HTTP_IF_RANGE", cases[i].if_range);
        memory_io_param(&io, "HTTP_IF_NONE_MATCH", cases[i].if_none_match);
        assert_int_equal(serve(&io, &x, &small, &why), FAULT_NONE);
        if (x.status != cases[i].status || !strstr(memory_io_reply(&io), cases[i].header))
            (void)fprintf(stderr, "case %zu: %s\n", i, memory_io_reply(&io));
        assert_int_equal(x.status, cases[i].status);
        assert_string_equal(memory_io_body(&io), cases[i].body);
        assert_non_null(strstr(memory_io_reply(&io), cases[i].header));
        assert_int_equal(x.reply, REPLY_DONE);
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

static void test_a_large_content_is_sent_byte_for_byte(void **state)
{
    static const struct {
        const char *range;
        size_t first;
        size_t count;
    } parts[] = {
        { NULL, 0, LARGE },
        { "bytes=0-65535", 0, IO_CHUNK },
        { "bytes=65535-131072", IO_CHUNK - 1, IO_CHUNK + 2 },
        { "bytes=-1", LARGE - 1, 1 },
        { "bytes=300000-", 300000, LARGE - 300000 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct memory_io io;
        struct exchange x;
        struct problem why;
        memory_io_init(&io, "GET", "/");
        memory_io_param(&io, "HTTP_RANGE", parts[i].range);
        assert_int_equal(serve(&io, &x, &large, &why), FAULT_NONE);
        const char *body = memory_io_body(&io);
        assert_int_equal(io.reply.len - (size_t)(body - io.reply.data), parts[i].count);
        assert_memory_equal(body, large_bytes + parts[i].first, parts[i].count);
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

static void test_an_empty_content_is_an_empty_answer(void **state)
{
    const struct blob_ref empty = { .file = small.file, .start = small.start };
    struct memory_io io;
    struct exchange x;
    struct problem why;
    (void)state;
    memory_io_init(&io, "GET", "/");
    assert_int_equal(serve(&io, &x, &empty, &why), FAULT_NONE);
    assert_int_equal(x.status, 200);
    assert_string_equal(memory_io_body(&io), "");
    exchange_close(&x);
    memory_io_release(&io);
    arena_reset(arena);
}

/* A row that says that a content lies in another file than it does. */
static struct blob_ref elsewhere(const struct blob_ref *ref, int64_t files)
{
    struct blob_ref other = *ref;
    other.file += files;
    return other;
}

static void test_a_content_that_moves_is_looked_up_until_it_is_found(void **state)
{
    const struct blob_ref first = elsewhere(&small, 1000);
    const struct blob_ref second = elsewhere(&small, 2000);
    const struct {
        const struct blob_ref *refs[4];
        size_t count;
        size_t looked_up;
        enum fault fault;
    } moves[] = {
        { { &first, &small }, 2, 2, FAULT_NONE },
        { { &first, &second, &small }, 3, 3, FAULT_NONE },
        { { &first, NULL }, 2, 2, FAULT_MISSING }, /* deleted meanwhile */
        { { &first }, 1, 2, FAULT_DAMAGED },       /* it did not move: it is gone */
        { { &first, &second, &second }, 3, 3, FAULT_DAMAGED },
    };
    (void)state;
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct rows rows = { .count = moves[i].count, .etag = ETAG };
        struct memory_io io;
        struct exchange x;
        struct problem why;
        memcpy(rows.refs, moves[i].refs, sizeof rows.refs);
        memory_io_init(&io, "GET", "/");
        assert_int_equal(serve_rows(&io, &x, &rows, &why), moves[i].fault);
        assert_int_equal(why.fault, moves[i].fault);
        assert_int_equal(rows.looked_up, moves[i].looked_up);
        if (moves[i].fault == FAULT_NONE) {
            assert_string_equal(memory_io_body(&io), "0123456789");
            const char *tag = strstr(memory_io_reply(&io), "ETag");
            assert_non_null(tag);
            assert_null(strstr(tag + 1, "ETag")); /* nothing of the first try is left */
        } else {
            assert_string_equal(memory_io_reply(&io), "");
            assert_int_equal(x.reply, REPLY_NONE);
        }
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

static void test_a_tag_is_what_the_content_is(void **state)
{
    struct blob_ref undigested = small;
    const struct blob_ref *const refs[] = { &small, &undigested };
    (void)state;
    memset(undigested.digest, 0, sizeof undigested.digest);
    for (size_t i = 0; i < 2; i++) {
        struct rows rows = { .refs = { refs[i] }, .count = 1 };
        struct memory_io io;
        struct exchange x;
        struct problem why;
        memory_io_init(&io, "GET", "/");
        assert_int_equal(serve_rows(&io, &x, &rows, &why), FAULT_NONE);
        assert_string_equal(memory_io_body(&io), "0123456789");
        const char *tag = strstr(memory_io_reply(&io), "ETag: " DIGITS_TAG "\r\n");
        assert_true(i == 0 ? tag != NULL : tag == NULL);
        assert_non_null(strstr(memory_io_reply(&io), "\r\nContent-Disposition: attachment\r\n"));
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

/* A row whose digest is not that of the bytes, which is what a flipped bit comes to. */
static struct blob_ref flipped(const struct blob_ref *ref)
{
    struct blob_ref other = *ref;
    other.digest[0] ^= 1;
    return other;
}

static void test_wrong_bytes_do_not_go_out_whole(void **state)
{
    const struct blob_ref bad_small = flipped(&small);
    const struct blob_ref bad_large = flipped(&large);
    struct blob_ref long_large = large;
    struct blob_ref long_small = small;
    long_large.bytes += IO_CHUNK;
    long_small.bytes += IO_CHUNK;
    const struct {
        const struct blob_ref *ref;
        const char *range;
        enum fault fault;
        size_t most; /* bytes of the body that may have gone out */
    } wrong[] = {
        { &bad_small, NULL, FAULT_DAMAGED, 0 },
        { &bad_small, "bytes=2-4", FAULT_DAMAGED, 0 },
        { &bad_large, NULL, FAULT_DAMAGED, LARGE - 1 },
        { &bad_large, "bytes=0-9", FAULT_NONE, 10 }, /* only whole ones can be compared */
        { &long_large, NULL, FAULT_DAMAGED, 0 },
        { &long_large, "bytes=0-9", FAULT_DAMAGED, 0 },
        { &long_small, NULL, FAULT_DAMAGED, 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct memory_io io;
        struct exchange x;
        struct problem why;
        memory_io_init(&io, "GET", "/");
        memory_io_param(&io, "HTTP_RANGE", wrong[i].range);
        assert_int_equal(serve(&io, &x, wrong[i].ref, &why), wrong[i].fault);
        if (wrong[i].most == 0) {
            assert_string_equal(memory_io_reply(&io), "");
            assert_int_equal(x.reply, REPLY_NONE);
        } else {
            const char *body = memory_io_body(&io);
            assert_true(io.reply.len - (size_t)(body - io.reply.data) <= wrong[i].most);
            assert_int_equal(x.reply, wrong[i].fault ? REPLY_STREAMING : REPLY_DONE);
        }
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

static void test_whole_files_are_handed_to_the_web_server_when_it_can(void **state)
{
    static const struct {
        enum sendfile_mode mode;
        bool large;
        const char *server; /* what its configuration says that it can */
        const char *method;
        const char *condition; /* a header of the request, or NULL */
        const char *header;    /* NULL: sent by ourselves */
    } modes[] = {
        { SENDFILE_X_ACCEL, true, ACCEL, "GET", NULL, "\r\nX-Accel-Redirect: /sluice-blobs/" },
        { SENDFILE_X_SENDFILE, true, SEND, "GET", NULL, "\r\nX-Sendfile: /" },
        { SENDFILE_X_ACCEL, true, ACCEL, "GET", "HTTP_RANGE", NULL },
        { SENDFILE_X_ACCEL, true, ACCEL, "GET", "HTTP_IF_MATCH", NULL },
        { SENDFILE_X_ACCEL, true, ACCEL, "GET", "HTTP_IF_MODIFIED_SINCE", NULL },
        { SENDFILE_X_ACCEL, true, ACCEL, "GET", "HTTP_IF_UNMODIFIED_SINCE", NULL },
        { SENDFILE_X_ACCEL, true, ACCEL, "HEAD", NULL, NULL },
        { SENDFILE_X_ACCEL, false, ACCEL, "GET", NULL, NULL },
        { SENDFILE_X_ACCEL, true, SEND, "GET", NULL, NULL },
        { SENDFILE_X_ACCEL, true, NULL, "GET", NULL, NULL },
        { SENDFILE_X_SENDFILE, true, ACCEL, "GET", NULL, NULL },
        { SENDFILE_X_SENDFILE, true, NULL, "GET", NULL, NULL },
        { SENDFILE_OFF, true, ACCEL, "GET", NULL, NULL },
        { SENDFILE_OFF, true, SEND, "GET", NULL, NULL },
    };
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct memory_io io;
        struct exchange x;
        struct problem why;
        config.sendfile = (int)modes[i].mode;
        memory_io_init(&io, modes[i].method, "/");
        memory_io_param(&io, "SLUICE_SENDFILE", modes[i].server);
        if (modes[i].condition)
            memory_io_param(&io, modes[i].condition,
                            strcmp(modes[i].condition, "HTTP_IF_MATCH") == 0 ? "*" : "bytes=0-1");
        assert_int_equal(serve(&io, &x, modes[i].large ? &large : &small, &why), FAULT_NONE);
        if (modes[i].header) {
            assert_non_null(strstr(memory_io_reply(&io), modes[i].header));
            assert_non_null(strstr(memory_io_reply(&io), "\r\nETag: " ETAG "\r\n"));
            assert_non_null(strstr(memory_io_reply(&io), "\r\nAccept-Ranges: bytes\r\n"));
            assert_string_equal(memory_io_body(&io), "");
        } else {
            assert_null(strstr(memory_io_reply(&io), "\r\nX-Accel-Redirect"));
            assert_null(strstr(memory_io_reply(&io), "\r\nX-Sendfile"));
        }
        config.sendfile = SENDFILE_OFF;
        exchange_close(&x);
        memory_io_release(&io);
        arena_reset(arena);
    }
}

static void store(const char *bytes, size_t len, struct blob_ref *out)
{
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    assert_int_equal(blob_begin(blobs, len, &writer, &why), FAULT_NONE);
    assert_int_equal(blob_write(writer, bytes, len, &why), FAULT_NONE);
    assert_int_equal(blob_seal(writer, out, &why), FAULT_NONE);
    assert_int_equal(blob_flush(blobs, &why), FAULT_NONE);
    blob_keep(blobs);
}

static int make_store(void **state)
{
    static char folder[] = "/tmp/sluice-test-XXXXXX";
    char path[64];
    struct problem why = PROBLEM_NONE;
    *state = folder;
    arena = arena_create(ARENA_MAX);
    if (!arena || !mkdtemp(folder))
        return -1;
    (void)snprintf(config.state, sizeof config.state, "%s", folder);
    (void)snprintf(path, sizeof path, "%s/blobs", folder);
    if (blob_open(path, WORKER, &blobs, &why) != FAULT_NONE)
        return -1;
    for (size_t i = 0; i < LARGE; i++)
        large_bytes[i] = (char)(i * 31 + i / 251);
    store("0123456789", SMALL_LEN, &small);
    store(large_bytes, LARGE, &large);
    return 0;
}

static int remove_store(void **state)
{
    char command[128];
    blob_close(blobs);
    arena_destroy(arena);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", (const char *)*state);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_and_conditions_choose_the_answer),
        cmocka_unit_test(test_a_large_content_is_sent_byte_for_byte),
        cmocka_unit_test(test_an_empty_content_is_an_empty_answer),
        cmocka_unit_test(test_a_content_that_moves_is_looked_up_until_it_is_found),
        cmocka_unit_test(test_a_tag_is_what_the_content_is),
        cmocka_unit_test(test_wrong_bytes_do_not_go_out_whole),
        cmocka_unit_test(test_whole_files_are_handed_to_the_web_server_when_it_can),
    };
    return cmocka_run_group_tests(tests, make_store, remove_store);
}
