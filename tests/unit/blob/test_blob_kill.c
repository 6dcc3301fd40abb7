/* Workers killed at any moment, sweepers beside living ones: what rows name is there, and after a
 * sweep nothing else is. */
#include "blob_model.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum {
    ROUNDS = 60, /* of one writer that is killed, then a sweep */
    ROUNDS_MOST = 20 * ROUNDS,
    STORM_ROUNDS = 60, /* of writers that are killed while sweepers run */
    STORM_WRITERS = 3,
    BATCH_MAX = 12,       /* contents of one request */
    ROOM = 2 * BATCH_MAX, /* rows left free when a writer stops adding */
    LIFE_US_MAX = 30000,  /* how long a writer may live */
    CHILD_FAILED = 3,     /* exit status of a child that saw a fault */
    SWEEPER = 0x700000,
    NS_PER_US = 1000,
};

struct scene {
    struct place *place;
    struct model *model;
    struct model_view *view;
    struct blob_store *store; /* reads and sweeps */
};

static int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    void *place = NULL;
    assert_non_null(scene);
    (void)place_setup(&place);
    scene->place = place;
    scene->model = model_create();
    scene->view = model_view(scene->model, scene->place);
    scene->store = place_open(scene->place, SWEEPER);
    *state = scene;
    return 0;
}

static int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *place = scene->place;
    blob_close(scene->store);
    model_view_end(scene->view);
    (void)munmap(scene->model, sizeof *scene->model);
    free(scene);
    return place_teardown(&place);
}

/* xorshift: the same moves for the same seed; only the moment of the kill differs. */
static uint64_t dice(uint64_t *seed, uint64_t sides)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % sides;
}

static void pause_us(uint64_t us)
{
    struct timespec left = { .tv_nsec = (long)(us * NS_PER_US) };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

/* One request: some contents, one discarded now and then; rows for all or a drop. */
static enum fault request(struct blob_store *store, struct model_view *view, uint64_t *seed,
                          struct problem *why)
{
    struct blob_ref refs[BATCH_MAX];
    size_t contents[BATCH_MAX];
    const size_t count = 1 + dice(seed, BATCH_MAX);
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++) {
        const size_t len = dice(seed, 8) == 0 ? PLACE_LARGE - dice(seed, 1000) : dice(seed, 9000);
        contents[i] = dice(seed, 1000);
        if (dice(seed, 10) == 0) {
            struct blob_writer *writer = NULL;
            f = place_write(store, contents[i], len, IO_CHUNK, &writer, why);
            blob_discard(writer);
        }
        if (!f)
            f = place_try(store, contents[i], len, &refs[i], why);
    }
    if (!f)
        f = blob_flush(store, why);
    if (f || dice(seed, 4) == 0 || view->model->count + ROOM > MODEL_ROWS_MAX) {
        blob_drop(store);
        return f;
    }
    model_lock(view);
    for (size_t i = 0; i < count && !f; i++)
        (void)model_add(view->model, contents[i], &refs[i]);
    if (!f)
        f = model_unlock(view, true, why);
    blob_keep(store);
    return f;
}

static void writer_run(const struct scene *scene, uint64_t worker)
{
    struct problem why = PROBLEM_NONE;
    struct blob_store *store = NULL;
    struct model_view *view = model_view(scene->model, scene->place);
    uint64_t seed = worker * 2654435761U + 1;
    enum fault f = blob_open(scene->place->folder, worker, &store, &why);
    while (!f)
        f = request(store, view, &seed, &why);
    (void)fprintf(stderr, "writer: %s\n", why.detail);
}

/* Starts a child that does not outlive a test that fails. */
static pid_t child_start(const struct scene *scene, uint64_t worker,
                         void (*run)(const struct scene *scene, uint64_t worker))
{
    const pid_t parent = getpid();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
        run(scene, worker);
    _exit(CHILD_FAILED);
}

static void child_kill(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* else it had ended by itself: a fault */
}

/* The files of a worker's folder are those that rows name, each ending with a named content. */
static void check_exactly_what_is_named(const struct scene *scene, uint64_t worker)
{
    int files = 0;
    for (int64_t number = 0; number < 4096; number++) {
        const int64_t file = (int64_t)(worker << 24) + number;
        int64_t end = -1;
        for (size_t i = 0; i < scene->model->count; i++) {
            const struct model_row *row = &scene->model->rows[i];
            if (row->named && row->ref.file == file && row->ref.start + row->ref.bytes > end)
                end = row->ref.start + row->ref.bytes;
        }
        if (end >= 0)
            files++;
        if (end >= 0 || number < 64)
            assert_int_equal(place_file_size(scene->place, file), end);
    }
    const int found = place_files(scene->place, worker);
    assert_int_equal(found < 0 ? 0 : found, files);
    assert_false(place_has_lock(scene->place, worker));
}

static void test_a_kill_at_any_moment_leaves_after_a_sweep_exactly_what_rows_name(void **state)
{
    struct scene *scene = *state;
    uint64_t seed = 20;
    size_t alive = 0;
    /* a slow machine takes more rounds until writers have lived long enough to write */
    for (uint64_t worker = 1;
         worker <= ROUNDS || (worker <= ROUNDS_MOST && scene->model->count <= ROUNDS); worker++) {
        struct blob_sweep_report report = { 0 };
        struct problem why = PROBLEM_NONE;
        const size_t rows = scene->model->count;
        const pid_t child = child_start(scene, worker, writer_run);
        pause_us(dice(&seed, LIFE_US_MAX));
        alive += blob_worker_alive(scene->store, worker);
        child_kill(child);
        assert_false(blob_worker_alive(scene->store, worker));

        assert_int_equal(
            model_sweep(scene->view, scene->store, BLOB_SWEEP_DEAD, false, &report, &why),
            FAULT_NONE);
        check_exactly_what_is_named(scene, worker);
        for (size_t i = rows; i < scene->model->count; i++)
            place_check(scene->store, scene->model->rows[i].content, &scene->model->rows[i].ref);
    }
    model_check(scene->model, scene->store);
    assert_true(scene->model->count > ROUNDS); /* they did write */
    assert_true(alive > ROUNDS / 4);
}

/* Deletes rows at random, as retention does, and sweeps all the time. */
static void sweeper_run(const struct scene *scene, uint64_t worker)
{
    struct problem why = PROBLEM_NONE;
    struct blob_sweep_report report = { 0 };
    struct blob_store *store = NULL;
    struct model_view *view = model_view(scene->model, scene->place);
    uint64_t seed = worker;
    enum fault f = blob_open(scene->place->folder, worker, &store, &why);
    while (!f) {
        model_lock(view);
        for (size_t i = 0; i < view->model->count && !f; i++)
            view->model->rows[i].named = view->model->rows[i].named && dice(&seed, 50) != 0;
        if (!f)
            f = model_unlock(view, true, &why);
        const enum blob_sweep_extent extent = dice(&seed, 2) ? BLOB_SWEEP_ALL : BLOB_SWEEP_DEAD;
        if (!f)
            f = model_sweep(view, store, extent, false, &report, &why);
    }
    (void)fprintf(stderr, "sweeper: %s\n", why.detail);
}

static void test_sweepers_never_take_what_a_row_names(void **state)
{
    struct scene *scene = *state;
    uint64_t seed = 1;
    uint64_t worker = 1;
    struct problem why = PROBLEM_NONE;
    struct blob_sweep_report report = { 0 };
    pid_t writers[STORM_WRITERS];
    pid_t sweepers[2];
    for (size_t i = 0; i < STORM_WRITERS; i++)
        writers[i] = child_start(scene, worker++, writer_run);
    for (size_t i = 0; i < 2; i++)
        sweepers[i] = child_start(scene, SWEEPER + worker++, sweeper_run);
    for (size_t round = 0; round < STORM_ROUNDS; round++) {
        const size_t victim = dice(&seed, STORM_WRITERS + 1);
        pause_us(dice(&seed, LIFE_US_MAX));
        if (victim < STORM_WRITERS) {
            child_kill(writers[victim]);
            writers[victim] = child_start(scene, worker++, writer_run);
        } else { /* a sweeper may be killed, too */
            child_kill(sweepers[round % 2]);
            sweepers[round % 2] = child_start(scene, SWEEPER + worker++, sweeper_run);
        }
    }
    for (size_t i = 0; i < STORM_WRITERS; i++)
        child_kill(writers[i]);
    for (size_t i = 0; i < 2; i++)
        child_kill(sweepers[i]);
    model_check(scene->model, scene->store);
    assert_int_equal(model_sweep(scene->view, scene->store, BLOB_SWEEP_ALL, false, &report, &why),
                     FAULT_NONE);
    model_check(scene->model, scene->store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_kill_at_any_moment_leaves_after_a_sweep_exactly_what_rows_name),
        CASE(test_sweepers_never_take_what_a_row_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
