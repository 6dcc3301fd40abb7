/*
 * fuzz_reading.h - a reader of contents, run over the same bytes with four ways of cutting them.
 */
#ifndef TESTS_FUZZ_FUZZ_READING_H
#define TESTS_FUZZ_FUZZ_READING_H

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz_pieces.h"
#include "tabular/reading.h"

/* Everything that a reading says, as text. */
static inline void fuzz_reading_write(const struct reading *reading, struct text *out)
{
    assert(reading->rows >= 0 && reading->columns.count <= OPTERYX_COLUMNS_MAX);
    text_addf(out, "%lld ", (long long)reading->rows);
    columns_write(&reading->columns, out);
    issues_write(&reading->issues, out);
}

/* Two runs agree in the verdict and, when it is good, in everything.  Of several defects it may
 * depend on the cuts which one is told. */
static inline void fuzz_reading_agree(const struct fuzz_result *a, const struct fuzz_result *b)
{
    assert(a->fault == b->fault);
    assert(a->fault == a->why.fault && b->fault == b->why.fault);
    assert(!text_failed(&a->events) && a->events.len == b->events.len);
    assert(a->events.len == 0 || memcmp(a->events.data, b->events.data, a->events.len) == 0);
}

/* read: runs the reader with these cuts and writes what it says. */
static inline void fuzz_reading_runs(void (*read)(const uint8_t *bytes, size_t len,
                                                  struct fuzz_pieces pieces, struct arena *arena,
                                                  struct fuzz_result *result),
                                     const uint8_t *bytes, size_t len)
{
    struct fuzz_result results[FUZZ_RUNS];
    struct arena *arena = arena_create(ARENA_MAX);
    assert(arena);
    for (size_t run = 0; run < FUZZ_RUNS; run++) {
        const struct fuzz_pieces pieces = { run, (uint32_t)len * 2654435761U };
        results[run] = (struct fuzz_result){ .why = PROBLEM_NONE };
        text_init(&results[run].events, FUZZ_TRACE_MAX);
        read(bytes, len, pieces, arena, &results[run]);
        arena_reset(arena);
        if (run > 0)
            fuzz_reading_agree(&results[0], &results[run]);
    }
    for (size_t run = 0; run < FUZZ_RUNS; run++)
        text_release(&results[run].events);
    arena_destroy(arena);
}

#endif
