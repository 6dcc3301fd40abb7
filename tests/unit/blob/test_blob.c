/* Contents: what is written is read back; what is dropped leaves no trace; what is kept stays. */
#include "blob/store_internal.h"
#include "blob_place.h"

#include <fcntl.h>
#include <sys/file.h>

enum { ASIDE = 7 }; /* a content's number in tests where only one matters */

static void test_what_was_written_is_read_back_whatever_its_size_and_pieces(void **state)
{
    struct place *place = *state;
    static const size_t sizes[] = { 0,
                                    1,
                                    4096,
                                    BLOB_PACK_BELOW - 1,
                                    BLOB_PACK_BELOW,
                                    BLOB_PACK_BELOW + 1,
                                    PLACE_LARGE - 1,
                                    PLACE_LARGE };
    static const size_t steps[] = {
        1000, 4096, IO_CHUNK, BLOB_PACK_BELOW - 1, BLOB_PACK_BELOW, BLOB_PACK_BELOW + 1, PLACE_LARGE
    };
    enum { SIZES = sizeof sizes / sizeof sizes[0], STEPS = sizeof steps / sizeof steps[0] };
    struct blob_ref refs[SIZES][STEPS];
    struct problem why = PROBLEM_NONE;

    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < STEPS; j++) {
            struct blob_writer *writer = NULL;
            assert_int_equal(
                place_write(place->store, i * STEPS + j, sizes[i], steps[j], &writer, &why),
                FAULT_NONE);
            assert_int_equal(blob_seal(writer, &refs[i][j], &why), FAULT_NONE);
            place_check(place->store, i * STEPS + j, &refs[i][j]); /* sealed is enough */
        }
    }
    place_flush(place->store);
    blob_keep(place->store);

    struct blob_store *reader = place_open(place, 0);
    for (size_t i = 0; i < SIZES; i++) {
        for (size_t j = 0; j < STEPS; j++)
            assert_int_equal(place_read(reader, i * STEPS + j, &refs[i][j], steps[j], &why),
                             FAULT_NONE);
    }
    blob_close(reader);
}

static void test_contents_below_the_threshold_share_a_pack_and_others_have_a_file(void **state)
{
    struct place *place = *state;
    const struct blob_ref a = place_put(place->store, 0, 10);
    const struct blob_ref b = place_put(place->store, 1, BLOB_PACK_BELOW - 1);
    const struct blob_ref c = place_put(place->store, 2, BLOB_PACK_BELOW);
    const struct blob_ref d = place_put(place->store, 3, 5);
    place_flush(place->store);
    char path[64] = "";

    assert_int_equal(a.file >> 24, PLACE_WORKER);
    assert_int_equal(a.file, b.file);
    assert_int_equal(b.start, 10);
    assert_int_equal(d.start, b.start + b.bytes);
    assert_int_not_equal(c.file, a.file);
    assert_int_equal(c.start, 0);
    assert_int_equal(place_file_size(place, a.file), d.start + d.bytes);
    assert_int_equal(place_file_size(place, c.file), BLOB_PACK_BELOW);

    assert_false(blob_whole_path(place->store, &a, path, sizeof path));
    assert_true(blob_whole_path(place->store, &c, path, sizeof path));
    assert_string_equal(path, "0000001234/000001");
    assert_false(blob_whole_path(place->store, &c, path, strlen("0000001234/000001")));
}

static void test_a_content_past_its_limit_is_refused_and_leaves_nothing(void **state)
{
    struct place *place = *state;
    static const struct {
        size_t max;
        size_t len;
    } cases[] = { { 0, 1 },
                  { 10, 11 },
                  { BLOB_PACK_BELOW, BLOB_PACK_BELOW + 1 },
                  { 2 * (size_t)BLOB_PACK_BELOW, PLACE_LARGE } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct blob_writer *writer = NULL;
        struct blob_ref ref = { 0 };
        const unsigned char *bytes = place_bytes(ASIDE, cases[i].len);
        assert_int_equal(blob_begin(place->store, cases[i].max, &writer, &why), FAULT_NONE);
        assert_int_equal(blob_write(writer, bytes, cases[i].max, &why), FAULT_NONE);
        assert_int_equal(blob_write(writer, bytes, cases[i].len - cases[i].max, &why),
                         FAULT_TOO_LARGE);
        assert_null(strchr(why.text, '/'));
        why = PROBLEM_NONE;
        assert_int_equal(blob_seal(writer, &ref, &why), FAULT_INTERNAL);
        assert_int_equal(place_files(place, PLACE_WORKER), 0);
    }
    /* exactly the limit fits */
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    assert_int_equal(blob_begin(place->store, 10, &writer, &why), FAULT_NONE);
    assert_int_equal(blob_write(writer, place_bytes(ASIDE, 10), 10, &why), FAULT_NONE);
    assert_int_equal(blob_seal(writer, &ref, &why), FAULT_NONE);
    place_check(place->store, ASIDE, &ref);
}

static void test_a_discarded_content_leaves_nothing_and_the_next_one_is_whole(void **state)
{
    struct place *place = *state;
    static const size_t sizes[] = { 0, 100, BLOB_PACK_BELOW, PLACE_LARGE };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct problem why = PROBLEM_NONE;
        struct blob_writer *writer = NULL;
        const struct blob_ref before = place_put(place->store, 1, 100);
        assert_int_equal(place_write(place->store, 2, sizes[i], IO_CHUNK, &writer, &why),
                         FAULT_NONE);
        blob_discard(writer);
        const struct blob_ref after = place_put(place->store, 3, 100);
        place_flush(place->store);
        assert_int_equal(after.start, before.start + before.bytes);
        assert_int_equal(place_files(place, PLACE_WORKER), 1);
        place_check(place->store, 1, &before);
        place_check(place->store, 3, &after);
    }
    blob_discard(NULL);
}

static void test_only_one_content_is_open_at_a_time(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    struct blob_writer *second = NULL;
    assert_int_equal(blob_begin(place->store, 10, &writer, &why), FAULT_NONE);
    assert_int_equal(blob_begin(place->store, 10, &second, &why), FAULT_INTERNAL);
    assert_null(second);
    blob_discard(writer);
}

static void test_a_drop_takes_back_everything_since_the_last_keep(void **state)
{
    struct place *place = *state;
    struct blob_ref kept[2] = { place_put(place->store, 0, 1000),
                                place_put(place->store, 1, PLACE_LARGE) };
    place_flush(place->store);
    blob_keep(place->store);

    for (int flushed = 0; flushed < 2; flushed++) {
        const struct blob_ref small = place_put(place->store, 2, 2000);
        const struct blob_ref large = place_put(place->store, 3, PLACE_LARGE);
        const struct blob_ref larger = place_put(place->store, 4, PLACE_LARGE);
        struct blob_writer *writer = NULL;
        struct problem why = PROBLEM_NONE;
        if (flushed)
            place_flush(place->store);
        assert_int_equal(place_write(place->store, 5, PLACE_LARGE, IO_CHUNK, &writer, &why),
                         FAULT_NONE);
        blob_drop(place->store);
        if (flushed)
            blob_discard(writer); /* a caller's clean-up may come in either order, or not */
        assert_int_equal(small.start, 1000);
        assert_int_equal(place_files(place, PLACE_WORKER), 2);
        assert_int_equal(place_file_size(place, large.file), -1);
        assert_int_equal(place_file_size(place, larger.file), -1);
    }
    place_flush(place->store);
    assert_int_equal(place_file_size(place, kept[0].file), 1000);

    const struct blob_ref next = place_put(place->store, 6, 3000);
    place_flush(place->store);
    blob_keep(place->store);
    assert_int_equal(next.file, kept[0].file);
    place_check(place->store, 0, &kept[0]);
    place_check(place->store, 1, &kept[1]);
    place_check(place->store, 6, &next);
}

static void test_a_drop_before_any_keep_empties_the_folder_and_closing_removes_it(void **state)
{
    struct place *place = *state;
    (void)place_put(place->store, 0, 10);
    (void)place_put(place->store, 1, PLACE_LARGE);
    place_flush(place->store);
    blob_drop(place->store);
    assert_int_equal(place_files(place, PLACE_WORKER), 0);
    assert_true(place_has_lock(place, PLACE_WORKER));

    const struct blob_ref ref = place_put(place->store, 2, 10);
    place_check(place->store, 2, &ref);
    blob_close(place->store); /* without a keep */
    place->store = NULL;
    assert_int_equal(place_files(place, PLACE_WORKER), -1);
}

static void test_what_is_kept_before_its_flush_survives_a_drop(void **state)
{
    struct place *place = *state;
    const struct blob_ref small = place_put(place->store, 0, 10);
    const struct blob_ref large = place_put(place->store, 1, PLACE_LARGE);
    const struct blob_ref larger = place_put(place->store, 2, PLACE_LARGE);
    blob_keep(place->store);
    (void)place_put(place->store, 3, 10);
    (void)place_put(place->store, 4, PLACE_LARGE);
    blob_drop(place->store);
    place_flush(place->store);
    assert_int_equal(place_files(place, PLACE_WORKER), 3);
    assert_int_equal(place_file_size(place, small.file), 10);
    place_check(place->store, 0, &small);
    place_check(place->store, 1, &large);
    place_check(place->store, 2, &larger);
}

static void test_a_full_pack_is_followed_by_a_new_one_and_both_can_be_dropped(void **state)
{
    struct place *place = *state;
    enum { EACH = BLOB_PACK_BELOW - 1, PACKS = BLOB_PACK_BYTES_MAX / EACH + 2 };
    const struct blob_ref first = place_put(place->store, 0, EACH);
    place_flush(place->store);
    blob_keep(place->store);
    struct blob_ref last = first;
    for (size_t i = 1; i < PACKS; i++)
        last = place_put(place->store, i, EACH);
    assert_int_not_equal(last.file, first.file);
    assert_int_equal(last.start, EACH); /* so only whole contents went to the first pack */
    place_flush(place->store);
    assert_in_range(place_file_size(place, first.file), BLOB_PACK_BYTES_MAX - EACH,
                    BLOB_PACK_BYTES_MAX);
    place_check(place->store, PACKS - 1, &last);

    blob_drop(place->store);
    assert_int_equal(place_file_size(place, first.file), EACH);
    assert_int_equal(place_file_size(place, last.file), -1);
    place_check(place->store, 0, &first);
}

static void test_reads_stay_inside_their_content(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    unsigned char bytes[64];
    size_t got = 99;
    (void)place_put(place->store, 0, 20);
    const struct blob_ref ref = place_put(place->store, 1, 20);
    (void)place_put(place->store, 2, 20);

    assert_int_equal(blob_read(place->store, &ref, 15, bytes, sizeof bytes, &got, &why),
                     FAULT_NONE);
    assert_int_equal(got, 5);
    assert_int_equal(bytes[0], place_byte(1, 15));
    static const uint64_t past[] = { 20, 21, 40, UINT64_MAX };
    for (size_t i = 0; i < sizeof past / sizeof past[0]; i++) {
        got = 99;
        assert_int_equal(blob_read(place->store, &ref, past[i], bytes, sizeof bytes, &got, &why),
                         FAULT_NONE);
        assert_int_equal(got, 0);
    }
}

static void test_a_row_that_is_wrong_is_a_fault_and_never_other_bytes(void **state)
{
    struct place *place = *state;
    const struct blob_ref ref = place_put(place->store, 0, 20);
    place_flush(place->store);
    const struct {
        struct blob_ref ref;
        enum fault fault;
    } cases[] = {
        { place_ref(ref.file, 0, 21), FAULT_DAMAGED }, /* the file is shorter than the row says */
        { place_ref(ref.file, 20, 1), FAULT_DAMAGED },
        { place_ref(ref.file, INT64_MAX, 1), FAULT_INTERNAL },
        { place_ref(ref.file, INT64_MAX, INT64_MAX), FAULT_INTERNAL },
        { place_ref(ref.file, -1, 20), FAULT_INTERNAL },
        { place_ref(ref.file, 0, -1), FAULT_INTERNAL },
        { place_ref(-1, 0, 20), FAULT_INTERNAL },
        { place_ref(ref.file + 1, 0, 20), FAULT_GONE },
        { place_ref(INT64_MAX, 0, 20), FAULT_GONE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct problem why = PROBLEM_NONE;
        assert_int_equal(place_read(place->store, 0, &cases[i].ref, 64, &why), cases[i].fault);
        assert_null(strchr(why.text, '/'));
        assert_false(blob_present(place->store, &cases[i].ref));
    }
}

static void test_a_reader_of_a_dropped_content_learns_that_it_is_gone(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    unsigned char byte = 0;
    size_t got = 0;
    const struct blob_ref ref = place_put(place->store, 0, PLACE_LARGE);
    assert_int_equal(blob_read(place->store, &ref, 0, &byte, 1, &got, &why), FAULT_NONE);
    blob_drop(place->store);
    assert_int_equal(blob_read(place->store, &ref, 1, &byte, 1, &got, &why), FAULT_GONE);
}

static void test_a_store_for_reading_refuses_to_write_and_makes_no_folder(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    uint64_t worker = 0;
    struct blob_store *reader = place_open(place, 0);
    assert_int_equal(blob_begin(reader, 10, &writer, &why), FAULT_INTERNAL);
    assert_int_equal(blob_worker(reader, &worker, &why), FAULT_INTERNAL);
    blob_drop(reader);
    blob_close(reader);
    assert_int_equal(place_files(place, 0), -1);
    assert_int_equal(place_files(place, PLACE_WORKER), -1);
}

static void test_a_workers_number_is_taken_once(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    uint64_t worker = 0;
    assert_int_equal(blob_worker(place->store, &worker, &why), FAULT_NONE);
    assert_int_equal(worker, PLACE_WORKER);
    assert_true(place_has_lock(place, PLACE_WORKER));

    struct blob_store *second = place_open(place, PLACE_WORKER);
    assert_int_equal(blob_worker(second, &worker, &why), FAULT_INTERNAL);
    blob_close(second);
    assert_true(place_has_lock(place, PLACE_WORKER));
    assert_int_equal(blob_open(place->folder, UINT64_C(1) << 39, &second, &why), FAULT_INTERNAL);

    const struct blob_ref ref = place_put(place->store, 0, 10);
    blob_keep(place->store);
    blob_close(place->store); /* nor is a dead worker's number taken again */
    place->store = place_open(place, PLACE_WORKER);
    why = PROBLEM_NONE;
    assert_int_equal(blob_worker(place->store, &worker, &why), FAULT_INTERNAL);
    assert_non_null(strstr(why.detail, "taken"));
    assert_int_equal(place_file_size(place, ref.file), 0);
}

static void test_a_worker_is_alive_while_its_store_is_open(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    uint64_t worker = 0;
    struct blob_store *other = place_open(place, PLACE_WORKER + 1);
    assert_false(blob_worker_alive(other, PLACE_WORKER));
    assert_int_equal(blob_worker(place->store, &worker, &why), FAULT_NONE);
    assert_true(blob_worker_alive(other, PLACE_WORKER));
    assert_true(blob_worker_alive(other, PLACE_WORKER)); /* asking disturbs nobody */
    assert_true(blob_worker_alive(place->store, PLACE_WORKER));
    assert_false(blob_worker_alive(other, 0));
    assert_false(blob_worker_alive(other, UINT64_MAX));

    (void)place_put(place->store, 0, 10);
    place_flush(place->store);
    blob_keep(place->store);
    blob_close(place->store);
    place->store = NULL;
    assert_true(place_has_lock(place, PLACE_WORKER)); /* for the sweeper */
    assert_false(blob_worker_alive(other, PLACE_WORKER));
    char path[PLACE_PATH_MAX];
    place_path(place, PLACE_WORKER, "lock", path);
    const int asker = open(path, O_RDONLY | O_CLOEXEC); /* another process asks the same */
    assert_int_equal(flock(asker, LOCK_SH), 0);
    assert_false(blob_worker_alive(other, PLACE_WORKER));
    (void)close(asker);
    blob_close(other);
}

static void test_a_worker_that_has_used_up_its_numbers_says_so_and_loses_nothing(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_ref ref = { 0 };
    (void)place_put(place->store, 0, 10);
    place->store->next = BLOB_NUMBER_END - 1;
    const struct blob_ref last = place_put(place->store, 1, PLACE_LARGE);
    assert_int_equal(last.file & 0xFFFFFF, 0xFFFFFF);
    assert_int_equal(place_try(place->store, 2, PLACE_LARGE, &ref, &why), FAULT_INTERNAL);
    assert_non_null(strstr(why.detail, "must end"));
    const struct blob_ref small = place_put(place->store, 3, 10); /* the pack is open still */
    place_flush(place->store);
    place_check(place->store, 1, &last);
    place_check(place->store, 3, &small);
    blob_keep(place->store);
}

static void test_folders_and_files_are_closed_to_others(void **state)
{
    struct place *place = *state;
    char path[PLACE_PATH_MAX];
    struct stat meta = { 0 };
    const mode_t mask = umask(0);
    (void)place_put(place->store, 0, 10);
    (void)place_put(place->store, 1, PLACE_LARGE);
    place_flush(place->store);
    (void)umask(mask);
    static const struct {
        const char *name;
        mode_t mode;
    } cases[] = { { "", 0750 }, { "lock", 0640 }, { "000000", 0640 }, { "000001", 0640 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        place_path(place, PLACE_WORKER, cases[i].name, path);
        assert_int_equal(stat(path, &meta), 0);
        assert_int_equal(meta.st_mode & 07777, cases[i].mode);
    }
}

static void test_a_missing_folder_is_made_and_an_impossible_one_is_a_fault(void **state)
{
    struct place *place = *state;
    char path[PLACE_PATH_MAX];
    struct problem why = PROBLEM_NONE;
    struct blob_store *store = NULL;
    (void)snprintf(path, sizeof path, "%s/deeper", place->folder);
    assert_int_equal(blob_open(path, 1, &store, &why), FAULT_NONE);
    blob_close(store);
    (void)snprintf(path, sizeof path, "%s/deeper/than/that", place->folder);
    assert_int_equal(blob_open(path, 1, &store, &why), FAULT_INTERNAL);
    assert_string_equal(why.text, "internal error");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_was_written_is_read_back_whatever_its_size_and_pieces),
        CASE(test_contents_below_the_threshold_share_a_pack_and_others_have_a_file),
        CASE(test_a_content_past_its_limit_is_refused_and_leaves_nothing),
        CASE(test_a_discarded_content_leaves_nothing_and_the_next_one_is_whole),
        CASE(test_only_one_content_is_open_at_a_time),
        CASE(test_a_drop_takes_back_everything_since_the_last_keep),
        CASE(test_a_drop_before_any_keep_empties_the_folder_and_closing_removes_it),
        CASE(test_what_is_kept_before_its_flush_survives_a_drop),
        CASE(test_a_full_pack_is_followed_by_a_new_one_and_both_can_be_dropped),
        CASE(test_reads_stay_inside_their_content),
        CASE(test_a_row_that_is_wrong_is_a_fault_and_never_other_bytes),
        CASE(test_a_reader_of_a_dropped_content_learns_that_it_is_gone),
        CASE(test_a_store_for_reading_refuses_to_write_and_makes_no_folder),
        CASE(test_a_workers_number_is_taken_once),
        CASE(test_a_worker_is_alive_while_its_store_is_open),
        CASE(test_a_worker_that_has_used_up_its_numbers_says_so_and_loses_nothing),
        CASE(test_folders_and_files_are_closed_to_others),
        CASE(test_a_missing_folder_is_made_and_an_impossible_one_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
