/* test_blob_reserved.c - contents that come in pieces, in any order and through any worker. */
#include "blob_place.h"

enum { BYTES = 3 * 1000, PIECE = 1000, OTHER_WORKER = 0x4321 };

static void reserve(struct blob_store *store, struct blob_ref *ref)
{
    struct problem why = PROBLEM_NONE;
    assert_int_equal(blob_reserve(store, BYTES, ref, &why), FAULT_NONE);
    assert_int_equal(blob_flush(store, &why), FAULT_NONE);
    blob_keep(store);
}

static void put(struct blob_store *store, const struct blob_ref *ref, uint64_t offset, char byte)
{
    char bytes[PIECE];
    struct problem why = PROBLEM_NONE;
    struct blob_place *place = NULL;
    memset(bytes, byte, sizeof bytes);
    assert_int_equal(blob_place_open(store, ref, &place, &why), FAULT_NONE);
    assert_int_equal(blob_place_write(place, offset, bytes, sizeof bytes, &why), FAULT_NONE);
    assert_int_equal(blob_place_sync(place, &why), FAULT_NONE);
    blob_place_close(place);
}

static void test_pieces_of_two_workers_in_any_order_make_one_content(void **state)
{
    struct place *place = *state;
    struct blob_store *other = place_open(place, OTHER_WORKER);
    struct problem why = PROBLEM_NONE;
    struct blob_ref ref = { 0 };
    char bytes[BYTES];
    size_t got = 0;
    reserve(place->store, &ref);
    assert_int_equal(ref.bytes, BYTES);
    put(other, &ref, (uint64_t)2 * PIECE, 'c');
    put(place->store, &ref, 0, 'a');
    put(other, &ref, PIECE, 'b');
    assert_int_equal(blob_read(place->store, &ref, 0, bytes, sizeof bytes, &got, &why), FAULT_NONE);
    assert_int_equal(got, BYTES);
    for (size_t i = 0; i < BYTES; i++)
        assert_int_equal(bytes[i], 'a' + (int)(i / PIECE));
    blob_close(other);
}

static void test_nothing_is_written_past_the_end_of_a_reserved_content(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_place *open_place = NULL;
    struct blob_ref ref = { 0 };
    reserve(place->store, &ref);
    assert_int_equal(blob_place_open(place->store, &ref, &open_place, &why), FAULT_NONE);
    assert_int_equal(blob_place_write(open_place, BYTES, "", 0, &why), FAULT_NONE);
    assert_int_equal(blob_place_write(open_place, BYTES, "x", 1, &why), FAULT_TOO_LARGE);
    why = PROBLEM_NONE;
    assert_int_equal(blob_place_write(open_place, BYTES - 1, "xy", 2, &why), FAULT_TOO_LARGE);
    why = PROBLEM_NONE;
    assert_int_equal(blob_place_write(open_place, UINT64_MAX, "x", 1, &why), FAULT_TOO_LARGE);
    blob_place_close(open_place);
}

static void test_what_is_reserved_and_not_kept_is_dropped(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_place *open_place = NULL;
    struct blob_ref ref = { 0 };
    assert_int_equal(blob_reserve(place->store, BYTES, &ref, &why), FAULT_NONE);
    assert_int_equal(blob_flush(place->store, &why), FAULT_NONE);
    blob_drop(place->store);
    assert_int_equal(blob_place_open(place->store, &ref, &open_place, &why), FAULT_GONE);
    assert_null(open_place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pieces_of_two_workers_in_any_order_make_one_content,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_written_past_the_end_of_a_reserved_content,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_reserved_and_not_kept_is_dropped, place_setup,
                                        place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
