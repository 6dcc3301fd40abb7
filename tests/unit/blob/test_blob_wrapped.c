/* How often the store asks the disk to flush, and what it does when the disk says no. */
#include "blob_disk.h"

enum { SMALL = 3000, BATCH = 6 };

/* What one request might write: the first contents are large ones. */
struct batch {
    size_t large;
    struct blob_ref refs[BATCH];
};

static enum fault batch_put(struct blob_store *store, struct batch *batch, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < BATCH && !f; i++)
        f = place_try(store, i, i < batch->large ? PLACE_LARGE : SMALL + i, &batch->refs[i], why);
    return f ? f : blob_flush(store, why);
}

static void batch_check(struct blob_store *store, const struct batch *batch)
{
    for (size_t i = 0; i < BATCH; i++)
        place_check(store, i, &batch->refs[i]);
}

static void test_the_number_of_flushes_does_not_grow_with_the_number_of_contents(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *label;
        size_t small;
        size_t large;
        size_t fdatasync;
        size_t fsync;
        size_t syncfs;
    } cases[] = {
        { "the first pack: the file, its entry, the folder's and the store's", 1, 0, 1, 3, 0 },
        { "one small content", 1, 0, 1, 0, 0 },
        { "many small contents", 2500, 0, 1, 0, 0 },
        { "one large content and its entry", 0, 1, 1, 1, 0 },
        { "many small ones and a large one", 100, 1, 2, 1, 0 },
        { "two large contents", 0, 2, 0, 0, 1 },
        { "many large contents", 100, 30, 0, 0, 1 },
        { "nothing", 0, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        disk_reset();
        for (size_t n = 0; n < cases[i].small; n++)
            (void)place_put(place->store, n, SMALL);
        for (size_t n = 0; n < cases[i].large; n++)
            (void)place_put(place->store, n, PLACE_LARGE);
        place_flush(place->store);
        blob_keep(place->store);
        if (disk.count[CALL_FDATASYNC] != cases[i].fdatasync)
            (void)fprintf(stderr, "%s:\n", cases[i].label);
        assert_int_equal(disk.count[CALL_FDATASYNC], cases[i].fdatasync);
        assert_int_equal(disk.count[CALL_FSYNC], cases[i].fsync);
        assert_int_equal(disk.count[CALL_SYNCFS], cases[i].syncfs);
    }
}

static void test_small_contents_are_written_together(void **state)
{
    struct place *place = *state;
    enum { CONTENTS = 2500 };
    for (size_t n = 0; n < CONTENTS; n++)
        (void)place_put(place->store, n, SMALL);
    place_flush(place->store);
    assert_in_range(disk.count[CALL_PWRITE], 1, CONTENTS * SMALL / (BLOB_PACK_BUFFER - SMALL) + 1);
}

static void test_short_and_interrupted_calls_change_nothing(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct batch batch = { .large = 2 };
    uint64_t worker = 0;
    assert_int_equal(blob_worker(place->store, &worker, &why), FAULT_NONE);
    for (size_t max = 1000; max < PLACE_LARGE; max = max * 3 + 1) {
        disk_reset();
        disk.write_max = max;
        assert_int_equal(batch_put(place->store, &batch, &why), FAULT_NONE);
        batch_check(place->store, &batch);
        blob_keep(place->store);
    }
    for (batch.large = 0; batch.large < 3; batch.large++) {
        disk_reset();
        disk.interrupt = true;
        assert_int_equal(batch_put(place->store, &batch, &why), FAULT_NONE);
        disk_reset();
        batch_check(place->store, &batch);
        blob_keep(place->store);
    }
}

/* One call fails: the fault is the right one, what was kept before stays, nothing else does. */
static void one_failure(struct place *place, const struct batch *kept, struct batch batch,
                        enum call call, size_t at, int code)
{
    struct problem why = PROBLEM_NONE;
    const int files = place_files(place, PLACE_WORKER);
    disk_reset();
    disk.fail = call;
    disk.fail_at = at;
    disk.fail_with = code;
    const enum fault f = batch_put(place->store, &batch, &why);
    disk.fail = CALL_COUNT;
    if (f) {
        assert_true(disk.failed);
        assert_int_equal(f, code == EIO ? FAULT_INTERNAL : FAULT_STORAGE_FULL);
        assert_int_equal(why.fault, f);
        assert_null(strchr(why.text, '/'));
        assert_int_not_equal(why.detail[0], '\0');
    } else {
        batch_check(place->store, &batch);
    }
    blob_drop(place->store);
    assert_int_equal(place_files(place, PLACE_WORKER), files);
    batch_check(place->store, kept);
}

static void test_a_failing_disk_gives_the_right_fault_and_leaves_only_what_was_kept(void **state)
{
    struct place *place = *state;
    static const enum call calls[] = { CALL_PWRITE, CALL_FDATASYNC,       CALL_FSYNC,
                                       CALL_SYNCFS, CALL_SYNC_FILE_RANGE, CALL_OPENAT };
    static const int codes[] = { EIO, ENOSPC, EDQUOT };
    struct batch kept = { .large = 2 };
    struct problem why = PROBLEM_NONE;
    assert_int_equal(batch_put(place->store, &kept, &why), FAULT_NONE);
    blob_keep(place->store);

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t reached = 0;
        for (size_t shape = 0; shape < 3 * sizeof codes / sizeof codes[0]; shape++) {
            const struct batch batch = { .large = shape % 3 };
            for (size_t at = 1; at == 1 || disk.failed; at++) {
                one_failure(place, &kept, batch, calls[i], at, codes[shape / 3]);
                reached += disk.failed;
            }
        }
        assert_int_not_equal(reached, 0);
    }

    struct batch batch = { .large = 1 };
    disk_reset();
    assert_int_equal(batch_put(place->store, &batch, &why), FAULT_NONE);
    blob_keep(place->store);
    batch_check(place->store, &batch);
    batch_check(place->store, &kept);
}

static void test_a_lost_write_back_of_any_large_content_fails_the_flush(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    enum { CONTENTS = 4 };
    size_t waits = 0;
    for (size_t at = 1; at == 1 || disk.failed; at++) {
        why = PROBLEM_NONE;
        disk_reset();
        disk.fail = CALL_SYNC_FILE_RANGE;
        disk.fail_at = at;
        disk.fail_with = EIO;
        for (size_t i = 0; i < CONTENTS; i++)
            (void)place_put(place->store, i, PLACE_LARGE);
        const enum fault f = blob_flush(place->store, &why);
        if (f) {
            waits++;
            assert_int_equal(disk.count[CALL_SYNCFS], 0); /* it might say that all is well */
        }
        blob_drop(place->store);
    }
    assert_int_equal(waits, CONTENTS);
}

static void test_a_failed_flush_is_not_tried_again_and_its_pack_is_left(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    const struct blob_ref kept = place_put(place->store, 0, SMALL);
    place_flush(place->store);
    blob_keep(place->store);

    disk_reset();
    disk.fail = CALL_FDATASYNC;
    disk.fail_at = 1;
    disk.fail_with = EIO;
    (void)place_put(place->store, 1, SMALL);
    assert_int_equal(blob_flush(place->store, &why), FAULT_INTERNAL);
    blob_drop(place->store);
    place_flush(place->store);
    assert_int_equal(disk.count[CALL_FDATASYNC], 1);
    assert_int_equal(place_file_size(place, kept.file), SMALL);

    const struct blob_ref next = place_put(place->store, 2, SMALL);
    assert_int_not_equal(next.file, kept.file);
    place_flush(place->store);
    blob_keep(place->store);
    place_check(place->store, 0, &kept);
    place_check(place->store, 2, &next);
}

static void test_a_content_that_fails_does_not_spoil_the_others(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    struct blob_ref ref = { 0 };
    const struct blob_ref before = place_put(place->store, 0, SMALL);
    disk_reset();
    disk.fail = CALL_PWRITE;
    disk.fail_at = 2;
    disk.fail_with = ENOSPC;
    assert_int_equal(place_try(place->store, 1, PLACE_LARGE, &ref, &why), FAULT_STORAGE_FULL);
    assert_true(disk.failed);
    const struct blob_ref after = place_put(place->store, 2, SMALL);
    place_flush(place->store);
    blob_keep(place->store);
    assert_int_equal(place_files(place, PLACE_WORKER), 1);
    place_check(place->store, 0, &before);
    place_check(place->store, 2, &after);
}

static void test_sealed_contents_survive_a_full_buffer_that_could_not_be_written(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    enum { EACH = BLOB_PACK_BELOW - 1, HELD = BLOB_PACK_BUFFER / EACH };
    struct blob_ref refs[HELD + 1] = { 0 };
    disk_reset();
    for (size_t i = 0; i < HELD; i++)
        refs[i] = place_put(place->store, i, EACH);
    disk.fail = CALL_PWRITE;
    disk.fail_at = 1;
    disk.fail_with = ENOSPC;
    assert_int_equal(place_try(place->store, HELD, EACH, &refs[HELD], &why), FAULT_STORAGE_FULL);
    refs[HELD] = place_put(place->store, HELD, EACH);
    place_flush(place->store);
    for (size_t i = 0; i <= HELD; i++)
        place_check(place->store, i, &refs[i]);
}

static void test_a_pack_that_cannot_be_cut_back_is_left(void **state)
{
    struct place *place = *state;
    const struct blob_ref kept = place_put(place->store, 0, SMALL);
    place_flush(place->store);
    blob_keep(place->store);
    const struct blob_ref dropped = place_put(place->store, 1, SMALL);
    place_flush(place->store);
    disk_reset();
    disk.fail = CALL_FTRUNCATE;
    disk.fail_at = 1;
    disk.fail_with = EIO;
    blob_drop(place->store);
    assert_true(disk.failed);
    const struct blob_ref next = place_put(place->store, 2, SMALL);
    place_flush(place->store);
    blob_keep(place->store);
    assert_int_equal(dropped.file, kept.file);
    assert_int_not_equal(next.file, kept.file);
    place_check(place->store, 0, &kept);
    place_check(place->store, 2, &next);
}

static void test_a_folder_that_cannot_be_taken_is_a_fault_and_the_next_try_takes_it(void **state)
{
    struct place *place = *state;
    static const enum call calls[] = { CALL_MKDIRAT, CALL_OPENAT, CALL_FSYNC };
    static const size_t times[] = { 1, 2, 2 };
    uint64_t worker = PLACE_WORKER;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (size_t at = 1; at <= times[i]; at++) {
            struct problem why = PROBLEM_NONE;
            uint64_t taken = 0;
            struct blob_store *store = place_open(place, ++worker);
            disk_reset();
            disk.fail = calls[i];
            disk.fail_at = at;
            disk.fail_with = ENOSPC;
            assert_int_equal(blob_worker(store, &taken, &why), FAULT_STORAGE_FULL);
            assert_int_equal(taken, 0);
            why = PROBLEM_NONE;
            assert_int_equal(blob_worker(store, &taken, &why), FAULT_NONE);
            assert_int_equal(taken, worker);
            assert_true(blob_worker_alive(place->store, worker));
            blob_close(store);
            assert_int_equal(place_files(place, worker), -1);
        }
    }
}

static void test_a_folder_that_a_sweeper_removes_while_it_is_taken_is_made_again(void **state)
{
    struct place *place = *state;
    struct problem why = PROBLEM_NONE;
    char path[PLACE_PATH_MAX];
    uint64_t worker = 0;
    place_path(place, PLACE_WORKER, "", path);
    disk_reset();
    disk.sweep = path;
    assert_int_equal(blob_worker(place->store, &worker, &why), FAULT_NONE);
    assert_null(disk.sweep);
    assert_int_equal(disk.count[CALL_MKDIRAT], 2);
    assert_true(place_has_lock(place, PLACE_WORKER));
    struct blob_store *other = place_open(place, 0);
    assert_true(blob_worker_alive(other, PLACE_WORKER));
    blob_close(other);
}

static void test_a_drop_leaves_nothing_to_flush_but_what_was_kept(void **state)
{
    struct place *place = *state;
    for (int kept = 0; kept < 2; kept++) {
        (void)place_put(place->store, 0, SMALL);
        (void)place_put(place->store, 1, PLACE_LARGE);
        (void)place_put(place->store, 2, PLACE_LARGE);
        if (kept)
            blob_keep(place->store);
        (void)place_put(place->store, 3, PLACE_LARGE);
        blob_drop(place->store);
        disk_reset();
        place_flush(place->store);
        assert_int_equal(disk.count[CALL_SYNCFS], kept);
        assert_int_equal(disk.count[CALL_FDATASYNC] + disk.count[CALL_FSYNC], 0);
    }
}

static void test_write_back_starts_every_few_megabytes_and_anew_after_a_cut(void **state)
{
    struct place *place = *state;
    enum { EACH = BLOB_PACK_BELOW - 1, CONTENTS = 50 };
    (void)place_put(place->store, 0, SMALL);
    place_flush(place->store);
    blob_keep(place->store);
    for (int i = 0; i < 2; i++) {
        disk_reset();
        for (size_t n = 0; n < CONTENTS; n++) /* 12 MiB */
            (void)place_put(place->store, n, EACH);
        assert_int_equal(disk.count[CALL_SYNC_FILE_RANGE], 2);
        blob_drop(place->store);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, disk_setup, disk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_number_of_flushes_does_not_grow_with_the_number_of_contents),
        CASE(test_small_contents_are_written_together),
        CASE(test_short_and_interrupted_calls_change_nothing),
        CASE(test_a_failing_disk_gives_the_right_fault_and_leaves_only_what_was_kept),
        CASE(test_a_lost_write_back_of_any_large_content_fails_the_flush),
        CASE(test_a_failed_flush_is_not_tried_again_and_its_pack_is_left),
        CASE(test_a_content_that_fails_does_not_spoil_the_others),
        CASE(test_sealed_contents_survive_a_full_buffer_that_could_not_be_written),
        CASE(test_a_pack_that_cannot_be_cut_back_is_left),
        CASE(test_a_folder_that_cannot_be_taken_is_a_fault_and_the_next_try_takes_it),
        CASE(test_a_folder_that_a_sweeper_removes_while_it_is_taken_is_made_again),
        CASE(test_a_drop_leaves_nothing_to_flush_but_what_was_kept),
        CASE(test_write_back_starts_every_few_megabytes_and_anew_after_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
