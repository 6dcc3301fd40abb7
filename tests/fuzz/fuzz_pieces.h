/*
 * fuzz_pieces.h - the cuts of a stream that every stream fuzzer tries, and what the runs must have
 * in common.
 */
#ifndef TESTS_FUZZ_FUZZ_PIECES_H
#define TESTS_FUZZ_FUZZ_PIECES_H

#include "base/problem.h"
#include "base/text.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    FUZZ_TRACE_MAX = 8 * 1024 * 1024,
    FUZZ_RUNS = 4,      /* whole, byte by byte, equal pieces, pieces of any size */
    FUZZ_STEP_MAX = 600 /* bytes of a piece */
};

/* How one run cuts its input. */
struct fuzz_pieces {
    size_t run;
    uint32_t seed;
};

/* The size of the next piece. */
static inline size_t fuzz_piece(struct fuzz_pieces *pieces, size_t left)
{
    size_t size = left;
    if (pieces->run == 1)
        size = 1;
    if (pieces->run == 2)
        size = 1 + pieces->seed % FUZZ_STEP_MAX;
    if (pieces->run == 3) {
        pieces->seed = pieces->seed * 1664525U + 1013904223U;
        size = (pieces->seed >> 8) % FUZZ_STEP_MAX; /* also none at all */
    }
    return size < left ? size : left;
}

/* What a run came to. */
struct fuzz_result {
    enum fault fault;
    struct problem why;
    struct text events;
};

static inline void fuzz_must_agree(const struct fuzz_result *a, const struct fuzz_result *b)
{
    assert(a->fault == b->fault);
    assert(a->fault == a->why.fault && b->fault == b->why.fault);
    assert(strcmp(a->why.text, b->why.text) == 0);
    assert((a->why.code == NULL) == (b->why.code == NULL));
    assert(!a->why.code || strcmp(a->why.code, b->why.code) == 0);
    assert(!text_failed(&a->events) && !text_failed(&b->events));
    assert(a->events.len == b->events.len);
    assert(a->events.len == 0 || memcmp(a->events.data, b->events.data, a->events.len) == 0);
}

#endif
