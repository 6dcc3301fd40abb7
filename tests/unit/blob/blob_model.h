/*
 * blob_model.h - rows in memory shared between processes: what the sweeper's tests ask in place of
 * the database.  The lock is a flock on a file, so that a killed holder gives it back.
 */
#ifndef TESTS_UNIT_BLOB_MODEL_H
#define TESTS_UNIT_BLOB_MODEL_H

#include "blob/sweep.h"
#include "blob_place.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

enum { MODEL_ROWS_MAX = 20000 };

struct model_row {
    struct blob_ref ref;
    size_t content; /* which bytes these are */
    bool named;
};

struct model {
    size_t count; /* rows ever added; written last, so that a killed writer leaves whole rows */
    struct model_row rows[MODEL_ROWS_MAX];
};

/* One process's view of the model. */
struct model_view {
    struct model *model;
    char lock_path[80];
    int lock;
    bool locked;
    size_t locks; /* how often the lock was taken */
    size_t moves;
    size_t moves_in_lock_max; /* the most moves between a lock and its unlock */
    size_t moves_in_lock;
    enum fault fail_move;   /* raised by the move that fail_at counts down to */
    enum fault fail_unlock; /* raised by an unlock that keeps */
    size_t fail_at;
    enum fault fail_settle;   /* raised by settle() */
    enum fault fail_contents; /* raised by contents() */
    bool deaf;                /* moves change nothing */
    size_t not_indexed;       /* one past a row that contents() and move() do not find; 0: none */
    const char *day;          /* of the quarantine; NULL: there is none */
    char trace[64];           /* what was asked: contents, walk, settle, Lock, move, Unlock, Keep */
    size_t name_at_lock;      /* one past a row that is named again just before a lock; 0: none */
    struct model before;      /* rows as they were at lock(), for the rollback */
};

static inline struct model *model_create(void)
{
    void *shared =
        mmap(NULL, sizeof(struct model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    return shared;
}

static inline void model_note(struct model_view *view, char what)
{
    const size_t len = strlen(view->trace);
    if (len + 1 < sizeof view->trace)
        view->trace[len] = what;
}

/* Each process opens its own view: a flock belongs to an open file. */
static inline struct model_view *model_view(struct model *model, const struct place *place)
{
    struct model_view *view = calloc(1, sizeof *view);
    assert_non_null(view);
    view->model = model;
    (void)snprintf(view->lock_path, sizeof view->lock_path, "%s/rows", place->folder);
    view->lock = open(view->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(view->lock >= 0);
    return view;
}

static inline void model_view_end(struct model_view *view)
{
    (void)close(view->lock);
    free(view);
}

static inline void model_lock(struct model_view *view)
{
    model_note(view, 'L');
    assert_false(view->locked);
    assert_int_equal(flock(view->lock, LOCK_EX), 0);
    view->locked = true;
    view->locks++;
    view->moves_in_lock = 0;
    if (view->name_at_lock > 0)
        view->model->rows[view->name_at_lock - 1].named = true;
    memcpy(&view->before, view->model, sizeof view->before);
}

static inline enum fault model_unlock(struct model_view *view, bool keep, struct problem *why)
{
    enum fault f = FAULT_NONE;
    model_note(view, keep ? 'K' : 'U');
    assert_true(view->locked);
    if (keep && view->fail_unlock)
        f = problem_set(why, view->fail_unlock, "the commit is not certain");
    if (!keep)
        memcpy(view->model, &view->before, sizeof view->before);
    view->locked = false;
    assert_int_equal(flock(view->lock, LOCK_UN), 0);
    return f;
}

static inline enum fault model_hold(void *ctx, enum fault (*body)(void *arg, struct problem *why),
                                    void *arg, struct problem *why)
{
    struct model_view *view = ctx;
    model_lock(view);
    const enum fault f = body(arg, why);
    const enum fault ended = model_unlock(view, false, why);
    return f ? f : ended;
}

static inline int model_by_start(const void *a, const void *b)
{
    const struct blob_ref *left = a;
    const struct blob_ref *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static inline enum fault model_contents(void *ctx, int64_t file,
                                        enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                           struct problem *why),
                                        void *arg, struct problem *why)
{
    struct model_view *view = ctx;
    struct blob_ref *refs = calloc(MODEL_ROWS_MAX, sizeof *refs);
    size_t count = 0;
    enum fault f = FAULT_NONE;
    assert_non_null(refs);
    model_note(view, 'c');
    if (view->fail_contents)
        f = problem_set(why, view->fail_contents, "the rows cannot be read");
    if (!view->locked) /* a read sees whole transactions */
        assert_int_equal(flock(view->lock, LOCK_EX), 0);
    for (size_t i = 0; i < view->model->count; i++) {
        if (view->model->rows[i].named && view->model->rows[i].ref.file == file &&
            i + 1 != view->not_indexed)
            refs[count++] = view->model->rows[i].ref;
    }
    if (!view->locked)
        assert_int_equal(flock(view->lock, LOCK_UN), 0);
    qsort(refs, count, sizeof *refs, model_by_start);
    for (size_t i = 0; i < count && !f; i++)
        f = each(arg, &refs[i], why);
    free(refs);
    return f;
}

static inline enum fault model_settle(void *ctx, struct problem *why)
{
    struct model_view *view = ctx;
    model_note(view, 's');
    assert_false(view->locked);
    return view->fail_settle ? problem_set(why, view->fail_settle, "the sync failed") : FAULT_NONE;
}

static inline enum fault model_walk(void *ctx, blob_each each, void *arg, struct problem *why)
{
    struct model_view *view = ctx;
    enum fault f = FAULT_NONE;
    model_note(view, 'w');
    if (view->fail_contents)
        f = problem_set(why, view->fail_contents, "the rows cannot be read");
    if (!view->locked)
        assert_int_equal(flock(view->lock, LOCK_EX), 0);
    for (size_t i = 0; i < view->model->count && !f; i++) {
        if (view->model->rows[i].named)
            f = each(arg, &view->model->rows[i].ref, why);
    }
    if (!view->locked)
        assert_int_equal(flock(view->lock, LOCK_UN), 0);
    return f;
}

/* The rows of one content. */
static inline uint64_t model_move_one(struct model_view *view, const struct blob_ref *from,
                                      const struct blob_ref *to)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < view->model->count && !view->deaf; i++) {
        struct blob_ref *ref = &view->model->rows[i].ref;
        if (view->model->rows[i].named && ref->file == from->file && ref->start == from->start &&
            ref->bytes == from->bytes && i + 1 != view->not_indexed) {
            *ref = *to;
            rows++;
        }
    }
    return rows;
}

static inline enum fault model_move(void *ctx, struct blob_moves *moves, struct problem *why)
{
    struct model_view *view = ctx;
    enum fault f = FAULT_NONE;
    model_lock(view);
    for (size_t i = 0; i < moves->count && !f; i++) {
        model_note(view, 'm');
        assert_int_equal(moves->from[i].bytes, moves->to[i].bytes);
        view->moves++;
        if (++view->moves_in_lock > view->moves_in_lock_max)
            view->moves_in_lock_max = view->moves_in_lock;
        if (view->fail_move && view->fail_at-- == 0)
            f = problem_set(why, view->fail_move, "the move failed");
        else
            moves->rows += model_move_one(view, &moves->from[i], &moves->to[i]);
    }
    moves->named = !f;
    const enum fault ended = model_unlock(view, !f, why);
    return f ? f : ended;
}

static inline struct blob_rows model_rows(struct model_view *view)
{
    return (struct blob_rows){ .ctx = view,
                               .hold = model_hold,
                               .contents = model_contents,
                               .walk = model_walk,
                               .settle = model_settle,
                               .move = model_move };
}

/* Adds a row; in a race only under the lock. */
static inline size_t model_add(struct model *model, size_t content, const struct blob_ref *ref)
{
    const size_t row = model->count;
    assert_true(row < MODEL_ROWS_MAX);
    model->rows[row] = (struct model_row){ *ref, content, true };
    __atomic_store_n(&model->count, row + 1, __ATOMIC_RELEASE);
    return row;
}

/* Every named content reads back as it was written. */
static inline void model_check(const struct model *model, struct blob_store *store)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->rows[i].named)
            place_check(store, model->rows[i].content, &model->rows[i].ref);
    }
}

static inline enum fault model_sweep(struct model_view *view, struct blob_store *store,
                                     enum blob_sweep_extent extent, bool dry_run,
                                     struct blob_sweep_report *report, struct problem *why)
{
    const struct blob_rows rows = model_rows(view);
    const struct blob_sweep_plan plan = { .extent = extent, .dry_run = dry_run, .day = view->day };
    return blob_sweep(store, &rows, &plan, report, why);
}

#endif
