/* What is written is read back, wherever it lies and however it was cut. */
#include "base/limits.h"
#include "blob/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKER = 0x1234, BIGGEST = 3 * BLOB_PACK_BELOW };

struct place {
    char folder[64];
    struct blob_store *store;
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    struct problem why = PROBLEM_NONE;
    assert_non_null(place);
    (void)snprintf(place->folder, sizeof place->folder, "blobs-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    assert_int_equal(blob_open(place->folder, WORKER, &place->store, &why), FAULT_NONE);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    char command[128];
    blob_close(place->store);
    (void)snprintf(command, sizeof command, "rm -rf %s", place->folder);
    const int status =
        system(command); /* NOLINT(cert-env33-c): a fixed command on our own folder */
    free(place);
    return status;
}

/* Bytes that tell their place and their content. */
static unsigned char byte_at(size_t content, size_t at)
{
    return (unsigned char)(at * 31 + (at >> 8) * 7 + content * 101);
}

static struct blob_ref put(struct blob_store *store, size_t content, size_t len, size_t step)
{
    static unsigned char bytes[BIGGEST];
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(content, i);
    assert_int_equal(blob_begin(store, BIGGEST, &writer, &why), FAULT_NONE);
    for (size_t at = 0; at < len; at += step) {
        const size_t n = len - at < step ? len - at : step;
        assert_int_equal(blob_write(writer, bytes + at, n, &why), FAULT_NONE);
    }
    assert_int_equal(blob_seal(writer, &ref, &why), FAULT_NONE);
    assert_int_equal(ref.bytes, len);
    return ref;
}

static void check(struct blob_store *store, size_t content, const struct blob_ref *ref, size_t step)
{
    static unsigned char bytes[BIGGEST];
    struct problem why = PROBLEM_NONE;
    uint64_t at = 0;
    size_t got = 1;
    while (got > 0) {
        assert_int_equal(blob_read(store, ref, at, bytes, step, &got, &why), FAULT_NONE);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(bytes[i], byte_at(content, at + i));
        at += got;
    }
    assert_int_equal(at, ref->bytes);
}

static void test_what_was_written_is_read_back_whatever_its_size_and_pieces(void **state)
{
    struct place *place = *state;
    static const size_t sizes[] = { 0,
                                    1,
                                    4096,
                                    BLOB_PACK_BELOW - 1,
                                    BLOB_PACK_BELOW,
                                    BLOB_PACK_BELOW + 1,
                                    2 * BLOB_PACK_BELOW,
                                    2 * BLOB_PACK_BELOW + 1 };
    static const size_t steps[] = {
        1000, 4096, IO_CHUNK, BLOB_PACK_BELOW - 1, BLOB_PACK_BELOW, BLOB_PACK_BELOW + 1, BIGGEST
    };
    enum { SIZES = sizeof sizes / sizeof sizes[0], STEPS = sizeof steps / sizeof steps[0] };
    struct blob_ref refs[SIZES][STEPS];
    struct problem why = PROBLEM_NONE;

    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < STEPS; j++) {
            refs[i][j] = put(place->store, i * STEPS + j, sizes[i], steps[j]);
            check(place->store, i * STEPS + j, &refs[i][j], IO_CHUNK); /* not flushed yet */
        }
    }
    assert_int_equal(blob_flush(place->store, &why), FAULT_NONE);
    blob_keep(place->store);

    struct blob_store *reader = NULL;
    assert_int_equal(blob_open(place->folder, 0, &reader, &why), FAULT_NONE);
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < STEPS; j++)
            check(reader, i * STEPS + j, &refs[i][j], steps[j]);
    }
    blob_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_what_was_written_is_read_back_whatever_its_size_and_pieces, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
