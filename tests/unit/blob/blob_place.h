/*
 * blob_place.h - what the tests of the blob store share: a store in a folder of its own, contents
 * whose bytes can be told from their number, and what lies in the folder.
 */
#ifndef TESTS_UNIT_BLOB_PLACE_H
#define TESTS_UNIT_BLOB_PLACE_H

#include "base/limits.h"
#include "blob/blob.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    PLACE_WORKER = 0x1234,
    PLACE_LARGE = 3 * BLOB_PACK_BELOW, /* bytes of the largest content that place_put() makes */
    PLACE_PATH_MAX = 320,
};

struct place {
    char folder[64];
    struct blob_store *store;
};

static inline struct blob_store *place_open(const struct place *place, uint64_t worker)
{
    struct problem why = PROBLEM_NONE;
    struct blob_store *store = NULL;
    assert_int_equal(blob_open(place->folder, worker, &store, &why), FAULT_NONE);
    return store;
}

static inline int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->folder, sizeof place->folder, "blobs-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->store = place_open(place, PLACE_WORKER);
    *state = place;
    return 0;
}

static inline int place_teardown(void **state)
{
    struct place *place = *state;
    char command[128];
    blob_close(place->store);
    (void)snprintf(command, sizeof command, "rm -rf %s", place->folder);
    const int status = system(command); /* NOLINT(cert-env33-c): our own folder's name */
    free(place);
    return status;
}

/* Bytes that tell their content and their place in it. */
static inline unsigned char place_byte(size_t content, uint64_t at)
{
    return (unsigned char)(at * 31 + (at >> 8) * 7 + content * 101);
}

static inline const unsigned char *place_bytes(size_t content, size_t len)
{
    static unsigned char bytes[PLACE_LARGE];
    assert_true(len <= sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = place_byte(content, i);
    return bytes;
}

/* Begins and writes a content in pieces of step bytes; the first fault ends it. */
static inline enum fault place_write(struct blob_store *store, size_t content, size_t len,
                                     size_t step, struct blob_writer **out, struct problem *why)
{
    const unsigned char *bytes = place_bytes(content, len);
    enum fault f = blob_begin(store, PLACE_LARGE, out, why);
    for (size_t at = 0; at < len && !f; at += step)
        f = blob_write(*out, bytes + at, len - at < step ? len - at : step, why);
    return f;
}

/* Writes and seals; after a fault nothing is open. */
static inline enum fault place_try(struct blob_store *store, size_t content, size_t len,
                                   struct blob_ref *ref, struct problem *why)
{
    struct blob_writer *writer = NULL;
    const enum fault f = place_write(store, content, len, IO_CHUNK, &writer, why);
    if (!f)
        return blob_seal(writer, ref, why);
    blob_discard(writer);
    return f;
}

/* A row's place, without a digest. */
static inline struct blob_ref place_ref(int64_t file, int64_t start, int64_t bytes)
{
    return (struct blob_ref){ .file = file, .start = start, .bytes = bytes };
}

static inline struct blob_ref place_put(struct blob_store *store, size_t content, size_t len)
{
    struct problem why = PROBLEM_NONE;
    struct blob_ref ref = { 0 };
    assert_int_equal(place_try(store, content, len, &ref, &why), FAULT_NONE);
    assert_int_equal(ref.bytes, len);
    return ref;
}

static inline void place_flush(struct blob_store *store)
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(blob_flush(store, &why), FAULT_NONE);
}

/* Whether a content reads back, in pieces of step bytes, as it was written. */
static inline enum fault place_read(struct blob_store *store, size_t content,
                                    const struct blob_ref *ref, size_t step, struct problem *why)
{
    static unsigned char bytes[PLACE_LARGE];
    uint64_t at = 0;
    size_t got = 1;
    while (got > 0) {
        const enum fault f = blob_read(store, ref, at, bytes, step, &got, why);
        if (f)
            return f;
        for (size_t i = 0; i < got; i++) {
            if (bytes[i] != place_byte(content, at + i))
                return problem_internal(why, "byte %zu is wrong", (size_t)at + i);
        }
        at += got;
    }
    return at == (uint64_t)ref->bytes ? FAULT_NONE : problem_internal(why, "the end is missing");
}

static inline void place_check(struct blob_store *store, size_t content, const struct blob_ref *ref)
{
    struct problem why = PROBLEM_NONE;
    const enum fault f = place_read(store, content, ref, IO_CHUNK, &why);
    if (f)
        (void)fprintf(stderr, "content %zu: %s, %s\n", content, why.text, why.detail);
    assert_int_equal(f, FAULT_NONE);
}

static inline void place_path(const struct place *place, uint64_t worker, const char *name,
                              char out[PLACE_PATH_MAX])
{
    (void)snprintf(out, PLACE_PATH_MAX, "%s/%010llx/%s", place->folder, (unsigned long long)worker,
                   name);
}

/* Bytes of a file of the store, -1 when it is not there. */
static inline int64_t place_file_size(const struct place *place, int64_t file)
{
    char path[PLACE_PATH_MAX];
    struct stat meta = { 0 };
    (void)snprintf(path, sizeof path, "%s/%010llx/%06llx", place->folder,
                   (unsigned long long)file >> 24, (unsigned long long)file & 0xFFFFFF);
    return stat(path, &meta) == 0 ? meta.st_size : -1;
}

/* Entries of a worker's folder besides its lock, -1 when there is no folder. */
static inline int place_files(const struct place *place, uint64_t worker)
{
    char path[PLACE_PATH_MAX];
    int count = 0;
    place_path(place, worker, "", path);
    DIR *list = opendir(path);
    if (!list)
        return -1;
    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list))
        count += entry->d_name[0] != '.' && strcmp(entry->d_name, "lock") != 0;
    (void)closedir(list);
    return count;
}

static inline bool place_has_lock(const struct place *place, uint64_t worker)
{
    char path[PLACE_PATH_MAX];
    place_path(place, worker, "lock", path);
    return access(path, F_OK) == 0;
}

#endif
