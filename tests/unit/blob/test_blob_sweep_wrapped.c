/* A sweeper whose disk says no: nothing named is lost, and the next sweep finishes. */
#include "blob_disk.h"
#include "blob_model.h"

enum { SMALL = 3000, HOLED = 18 };

/* A worker that dies with a named content, a tail behind it, and two files that no row names. */
static void leave_a_dead_worker(const struct place *place, struct model *model, uint64_t worker)
{
    struct blob_store *store = place_open(place, worker);
    const struct blob_ref ref = place_put(store, 0, SMALL);
    (void)place_put(store, 1, SMALL);
    (void)place_put(store, 2, PLACE_LARGE);
    (void)place_put(store, 3, PLACE_LARGE);
    (void)model_add(model, 0, &ref);
    place_flush(store);
    blob_keep(store);
    blob_close(store);
}

static void test_a_sweep_that_fails_anywhere_leaves_the_lock_for_the_next_one(void **state)
{
    struct place *place = *state;
    struct model *model = model_create();
    struct model_view *view = model_view(model, place);
    struct blob_sweep_report report = { 0 };
    /* the flushes: of the pack that was cut, of the folder */
    static const enum call calls[] = { CALL_FDATASYNC, CALL_FSYNC, CALL_FTRUNCATE, CALL_UNLINKAT };
    for (uint64_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct problem why = PROBLEM_NONE;
        leave_a_dead_worker(place, model, i + 1);
        disk_reset();
        disk.fail = calls[i];
        disk.fail_at = 1;
        disk.fail_with = EIO;
        assert_int_equal(model_sweep(view, place->store, BLOB_SWEEP_DEAD, false, &report, &why),
                         FAULT_INTERNAL);
        assert_true(disk.failed);
        assert_true(place_has_lock(place, i + 1));
        model_check(model, place->store);

        why = PROBLEM_NONE;
        assert_int_equal(model_sweep(view, place->store, BLOB_SWEEP_DEAD, false, &report, &why),
                         FAULT_NONE);
        assert_false(place_has_lock(place, i + 1));
        assert_int_equal(place_files(place, i + 1), 1);
        model_check(model, place->store);
    }
    model_view_end(view);
    (void)munmap(model, sizeof *model);
}

/* Two thirds of a pack that no row names, and a file that none does. */
static void leave_a_pack_with_holes(const struct place *place, struct model *model, uint64_t worker)
{
    struct blob_store *store = place_open(place, worker);
    for (size_t i = 0; i < HOLED; i++) {
        const struct blob_ref ref = place_put(store, i, SMALL);
        if (i % 3 == 1)
            (void)model_add(model, i, &ref);
    }
    (void)place_put(store, 0, PLACE_LARGE);
    place_flush(store);
    blob_keep(store);
    blob_close(store);
}

static void test_a_gc_that_fails_anywhere_loses_nothing_and_the_next_one_finishes(void **state)
{
    struct place *place = *state;
    struct model *model = model_create();
    struct model_view *view = model_view(model, place);
    struct blob_sweep_report report = { 0 };
    static const enum call calls[] = { CALL_PWRITE, CALL_FDATASYNC, CALL_FSYNC,   CALL_FTRUNCATE,
                                       CALL_OPENAT, CALL_MKDIRAT,   CALL_UNLINKAT };
    uint64_t worker = 1;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        bool reached = true;
        for (size_t at = 1; reached; at++, worker++) {
            struct problem why = PROBLEM_NONE;
            struct blob_store *sweeper = place_open(place, (UINT64_C(1) << 32) + worker);
            memset(model, 0, sizeof *model);
            leave_a_pack_with_holes(place, model, worker);
            disk_reset();
            disk.fail = calls[i];
            disk.fail_at = at;
            disk.fail_with = EIO;
            const enum fault f = model_sweep(view, sweeper, BLOB_SWEEP_ALL, false, &report, &why);
            reached = disk.failed;
            disk.fail = CALL_COUNT;
            assert_true(f == FAULT_NONE || (f == FAULT_INTERNAL && reached));
            model_check(model, sweeper);

            why = PROBLEM_NONE;
            assert_int_equal(model_sweep(view, sweeper, BLOB_SWEEP_ALL, false, &report, &why),
                             FAULT_NONE);
            assert_int_equal(place_files(place, worker), -1);
            model_check(model, sweeper);
            blob_close(sweeper);
            memset(model, 0, sizeof *model); /* the next one finds the disk as this one did */
            assert_int_equal(model_sweep(view, place->store, BLOB_SWEEP_ALL, false, &report, &why),
                             FAULT_NONE);
        }
    }
    model_view_end(view);
    (void)munmap(model, sizeof *model);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, disk_setup, disk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_sweep_that_fails_anywhere_leaves_the_lock_for_the_next_one),
        CASE(test_a_gc_that_fails_anywhere_loses_nothing_and_the_next_one_finishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
