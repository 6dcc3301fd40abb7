/* The sweeper takes what no row names and nothing else. */
#include "blob_swept.h"

static void test_a_dead_workers_unnamed_files_and_tail_go_and_named_ones_stay(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, SMALL);
    const size_t small = named(s, 1, SMALL);
    const struct blob_ref tail = place_put(s->place->store, 2, TAIL);
    const size_t large = named(s, 3, PLACE_LARGE);
    const struct blob_ref orphan = place_put(s->place->store, 4, PLACE_LARGE);
    worker_dies(s);

    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.files_looked_at, 3);
    assert_int_equal(s->report.files_removed, 1);
    assert_int_equal(s->report.bytes_freed, PLACE_LARGE + TAIL);
    assert_int_equal(s->report.locks_removed, 1);
    assert_int_equal(s->report.packs_compacted, 0);
    assert_int_equal(place_file_size(s->place, orphan.file), -1);
    assert_int_equal(place_file_size(s->place, tail.file), 2 * SMALL);
    assert_int_equal(place_file_size(s->place, where(s, large)->file), PLACE_LARGE);
    assert_int_equal(where(s, small)->start, SMALL); /* holes are gc's business */
    assert_false(place_has_lock(s->place, PLACE_WORKER));
    model_check(s->model, s->store);

    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE); /* closed: not looked at again */
    assert_int_equal(s->report.files_looked_at, 0);
}

static void test_a_folder_of_which_nothing_is_named_goes_whole(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, SMALL);
    (void)place_put(s->place->store, 1, PLACE_LARGE);
    worker_dies(s);
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.files_removed, 2);
    assert_int_equal(place_files(s->place, PLACE_WORKER), -1);
}

static void test_a_row_that_comes_just_before_the_lock_saves_its_bytes(void **state)
{
    struct swept *s = *state;
    static const size_t sizes[] = { SMALL, PLACE_LARGE }; /* a tail to cut, a file to remove */
    static const enum blob_sweep_extent extents[] = { BLOB_SWEEP_DEAD, BLOB_SWEEP_ALL };
    (void)named(s, 0, SMALL);
    const size_t rows[] = { named(s, 1, sizes[0]), named(s, 2, sizes[1]) };
    worker_dies(s);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            s->model->rows[rows[i]].named = false;
            s->view->name_at_lock = rows[i] + 1;
            assert_int_equal(sweep(s, extents[j]), FAULT_NONE);
            s->view->name_at_lock = 0;
            s->model->rows[rows[i]].named = true;
            assert_int_equal(s->report.bytes_freed, 0);
            assert_int_equal(s->report.files_removed, 0);
            model_check(s->model, s->store);
        }
    }
}

static void test_what_rows_say_is_durable_and_looked_at_again_before_bytes_go(void **state)
{
    struct swept *s = *state;
    static const struct {
        size_t named; /* bytes of a content that a row names, before one that none does */
        size_t unnamed;
        const char *trace;
    } cases[] = {
        { 0, PLACE_LARGE, "cwsLcU" },      /* removed */
        { SMALL, TAIL, "cwsLcU" },         /* cut */
        { SMALL, PLACE_LARGE, "ccwsLcU" }, /* removed, beside a pack */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct blob_store *store = place_open(s->place, i + 1);
        if (cases[i].named > 0) {
            const struct blob_ref ref = place_put(store, i, cases[i].named);
            (void)model_add(s->model, i, &ref);
        }
        (void)place_put(store, 9, cases[i].unnamed);
        place_flush(store);
        blob_keep(store);
        blob_close(store);
        for (int failing = 1; failing >= 0; failing--) {
            s->view->fail_settle = failing ? FAULT_UNAVAILABLE : FAULT_NONE;
            memset(s->view->trace, 0, sizeof s->view->trace);
            s->why = PROBLEM_NONE;
            assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), s->view->fail_settle);
            if (failing)
                assert_int_equal(s->report.bytes_freed, 0);
            else
                assert_int_equal(s->report.bytes_freed, cases[i].unnamed);
        }
        /* a listing gives the files in any order, and the removal waits for its end */
        assert_int_equal(strlen(s->view->trace), strlen(cases[i].trace));
        assert_non_null(strstr(s->view->trace, "wsLcU"));
    }
}

static void test_a_pack_goes_only_after_the_moves_are_durable(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, HOLE);
    (void)named(s, 1, SMALL);
    worker_dies(s);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.packs_compacted, 1);
    assert_string_equal(s->view->trace, "cwc" /* what to copy */ "LmK" /* moved, durable */
                                        "c" /* nothing left */ "sLcU" /* unlinked */);
}

static void test_a_living_workers_folder_is_left_alone(void **state)
{
    struct swept *s = *state;
    const struct blob_ref ref = place_put(s->place->store, 0, PLACE_LARGE);
    place_flush(s->place->store);
    static const enum blob_sweep_extent extents[] = { BLOB_SWEEP_DEAD, BLOB_SWEEP_ALL };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sweep(s, extents[i]), FAULT_NONE);
        assert_int_equal(s->report.files_looked_at, 0);
        assert_true(blob_worker_alive(s->store, PLACE_WORKER));
    }
    place_check(s->place->store, 0, &ref);
}

static void test_the_sweepers_own_files_are_left_alone(void **state)
{
    struct swept *s = *state;
    const struct blob_ref ref = place_put(s->store, 0, SMALL);
    place_flush(s->store);
    blob_keep(s->store);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.files_looked_at, 0);
    place_check(s->store, 0, &ref);
}

static void test_a_closed_folder_is_looked_at_again_by_gc_alone(void **state)
{
    struct swept *s = *state;
    const size_t a = named(s, 0, PLACE_LARGE);
    const size_t b = named(s, 1, PLACE_LARGE);
    worker_dies(s);
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    s->model->rows[a].named = false;

    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.files_removed, 0);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.files_removed, 1);
    assert_int_equal(s->report.locks_removed, 0);
    assert_false(place_has_lock(s->place, PLACE_WORKER));
    model_check(s->model, s->store);

    s->model->rows[b].named = false;
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(place_files(s->place, PLACE_WORKER), -1);
}

static void test_a_half_unnamed_pack_is_compacted_and_stays_readable(void **state)
{
    struct swept *s = *state;
    enum { CONTENTS = 1200, NAMED = CONTENTS / 3 };
    for (size_t i = 0; i < CONTENTS; i++) {
        if (i % 3 == 1)
            (void)named(s, i, SMALL + i);
        else
            (void)place_put(s->place->store, i, SMALL + i);
    }
    (void)model_add(s->model, 1, where(s, 0)); /* two rows may share a content */
    worker_dies(s);
    const struct blob_ref before = *where(s, 0);
    const int64_t size = place_file_size(s->place, before.file);

    /* a reader that looked the row up before */
    struct blob_store *reader = place_open(s->place, 0);
    place_check(reader, 1, &before);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.packs_compacted, 1);
    assert_int_equal(s->report.files_removed, 0);
    assert_int_equal(s->view->moves, NAMED);
    assert_true(s->view->moves_in_lock_max <= 256);
    assert_int_equal(place_files(s->place, PLACE_WORKER), -1);
    const int64_t left = place_file_size(s->place, where(s, 0)->file);
    assert_in_range(s->report.bytes_freed, size - left, size - left);

    assert_int_equal(place_read(reader, 1, &before, SMALL, &s->why), FAULT_GONE);
    assert_int_equal(where(s, 0)->file, where(s, NAMED)->file);
    assert_int_equal(where(s, 0)->start, where(s, NAMED)->start);
    model_check(s->model, reader);
    blob_close(reader);

    s->why = PROBLEM_NONE; /* the copies are kept: closing the store does not take them back */
    blob_close(s->store);
    s->store = place_open(s->place, SWEEPER + 1);
    model_check(s->model, s->store);
}

static void test_a_pack_that_is_named_by_more_than_half_is_not_copied(void **state)
{
    struct swept *s = *state;
    (void)named(s, 0, SMALL + 2);
    (void)place_put(s->place->store, 1, SMALL);
    (void)named(s, 2, 1);
    worker_dies(s);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.packs_compacted, 0);
    assert_int_equal(s->view->moves, 0);
    model_check(s->model, s->store);
}

static void test_a_move_that_fails_leaves_the_old_rows_and_no_copies(void **state)
{
    struct swept *s = *state;
    enum { CONTENTS = 20 };
    for (size_t i = 0; i < CONTENTS; i++) {
        (void)place_put(s->place->store, i, SMALL);
        (void)named(s, i, SMALL);
    }
    worker_dies(s);
    const int64_t pack = where(s, 0)->file;
    s->view->fail_move = FAULT_BUSY;
    s->view->fail_at = CONTENTS / 2;
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_BUSY);
    assert_int_equal(s->report.packs_compacted, 0);
    assert_int_equal(where(s, 0)->file, pack);
    assert_int_equal(place_files(s->place, SWEEPER), 0);
    model_check(s->model, s->store);

    s->view->fail_move = FAULT_NONE;
    s->why = PROBLEM_NONE;
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.packs_compacted, 1);
    model_check(s->model, s->store);
}

static void test_an_uncertain_commit_of_moves_leaves_both_copies(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, SMALL);
    (void)place_put(s->place->store, 1, SMALL);
    const size_t row = named(s, 2, SMALL);
    worker_dies(s);
    const struct blob_ref before = *where(s, row);
    s->view->fail_unlock = FAULT_INTERNAL;
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_INTERNAL);
    place_check(s->store, 2, &before);
    model_check(s->model, s->store);
}

static void test_a_damaged_pack_is_left_and_named_while_the_rest_is_swept(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, HOLE);
    const size_t row = named(s, 1, SMALL);
    const struct blob_ref orphan = place_put(s->place->store, 2, PLACE_LARGE);
    worker_dies(s);
    const int64_t pack = where(s, row)->file;
    s->model->rows[row].ref.bytes += SMALL; /* a row that says more than there is */
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_INTERNAL);
    assert_non_null(strstr(s->why.detail, "0000001234/000000"));
    assert_string_equal(s->why.text, "internal error");
    assert_int_equal(place_file_size(s->place, pack), 4 * SMALL);
    assert_int_equal(place_file_size(s->place, orphan.file), -1);
    assert_int_equal(place_files(s->place, SWEEPER), 0);
}

static void test_rows_that_cannot_be_read_or_make_no_sense_delete_nothing(void **state)
{
    struct swept *s = *state;
    static const enum blob_sweep_extent extents[] = { BLOB_SWEEP_DEAD, BLOB_SWEEP_ALL };
    (void)place_put(s->place->store, 0, HOLE);
    const size_t row = named(s, 1, SMALL);
    (void)place_put(s->place->store, 2, TAIL);
    worker_dies(s);
    const struct blob_ref good = *where(s, row);
    const struct blob_ref bad[] = { place_ref(good.file, -1, good.bytes),
                                    place_ref(good.file, good.start, -1),
                                    place_ref(good.file, INT64_MAX, good.bytes) };
    for (size_t i = 0; i < 2; i++) {
        s->why = PROBLEM_NONE;
        s->view->fail_contents = FAULT_BUSY;
        assert_int_equal(sweep(s, extents[i]), FAULT_BUSY);
        s->view->fail_contents = FAULT_NONE;
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
            s->why = PROBLEM_NONE;
            s->model->rows[row].ref = bad[j];
            assert_int_equal(sweep(s, extents[i]), FAULT_INTERNAL);
        }
        s->model->rows[row].ref = good;
        assert_int_equal(place_file_size(s->place, good.file), HOLE + SMALL + TAIL);
    }
}

static void test_rows_that_do_not_move_end_a_compaction(void **state)
{
    struct swept *s = *state;
    (void)place_put(s->place->store, 0, HOLE);
    const size_t row = named(s, 1, SMALL);
    worker_dies(s);
    const int64_t pack = where(s, row)->file;
    s->view->deaf = true;
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_INTERNAL);
    assert_int_equal(place_file_size(s->place, pack), HOLE + SMALL);
    model_check(s->model, s->store);
}

static void test_a_dry_run_tells_the_same_and_changes_nothing(void **state)
{
    struct swept *s = *state;
    static const enum blob_sweep_extent extents[] = { BLOB_SWEEP_DEAD, BLOB_SWEEP_ALL };
    (void)place_put(s->place->store, 0, HOLE);
    const size_t row = named(s, 1, SMALL);
    (void)place_put(s->place->store, 2, SMALL);
    (void)place_put(s->place->store, 3, PLACE_LARGE);
    worker_dies(s);
    for (size_t i = 0; i < 2; i++) {
        struct blob_sweep_report dry = { 0 };
        assert_int_equal(model_sweep(s->view, s->store, extents[i], true, &dry, &s->why),
                         FAULT_NONE);
        assert_int_equal(s->view->locks, 0);
        assert_int_equal(place_files(s->place, PLACE_WORKER), 2);
        assert_int_equal(place_file_size(s->place, where(s, row)->file), 5 * SMALL);
        assert_true(place_has_lock(s->place, PLACE_WORKER));
        assert_int_equal(dry.packs_compacted, i);
        if (extents[i] == BLOB_SWEEP_ALL) {
            assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
            assert_memory_equal(&dry, &s->report, sizeof dry);
        }
    }
}

static void test_many_files_are_removed_in_short_pieces(void **state)
{
    struct swept *s = *state;
    char path[PLACE_PATH_MAX];
    char name[16];
    enum { FILES = 1000, PIECES = 4 };
    (void)place_put(s->place->store, 0, SMALL);
    const size_t row = named(s, 1, SMALL);
    worker_dies(s);
    for (unsigned i = 1; i <= FILES; i++) {
        (void)snprintf(name, sizeof name, "%06x", i);
        place_path(s->place, PLACE_WORKER, name, path);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        (void)fclose(file);
    }
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.files_removed, FILES);
    assert_int_equal(s->view->locks, PIECES);
    assert_int_equal(place_files(s->place, PLACE_WORKER), 1);
    place_check(s->store, 1, where(s, row));
}

static void test_what_is_not_the_stores_is_left_alone(void **state)
{
    struct swept *s = *state;
    static const char *const strangers[] = { "notes", "00000Z", "0000001", "00000A" };
    char path[PLACE_PATH_MAX];
    (void)named(s, 1, SMALL);
    worker_dies(s);
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        place_path(s->place, PLACE_WORKER, strangers[i], path);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        (void)fclose(file);
    }
    (void)snprintf(path, sizeof path, "%s/lost+found", s->place->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.files_looked_at, 1);
    assert_int_equal(place_files(s->place, PLACE_WORKER), 1 + 4);
    assert_int_equal(access(path, F_OK), 0);
}

static void test_an_empty_content_that_a_row_names_stays(void **state)
{
    struct swept *s = *state;
    const size_t row = named(s, 0, 0);
    worker_dies(s);
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(place_file_size(s->place, where(s, row)->file), 0);
    place_check(s->store, 0, where(s, row));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, swept_setup, swept_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_dead_workers_unnamed_files_and_tail_go_and_named_ones_stay),
        CASE(test_a_folder_of_which_nothing_is_named_goes_whole),
        CASE(test_a_row_that_comes_just_before_the_lock_saves_its_bytes),
        CASE(test_what_rows_say_is_durable_and_looked_at_again_before_bytes_go),
        CASE(test_a_living_workers_folder_is_left_alone),
        CASE(test_the_sweepers_own_files_are_left_alone),
        CASE(test_a_closed_folder_is_looked_at_again_by_gc_alone),
        CASE(test_a_pack_goes_only_after_the_moves_are_durable),
        CASE(test_a_half_unnamed_pack_is_compacted_and_stays_readable),
        CASE(test_a_pack_that_is_named_by_more_than_half_is_not_copied),
        CASE(test_a_move_that_fails_leaves_the_old_rows_and_no_copies),
        CASE(test_an_uncertain_commit_of_moves_leaves_both_copies),
        CASE(test_a_damaged_pack_is_left_and_named_while_the_rest_is_swept),
        CASE(test_rows_that_cannot_be_read_or_make_no_sense_delete_nothing),
        CASE(test_rows_that_do_not_move_end_a_compaction),
        CASE(test_a_dry_run_tells_the_same_and_changes_nothing),
        CASE(test_many_files_are_removed_in_short_pieces),
        CASE(test_what_is_not_the_stores_is_left_alone),
        CASE(test_an_empty_content_that_a_row_names_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
