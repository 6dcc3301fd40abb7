/* test_oxen_batch.c - the files of one upload between verification and their rows. */
#include "base/limits.h"
#include "oxen/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SPREAD = 7919 }; /* a prime, so that neighbours do not share their low bits */

static const struct oxen_hash_seed seed = {
    { UINT64_C(0x1234567890ABCDEF), UINT64_C(0x8BB84B93962EACC9), UINT64_C(0x4B33A62ED433D4A3),
      UINT64_C(0x2D358DCCAA6C78A5) }
};

static struct oxen_hash hash_of(size_t i)
{
    return oxen_hash_of(i, (uint64_t)i * SPREAD);
}

static bool add(struct oxen_batch *batch, size_t i, const char *name)
{
    const struct oxen_hash hash = hash_of(i);
    struct oxen_version version = { .start = (int64_t)i, .state = OXEN_VERSION_FRESH };
    char canonical[OXEN_HASH_TEXT_MAX];
    memcpy(version.hash, hash.bytes, sizeof version.hash);
    oxen_hash_text(&hash, canonical);
    return oxen_batch_add(batch, &version, name ? name : canonical) != NULL;
}

static void test_a_batch_holds_what_was_added_and_nothing_else(void **state)
{
    enum { COUNT = 5000 };
    struct arena *arena = arena_create(ARENA_MAX);
    struct oxen_batch *batch = oxen_batch_create(arena, &seed);
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const struct oxen_hash hash = hash_of(i);
        assert_false(oxen_batch_holds(batch, &hash));
        assert_true(add(batch, i, NULL));
        assert_true(oxen_batch_holds(batch, &hash));
    }
    for (size_t i = 0; i < COUNT; i++) {
        const struct oxen_hash hash = hash_of(i);
        assert_true(oxen_batch_holds(batch, &hash));
    }
    arena_destroy(arena);
}

static void test_pieces_keep_order_and_no_file_is_lost_between_them(void **state)
{
    static const size_t counts[] = { 0,
                                     1,
                                     OXEN_PIECE_VERSIONS - 1,
                                     OXEN_PIECE_VERSIONS,
                                     OXEN_PIECE_VERSIONS + 1,
                                     (size_t)3 * OXEN_PIECE_VERSIONS };
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct arena *arena = arena_create(ARENA_MAX);
        struct oxen_batch *batch = oxen_batch_create(arena, &seed);
        size_t seen = 0;
        for (size_t i = 0; i < counts[c]; i++)
            assert_true(add(batch, i, NULL));
        for (size_t piece = 0; piece < oxen_batch_pieces(batch); piece++) {
            size_t count = 0;
            const struct oxen_version *versions = oxen_batch_piece(batch, piece, &count);
            assert_in_range(count, 1, OXEN_PIECE_VERSIONS);
            for (size_t i = 0; i < count; i++)
                assert_int_equal(versions[i].start, seen++);
        }
        assert_int_equal(seen, counts[c]);
        arena_destroy(arena);
    }
}

static void test_a_file_is_called_what_the_client_called_it(void **state)
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct oxen_batch *batch = oxen_batch_create(arena, &seed);
    char text[OXEN_HASH_TEXT_MAX];
    (void)state;
    assert_true(add(batch, 1, "+00000000000000010000000000001EEF"));
    assert_true(add(batch, 2, NULL));
    assert_string_equal(oxen_batch_name(batch, 0, 0, text), "+00000000000000010000000000001EEF");
    assert_string_equal(oxen_batch_name(batch, 0, 1, text), "20000000000003dde");
    arena_destroy(arena);
}

static void test_one_content_twice_is_two_files_and_one_hash(void **state)
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct oxen_batch *batch = oxen_batch_create(arena, &seed);
    const struct oxen_hash hash = hash_of(1);
    size_t count = 0;
    (void)state;
    assert_true(add(batch, 1, NULL));
    assert_true(add(batch, 1, NULL));
    assert_true(oxen_batch_holds(batch, &hash));
    (void)oxen_batch_piece(batch, 0, &count);
    assert_int_equal(count, 2);
    arena_destroy(arena);
}

static void test_as_many_files_as_a_body_may_have_fit_and_no_more(void **state)
{
    struct arena *arena = arena_create(ARENA_MAX);
    struct oxen_batch *batch = oxen_batch_create(arena, &seed);
    (void)state;
    for (size_t i = 0; i < MULTIPART_PARTS_MAX; i++)
        assert_true(add(batch, i, NULL));
    assert_false(add(batch, MULTIPART_PARTS_MAX, NULL));
    assert_int_equal(oxen_batch_pieces(batch), MULTIPART_PARTS_MAX / OXEN_PIECE_VERSIONS);
    arena_destroy(arena);
}

/* Hashes that differ in few bits, wherever: as a client may choose them.  A search is short when the
 * hashes begin theirs at different places. */
static void test_no_choice_of_hashes_makes_all_searches_begin_at_one_place(void **state)
{
    enum { HASHES = 1 << 14, PLACES = 1 << 17, BITS = 14, HALF = 64, CROWD = 12 };
    static uint8_t crowd[PLACES];
    (void)state;
    for (unsigned shift = 0; shift <= 2 * HALF - BITS; shift++) {
        memset(crowd, 0, sizeof crowd);
        for (uint64_t i = 0; i < HASHES; i++) {
            const uint64_t low = shift < HALF ? i << shift : 0;
            const uint64_t high =
                shift < HALF ? (shift == 0 ? 0 : i >> (HALF - shift)) : i << (shift - HALF);
            const struct oxen_hash hash = oxen_hash_of(high, low);
            uint8_t *at = &crowd[oxen_hash_place(&seed, hash.bytes) % PLACES];
            assert_true(++*at <= CROWD);
        }
    }
}

static void test_a_list_holds_each_hash_once_and_in_order(void **state)
{
    enum { COUNT = 20000 };
    struct problem why = PROBLEM_NONE;
    struct oxen_hash_list *list = oxen_hash_list_create(COUNT, &seed);
    bool added = false;
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            const struct oxen_hash hash = hash_of(i);
            assert_int_equal(oxen_hash_list_add(list, hash.bytes, &added, &why), FAULT_NONE);
            assert_int_equal(added, round == 0);
        }
    }
    assert_int_equal(oxen_hash_list_count(list), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        assert_memory_equal(oxen_hash_list_at(list, i), hash_of(i).bytes, OXEN_HASH_BYTES);
    const struct oxen_hash another = hash_of(COUNT);
    assert_false(oxen_hash_list_holds(list, another.bytes));
    assert_int_equal(oxen_hash_list_add(list, another.bytes, &added, &why), FAULT_TOO_LARGE);
    oxen_hash_list_clear(list);
    assert_false(oxen_hash_list_holds(list, hash_of(0).bytes));
    oxen_hash_list_destroy(list);
}

static void test_a_full_arena_refuses_a_file_instead_of_losing_one(void **state)
{
    enum { ROOM = 64 * KIB };
    struct arena *arena = arena_create(ROOM);
    struct oxen_batch *batch = oxen_batch_create(arena, &seed);
    size_t taken = 0;
    size_t kept = 0;
    (void)state;
    while (add(batch, taken, NULL))
        taken++;
    for (size_t piece = 0; piece < oxen_batch_pieces(batch); piece++) {
        size_t count = 0;
        (void)oxen_batch_piece(batch, piece, &count);
        kept += count;
    }
    assert_true(taken > 0);
    assert_int_equal(kept, taken);
    arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_holds_what_was_added_and_nothing_else),
        cmocka_unit_test(test_pieces_keep_order_and_no_file_is_lost_between_them),
        cmocka_unit_test(test_a_file_is_called_what_the_client_called_it),
        cmocka_unit_test(test_one_content_twice_is_two_files_and_one_hash),
        cmocka_unit_test(test_as_many_files_as_a_body_may_have_fit_and_no_more),
        cmocka_unit_test(test_no_choice_of_hashes_makes_all_searches_begin_at_one_place),
        cmocka_unit_test(test_a_list_holds_each_hash_once_and_in_order),
        cmocka_unit_test(test_a_full_arena_refuses_a_file_instead_of_losing_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
