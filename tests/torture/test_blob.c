/* test_blob.c - memory ends at every allocation of the blob store in turn: a fault, nothing lost,
 * nothing leaked (the sanitizers look), and the next try works. */
#include "base/limits.h"
#include "blob/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SMALL = 5000, LARGE = 2 * BLOB_PACK_BELOW };

/* How many allocations succeed before one fails; SIZE_MAX: all do. */
static size_t memory_left = SIZE_MAX;

static bool memory_ends(void)
{
    if (memory_left == SIZE_MAX)
        return false;
    if (memory_left > 0) {
        memory_left--;
        return false;
    }
    memory_left = SIZE_MAX; /* only this one fails */
    return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return memory_ends() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return memory_ends() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return memory_ends() ? NULL : __real_realloc(old, size);
}

static enum fault put(struct blob_store *store, size_t len, struct blob_ref *ref,
                      struct problem *why)
{
    static const unsigned char bytes[LARGE] = { 'a', 'b', 'c' };
    struct blob_writer *writer = NULL;
    enum fault f = blob_begin(store, len, &writer, why);
    if (f)
        return f;
    f = blob_write(writer, bytes, len, why);
    if (!f)
        return blob_seal(writer, ref, why);
    blob_discard(writer);
    return f;
}

static enum fault request(struct blob_store *store, struct blob_ref refs[2], struct problem *why)
{
    enum fault f = put(store, SMALL, &refs[0], why);
    if (!f)
        f = put(store, LARGE, &refs[1], why);
    if (!f)
        f = blob_flush(store, why);
    return f;
}

static void check(struct blob_store *store, const struct blob_ref *ref)
{
    struct problem why = PROBLEM_NONE;
    char bytes[3];
    size_t got = 0;
    assert_int_equal(blob_read(store, ref, 0, bytes, sizeof bytes, &got, &why), FAULT_NONE);
    assert_int_equal(got, sizeof bytes);
    assert_memory_equal(bytes, "abc", sizeof bytes);
}

static void test_memory_that_ends_anywhere_is_a_fault_and_the_next_try_works(void **state)
{
    char folder[] = "blobs-XXXXXX";
    size_t faults = 0;
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t at = 0; memory_left == SIZE_MAX; at++) {
        struct problem why = PROBLEM_NONE;
        struct blob_store *store = NULL;
        struct blob_ref refs[2] = { 0 };
        memory_left = at;
        enum fault f = blob_open(folder, at + 1, &store, &why);
        if (!f)
            f = request(store, refs, &why);
        if (memory_left != SIZE_MAX) { /* there were fewer allocations than that */
            assert_int_equal(f, FAULT_NONE);
            blob_close(store);
            break;
        }
        assert_int_equal(f, FAULT_INTERNAL);
        assert_non_null(strstr(why.detail, "memory"));
        faults++;
        why = PROBLEM_NONE;
        if (!store)
            assert_int_equal(blob_open(folder, at + 1, &store, &why), FAULT_NONE);
        blob_drop(store);
        assert_int_equal(request(store, refs, &why), FAULT_NONE);
        check(store, &refs[0]);
        check(store, &refs[1]);
        blob_close(store);
    }
    memory_left = SIZE_MAX;
    assert_int_equal(faults, 4); /* the store, the stage, the pack's buffer, a large one's digest */
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_ends_anywhere_is_a_fault_and_the_next_try_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
