/* Files without a name: what is appended is read back, and nothing of them is left. */
#include "blob/scratch.h"
#include "blob_place.h"

static void test_what_is_appended_is_read_back_and_leaves_nothing(void **state)
{
    enum { PIECE = 100000, PIECES = 50, PART = 777 };
    static char piece[PIECE];
    static char back[PART];
    const struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_scratch *scratch = NULL;
    assert_int_equal(blob_scratch_open(place->store, &scratch, &why), FAULT_NONE);
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, sizeof piece);
        assert_int_equal(blob_scratch_append(scratch, piece, sizeof piece, &why), FAULT_NONE);
    }
    for (uint64_t at = 0; at + PART <= (uint64_t)PIECE * PIECES; at += 99991) {
        assert_int_equal(blob_scratch_read(scratch, at, back, PART, &why), FAULT_NONE);
        for (uint64_t i = 0; i < PART; i++)
            assert_int_equal(back[i], 'a' + (at + i) / PIECE % 26);
    }
    assert_int_equal(blob_scratch_read(scratch, (uint64_t)PIECE * PIECES - 1, back, PART, &why),
                     FAULT_INTERNAL);
    blob_scratch_close(scratch);
    blob_scratch_close(NULL);

    DIR *folder = opendir(place->folder);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        assert_int_equal(entry->d_name[0], '.');
    (void)closedir(folder);
}

static void test_a_scratch_file_leaves_the_operators_room_free(void **state)
{
    const struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_scratch *scratch = NULL;
    assert_int_equal(blob_scratch_open(place->store, &scratch, &why), FAULT_NONE);
    blob_leave_free(place->store, INT64_MAX);
    assert_int_equal(blob_scratch_append(scratch, "x", 1, &why), FAULT_STORAGE_FULL);
    blob_scratch_close(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_appended_is_read_back_and_leaves_nothing,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(test_a_scratch_file_leaves_the_operators_room_free,
                                        place_setup, place_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
