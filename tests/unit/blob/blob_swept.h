/*
 * blob_swept.h - a worker that writes and dies, rows about it, and a sweeper.
 */
#ifndef TESTS_UNIT_BLOB_SWEPT_H
#define TESTS_UNIT_BLOB_SWEPT_H

#include "blob_model.h"

enum { SMALL = 1000, TAIL = 2 * SMALL, HOLE = 3 * SMALL, SWEEPER = 0x9999 };

struct swept {
    struct place *place;
    struct model *model;
    struct model_view *view;
    struct blob_store *store; /* the sweeper's */
    struct blob_sweep_report report;
    struct problem why;
};

static inline int swept_setup(void **state)
{
    struct swept *s = calloc(1, sizeof *s);
    void *place = NULL;
    assert_non_null(s);
    (void)place_setup(&place);
    s->place = place;
    s->model = model_create();
    s->view = model_view(s->model, s->place);
    s->store = place_open(s->place, SWEEPER);
    *state = s;
    return 0;
}

static inline int swept_teardown(void **state)
{
    struct swept *s = *state;
    void *place = s->place;
    blob_close(s->store);
    model_view_end(s->view);
    (void)munmap(s->model, sizeof *s->model);
    free(s);
    return place_teardown(&place);
}

static inline enum fault sweep(struct swept *s, enum blob_sweep_extent extent)
{
    return model_sweep(s->view, s->store, extent, false, &s->report, &s->why);
}

/* Writes a content that a row names. */
static inline size_t named(struct swept *s, size_t content, size_t len)
{
    const struct blob_ref ref = place_put(s->place->store, content, len);
    return model_add(s->model, content, &ref);
}

/* The worker ends; what it sealed so far stays on disk, as after a crash. */
static inline void worker_dies(struct swept *s)
{
    place_flush(s->place->store);
    blob_keep(s->place->store);
    blob_close(s->place->store);
    s->place->store = NULL;
}

static inline const struct blob_ref *where(const struct swept *s, size_t row)
{
    return &s->model->rows[row].ref;
}

#endif
