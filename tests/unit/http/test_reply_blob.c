/* test_reply_blob.c - stored contents are sent whole, in part, or not at all when known. */
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
#define ACCEL "x-accel-redirect"
#define SEND "x-sendfile"

static struct arena *arena;
static struct config config;
static struct blob_store *blobs;
static struct blob_ref small; /* "0123456789" */
static struct blob_ref large; /* a file of its own */
static char large_bytes[LARGE];

static enum fault serve(struct memory_io *io, struct exchange *x, const struct blob_ref *ref,
                        struct problem *why)
{
    *x = (struct exchange){ .config = &config, .arena = arena, .blobs = blobs };
    x->io = memory_io_exchange(io);
    *why = PROBLEM_NONE;
    assert_int_equal(exchange_open(x, why), FAULT_NONE);
    return exchange_reply_blob(x, ref, "text/plain", ETAG, why);
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
    const struct blob_ref empty = { small.file, small.start, 0 };
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

static void test_a_content_that_moved_can_be_looked_up_again(void **state)
{
    const struct blob_ref moved = { small.file + 1000, 0, SMALL_LEN };
    struct memory_io io;
    struct exchange x;
    struct problem why;
    (void)state;
    memory_io_init(&io, "GET", "/");
    assert_int_equal(serve(&io, &x, &moved, &why), FAULT_GONE);
    assert_string_equal(memory_io_reply(&io), "");
    assert_int_equal(x.reply, REPLY_NONE);
    why = PROBLEM_NONE;
    assert_int_equal(exchange_reply_blob(&x, &small, "text/plain", ETAG, &why), FAULT_NONE);
    assert_string_equal(memory_io_body(&io), "0123456789");
    const char *first = strstr(memory_io_reply(&io), "ETag");
    assert_non_null(first);
    assert_null(strstr(first + 1, "ETag")); /* nothing of the first try is left */
    exchange_close(&x);
    memory_io_release(&io);
    arena_reset(arena);
}

static void test_a_content_shorter_than_its_row_breaks_the_answer(void **state)
{
    const struct blob_ref longer = { large.file, large.start, large.bytes + IO_CHUNK };
    struct memory_io io;
    struct exchange x;
    struct problem why;
    (void)state;
    memory_io_init(&io, "GET", "/");
    assert_int_equal(serve(&io, &x, &longer, &why), FAULT_INTERNAL);
    assert_int_equal(x.reply, REPLY_STREAMING);
    exchange_close(&x);
    memory_io_release(&io);
    arena_reset(arena);
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
            memory_io_param(&io, modes[i].condition, "bytes=0-1");
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
        cmocka_unit_test(test_a_content_that_moved_can_be_looked_up_again),
        cmocka_unit_test(test_a_content_shorter_than_its_row_breaks_the_answer),
        cmocka_unit_test(test_whole_files_are_handed_to_the_web_server_when_it_can),
    };
    return cmocka_run_group_tests(tests, make_store, remove_store);
}
