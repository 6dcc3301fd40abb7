/* The tray of small files: what waits, what is looked up together, and what is sealed. */
#include "base/limits.h"
#include "db/oxen_store.h"
#include "oxen/tray.h"
#include "stream/digest.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

enum { NOW = 1700000000, WORKER = 7, PIECE = 64 * KIB, LARGE = 200 * KIB };

static struct shim *shim;
static struct rig rig;
static struct blob_store *blobs;
static struct oxen_tray *tray;
static int64_t repository;
static struct problem why;

static int set_up(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    struct oxen_repository row = { 0 };
    bool found = false;
    rig_begin(&rig, shim, STATE_CHECKPOINT_BYTES);
    state_path(&rig.state, "blobs", path);
    why = PROBLEM_NONE;
    assert_int_equal(blob_open(path, WORKER, &blobs, &why), FAULT_NONE);
    assert_int_equal(oxen_store_repository_add(rig.db, "ns", "name", "uuid", NOW, &why),
                     FAULT_NONE);
    assert_int_equal(oxen_store_repository_find(rig.db, "ns", "name", &row, &found, &why),
                     FAULT_NONE);
    repository = row.id;
    tray = oxen_tray_create(rig.db, blobs, repository);
    assert_non_null(tray);
    return 0;
}

/* What is not kept the store takes back, so that its folder is empty. */
static int tear_down(void **state)
{
    (void)state;
    char path[STATE_PATH_MAX];
    oxen_tray_destroy(tray);
    blob_close(blobs);
    state_path(&rig.state, "blobs", path);
    assert_int_equal(rmdir(path), 0);
    rig_end(&rig);
    return 0;
}

/* Bytes of file i. */
static unsigned char byte_of(size_t i, size_t at)
{
    return (unsigned char)(i * 31 + at * 7 + at / PIECE);
}

static struct oxen_version version_of(size_t i)
{
    struct oxen_version version = { .state = OXEN_VERSION_ABSENT };
    version.hash[0] = (uint8_t)(i * 101);
    version.hash[1] = (uint8_t)(i >> 8);
    version.hash[2] = (uint8_t)i;
    return version;
}

static void write_bytes(size_t i, size_t len)
{
    unsigned char piece[PIECE];
    for (size_t at = 0; at < len;) {
        const size_t step = len - at < PIECE ? len - at : PIECE;
        bool fits = false;
        for (size_t n = 0; n < step; n++)
            piece[n] = byte_of(i, at + n);
        assert_int_equal(oxen_tray_write(tray, piece, step, &fits, &why), FAULT_NONE);
        assert_true(fits);
        at += step;
    }
}

/* The file's own hash, by which the tray tells whether stored bytes are the right ones. */
static void hash_bytes(size_t i, size_t len, uint8_t out[OXEN_KEY_BYTES])
{
    unsigned char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (size_t n = 0; n < len; n++)
        bytes[n] = byte_of(i, n);
    digest_xxh3_of(bytes, len, out);
    free(bytes);
}

static void put(size_t i, size_t len, struct oxen_version *version)
{
    *version = version_of(i);
    hash_bytes(i, len, version->hash);
    write_bytes(i, len);
    assert_int_equal(oxen_tray_keep(tray, version, &why), FAULT_NONE);
}

static void check_bytes(size_t i, size_t len, const struct blob_ref *ref)
{
    unsigned char piece[PIECE];
    assert_int_equal(ref->bytes, len);
    for (size_t at = 0; at < len;) {
        size_t got = 0;
        assert_int_equal(blob_read(blobs, ref, at, piece, sizeof piece, &got, &why), FAULT_NONE);
        for (size_t n = 0; n < got; n++)
            assert_int_equal(piece[n], byte_of(i, at + n));
        at += got;
    }
}

static void check_in(size_t i, size_t len, const struct oxen_version *version,
                     enum oxen_version_state state)
{
    const struct blob_ref ref = oxen_version_ref(version);
    assert_int_equal(version->state, state);
    check_bytes(i, len, &ref);
}

static void check(size_t i, size_t len, const struct oxen_version *version)
{
    check_in(i, len, version, OXEN_VERSION_FRESH);
}

static void test_files_wait_until_as_many_as_are_looked_up_at_once(void **state)
{
    (void)state;
    static struct oxen_version versions[OXEN_LOOKUP_VERSIONS];
    for (size_t i = 0; i < OXEN_LOOKUP_VERSIONS; i++) {
        if (i > 0)
            assert_int_equal(versions[i - 1].state, OXEN_VERSION_ABSENT);
        put(i, i, &versions[i]);
    }
    for (size_t i = 0; i < OXEN_LOOKUP_VERSIONS; i++)
        check(i, i, &versions[i]);
}

static void test_a_full_tray_is_poured_in_the_middle_of_a_file(void **state)
{
    (void)state;
    enum { FILES = 5 };
    struct oxen_version versions[FILES];
    put(0, LARGE, &versions[0]);
    put(1, LARGE, &versions[1]);
    assert_int_equal(versions[1].state, OXEN_VERSION_ABSENT);
    for (size_t i = 2; i < FILES; i++)
        put(i, LARGE, &versions[i]);
    assert_int_equal(versions[1].state, OXEN_VERSION_FRESH);
    assert_int_equal(versions[FILES - 1].state, OXEN_VERSION_ABSENT);
    assert_int_equal(oxen_tray_pour(tray, &why), FAULT_NONE);
    for (size_t i = 0; i < FILES; i++)
        check(i, LARGE, &versions[i]);
}

/* What an earlier upload brought, of which the rows of some say another place than they lie at. */
static void test_what_is_stored_already_is_not_sealed_unless_its_bytes_are_gone(void **state)
{
    (void)state;
    enum { FILES = 40, EVERY = 3, GONE = 9 };
    struct oxen_version stored[FILES];
    struct oxen_version versions[FILES];
    size_t count = 0;
    for (size_t i = 0; i < FILES; i += EVERY)
        put(i, i + 1, &stored[count++]);
    assert_int_equal(oxen_tray_pour(tray, &why), FAULT_NONE);
    assert_int_equal(blob_flush(blobs, &why), FAULT_NONE);
    for (size_t i = 0; i < count; i++)
        stored[i].start += i * EVERY % GONE == 0;
    assert_int_equal(oxen_store_versions_add(rig.other, repository, stored, count, &why),
                     FAULT_NONE);
    for (size_t i = 0; i < FILES; i++)
        put(i, i + 1, &versions[i]);
    assert_int_equal(oxen_tray_pour(tray, &why), FAULT_NONE);
    for (size_t i = 0; i < FILES; i++) {
        if (i % GONE == 0)
            check_in(i, i + 1, &versions[i], OXEN_VERSION_RENEWED);
        else if (i % EVERY == 0)
            assert_int_equal(versions[i].state, OXEN_VERSION_KNOWN);
        else
            check(i, i + 1, &versions[i]);
    }
    assert_int_equal(blob_flush(blobs, &why), FAULT_NONE);
    assert_int_equal(oxen_store_versions_add(rig.db, repository, versions, FILES, &why),
                     FAULT_NONE);
    for (size_t i = 0; i < FILES; i++) {
        struct blob_ref ref = { 0 };
        bool found = false;
        assert_int_equal(versions[i].state, OXEN_VERSION_DONE);
        assert_int_equal(
            oxen_store_version_find(rig.db, repository, versions[i].hash, &ref, &found, &why),
            FAULT_NONE);
        assert_true(found);
        check_bytes(i, i + 1, &ref);
    }
}

static void test_a_file_that_grows_large_is_moved_with_its_bytes(void **state)
{
    (void)state;
    enum { FITS = BLOB_PACK_BELOW - 1 };
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    struct oxen_version small[2];
    struct oxen_version large = version_of(1);
    size_t held = 0;
    bool fits = true;
    put(0, FITS, &small[0]);
    write_bytes(1, FITS);
    assert_int_equal(oxen_tray_write(tray, "x", 1, &fits, &why), FAULT_NONE);
    assert_false(fits);
    assert_int_equal(blob_begin(blobs, FITS, &writer, &why), FAULT_NONE);
    const void *bytes = oxen_tray_held(tray, &held);
    assert_int_equal(held, FITS);
    assert_int_equal(blob_write(writer, bytes, held, &why), FAULT_NONE);
    oxen_tray_discard(tray);
    assert_int_equal(blob_seal(writer, &ref, &why), FAULT_NONE);
    oxen_version_place(&large, &ref);
    large.state = OXEN_VERSION_FRESH;
    check(1, FITS, &large);
    put(2, 1, &small[1]);
    assert_int_equal(oxen_tray_pour(tray, &why), FAULT_NONE);
    check(0, FITS, &small[0]);
    check(2, 1, &small[1]);
}

static void test_a_discarded_file_leaves_the_others(void **state)
{
    (void)state;
    struct oxen_version versions[2];
    put(0, PIECE, &versions[0]);
    write_bytes(1, LARGE);
    oxen_tray_discard(tray);
    put(2, LARGE, &versions[1]);
    assert_int_equal(oxen_tray_pour(tray, &why), FAULT_NONE);
    check(0, PIECE, &versions[0]);
    check(2, LARGE, &versions[1]);
}

/* Nothing may name what was not sealed. */
static void test_what_was_never_poured_is_named_by_nothing(void **state)
{
    (void)state;
    struct oxen_version versions[2];
    put(0, 1, &versions[0]);
    put(1, 1, &versions[1]);
    oxen_tray_destroy(tray);
    tray = oxen_tray_create(rig.db, blobs, repository);
    assert_non_null(tray);
    assert_int_equal(oxen_store_versions_add(rig.db, repository, versions, 2, &why), FAULT_NONE);
    assert_int_equal(versions[0].state, OXEN_VERSION_LOST);
    assert_int_equal(versions[1].state, OXEN_VERSION_LOST);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    shim = shim_install();
    const struct CMUnitTest tests[] = {
        RIGGED(test_files_wait_until_as_many_as_are_looked_up_at_once),
        RIGGED(test_a_full_tray_is_poured_in_the_middle_of_a_file),
        RIGGED(test_what_is_stored_already_is_not_sealed_unless_its_bytes_are_gone),
        RIGGED(test_a_file_that_grows_large_is_moved_with_its_bytes),
        RIGGED(test_a_discarded_file_leaves_the_others),
        RIGGED(test_what_was_never_poured_is_named_by_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
