/* What an index or an older database does not know of is not lost. */
#include "blob_swept.h"

/* An index that has lost a row says that a file, a tail or a pack's content is nobody's. */
static void test_what_only_a_walk_finds_named_stays(void **state)
{
    struct swept *s = *state;
    static const enum blob_sweep_extent extents[] = { BLOB_SWEEP_DEAD, BLOB_SWEEP_ALL };
    (void)place_put(s->place->store, 0, HOLE);
    (void)named(s, 1, SMALL);
    const size_t rows[] = { named(s, 2, SMALL), named(s, 3, PLACE_LARGE) };
    worker_dies(s);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < 2; j++) {
            s->view->not_indexed = rows[i] + 1;
            s->why = PROBLEM_NONE;
            const enum fault f = sweep(s, extents[j]);
            assert_true(f == FAULT_NONE || strstr(s->why.detail, "REINDEX"));
            assert_int_equal(s->report.files_removed, 0);
            model_check(s->model, s->store);
        }
    }
}

static void test_what_is_taken_waits_in_the_quarantine(void **state)
{
    struct swept *s = *state;
    struct blob_quarantine_report report = { 0 };
    const struct blob_rows rows = model_rows(s->view);
    const size_t small = named(s, 1, SMALL);
    const size_t large = named(s, 2, PLACE_LARGE);
    const size_t other = named(s, 3, PLACE_LARGE);
    worker_dies(s);
    s->model->rows[small].named = false; /* an older database: it knows of neither */
    s->model->rows[large].named = false;
    s->model->rows[other].named = false;
    s->view->day = "2026-01-02";
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.files_removed, 3);
    assert_int_equal(place_files(s->place, PLACE_WORKER), -1);
    assert_int_equal(blob_quarantine_size(s->store, &report, &s->why), FAULT_NONE);
    assert_int_equal(report.files, 3);
    assert_int_equal(report.bytes, SMALL + 2 * PLACE_LARGE);

    s->model->rows[small].named = true; /* the newer one again */
    s->model->rows[large].named = true;
    assert_int_equal(blob_quarantine_empty(s->store, &rows, NULL, true, &report, &s->why),
                     FAULT_NONE);
    assert_int_equal(report.files, 1);
    assert_int_equal(blob_quarantine_return(s->store, &rows, &report, &s->why), FAULT_NONE);
    assert_int_equal(report.files, 2);
    model_check(s->model, s->store);

    assert_int_equal(blob_quarantine_empty(s->store, &rows, "2026-01-02", false, &report, &s->why),
                     FAULT_NONE);
    assert_int_equal(report.files, 0); /* it is of that day, not before it */
    assert_int_equal(blob_quarantine_empty(s->store, &rows, "2026-01-03", false, &report, &s->why),
                     FAULT_NONE);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.bytes, PLACE_LARGE);
    assert_int_equal(blob_quarantine_size(s->store, &report, &s->why), FAULT_NONE);
    assert_int_equal(report.files, 0);
    model_check(s->model, s->store);
}

/* What a tail or a hole holds cannot be told by an older database. */
static void test_with_a_quarantine_no_byte_of_a_pack_is_lost(void **state)
{
    struct swept *s = *state;
    struct blob_quarantine_report report = { 0 };
    const struct blob_rows rows = model_rows(s->view);
    const size_t first = named(s, 1, SMALL);
    const size_t tail = named(s, 2, TAIL);
    worker_dies(s);
    s->model->rows[tail].named = false;
    s->view->day = "2026-01-02";
    assert_int_equal(sweep(s, BLOB_SWEEP_DEAD), FAULT_NONE);
    assert_int_equal(s->report.bytes_freed, 0);
    const struct blob_ref before = *where(s, first);
    assert_int_equal(sweep(s, BLOB_SWEEP_ALL), FAULT_NONE);
    assert_int_equal(s->report.packs_compacted, 1);
    assert_int_not_equal(where(s, first)->file, before.file);
    model_check(s->model, s->store);
    s->model->rows[tail].named = true;
    assert_int_equal(blob_quarantine_return(s->store, &rows, &report, &s->why), FAULT_NONE);
    assert_int_equal(report.files, 1);
    model_check(s->model, s->store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, swept_setup, swept_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_what_only_a_walk_finds_named_stays),
        CASE(test_what_is_taken_waits_in_the_quarantine),
        CASE(test_with_a_quarantine_no_byte_of_a_pack_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
