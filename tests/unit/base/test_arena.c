/* test_arena.c - one request's memory: capped, zeroed, aligned, and given back at once. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CAP = 1000000 };

static int setup(void **state)
{
    *state = arena_create(CAP);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    arena_destroy(*state);
    return 0;
}

static void test_every_allocation_is_zeroed_aligned_and_apart_from_the_others(void **state)
{
    struct arena *arena = *state;
    static const size_t sizes[] = { 1, 15, 16, 17, 4000, 16383, 16384, 65536, 65537, 200000, 3 };
    enum { SIZES = sizeof sizes / sizeof sizes[0], ROUNDS = 2 };
    for (int round = 0; round < ROUNDS; round++) { /* the second one finds used memory */
        unsigned char *pieces[SIZES];
        for (size_t i = 0; i < SIZES; i++) {
            pieces[i] = arena_alloc(arena, sizes[i]);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(pieces[i][at], 0);
            memset(pieces[i], (int)i + 1, sizes[i]);
        }
        for (size_t i = 0; i < SIZES; i++) {
            for (size_t at = 0; at < sizes[i]; at++)
                assert_int_equal(pieces[i][at], i + 1);
        }
        arena_reset(arena);
    }
}

static void test_the_cap_holds_and_a_reset_gives_all_of_it_back(void **state)
{
    struct arena *arena = *state;
    assert_null(arena_alloc(arena, CAP + 1));
    assert_non_null(arena_alloc(arena, CAP));
    assert_int_equal(arena_used(arena), CAP);
    assert_null(arena_alloc(arena, 1));
    assert_null(arena_strdup(arena, "x", 1));
    assert_null(arena_printf(arena, "%d", 1));
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    size_t count = 0;
    while (arena_alloc(arena, 1000))
        count++;
    assert_int_equal(count, CAP / 1008); /* each takes a multiple of the alignment */
}

static void test_impossible_sizes_are_refused_whatever_the_cap(void **state)
{
    /* each would wrap around somewhere on its way to malloc() */
    static const size_t sizes[] = { SIZE_MAX,      SIZE_MAX - 1,  SIZE_MAX - 15,
                                    SIZE_MAX - 16, SIZE_MAX - 31, SIZE_MAX - 40 };
    (void)state;
    struct arena *arena = arena_create(SIZE_MAX);
    assert_non_null(arena);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_null(arena_alloc(arena, sizes[i]));
    assert_null(arena_strdup(arena, "x", SIZE_MAX));
    assert_non_null(arena_alloc(arena, 0));
    arena_destroy(arena);
}

static void test_a_copy_is_terminated_and_keeps_its_bytes(void **state)
{
    struct arena *arena = *state;
    const char *copy = arena_strdup(arena, "a\0b!", 3);
    assert_memory_equal(copy, "a\0b", 4);
    assert_string_equal(arena_strdup(arena, NULL, 0), "");
}

static void test_printing_takes_what_it_needs(void **state)
{
    struct arena *arena = *state;
    char want[70001];
    memset(want, '0', sizeof want - 1);
    want[sizeof want - 1] = '\0';
    assert_string_equal(arena_printf(arena, "%0*d", (int)sizeof want - 1, 0), want);
    assert_string_equal(arena_printf(arena, "%s", ""), "");
}

/* Deferred things are numbers; their releases write down the order. */
struct notes {
    int released[4];
    size_t count;
};

struct thing {
    struct notes *notes;
    int number;
};

static void release(void *thing)
{
    const struct thing *it = thing;
    it->notes->released[it->notes->count++] = it->number;
}

static void test_deferred_releases_run_once_and_last_first(void **state)
{
    struct arena *arena = *state;
    struct notes notes = { .count = 0 };
    struct thing things[] = { { &notes, 1 }, { &notes, 2 }, { &notes, 3 } };
    for (size_t i = 0; i < 3; i++)
        assert_true(arena_defer(arena, release, &things[i]));
    assert_int_equal(notes.count, 0);
    arena_reset(arena);
    arena_reset(arena);
    assert_int_equal(notes.count, 3);
    assert_int_equal(notes.released[0], 3);
    assert_int_equal(notes.released[1], 2);
    assert_int_equal(notes.released[2], 1);
}

static void test_what_cannot_be_deferred_is_released_at_once(void **state)
{
    struct arena *arena = *state;
    struct notes notes = { .count = 0 };
    struct thing thing = { &notes, 1 };
    assert_non_null(arena_alloc(arena, CAP));
    assert_false(arena_defer(arena, release, &thing));
    assert_int_equal(notes.count, 1);
    arena_reset(arena);
    assert_int_equal(notes.count, 1);
}

static void test_destroying_releases_what_is_deferred(void **state)
{
    struct notes notes = { .count = 0 };
    struct thing thing = { &notes, 1 };
    (void)state;
    struct arena *arena = arena_create(CAP);
    assert_non_null(arena);
    assert_true(arena_defer(arena, release, &thing));
    arena_destroy(arena);
    assert_int_equal(notes.count, 1);
    arena_destroy(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_every_allocation_is_zeroed_aligned_and_apart_from_the_others),
        CASE(test_the_cap_holds_and_a_reset_gives_all_of_it_back),
        CASE(test_impossible_sizes_are_refused_whatever_the_cap),
        CASE(test_a_copy_is_terminated_and_keeps_its_bytes),
        CASE(test_printing_takes_what_it_needs),
        CASE(test_deferred_releases_run_once_and_last_first),
        CASE(test_what_cannot_be_deferred_is_released_at_once),
        CASE(test_destroying_releases_what_is_deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
