/*
 * request.h - an exchange over memory_io.h, for tests that open requests and look at the answers.
 *
 * The including test sets request_arena and may change request_config.
 */
#ifndef TESTS_REQUEST_H
#define TESTS_REQUEST_H

#include "base/arena.h"
#include "http/exchange.h"
#include "tests/unit/support/memory_io.h"

static struct arena *request_arena;
static struct config request_config;

struct request {
    struct memory_io io;
    struct exchange x;
    struct problem why;
};

static inline void request_init(struct request *r, const char *method, const char *address)
{
    *r = (struct request){ .why = PROBLEM_NONE };
    memory_io_init(&r->io, method, address);
}

static inline enum fault request_open(struct request *r)
{
    r->x = (struct exchange){ .config = &request_config,
                              .arena = request_arena,
                              .request_id = "id-1" };
    r->x.io = memory_io_exchange(&r->io);
    return exchange_open(&r->x, &r->why);
}

static inline void request_end(struct request *r)
{
    exchange_close(&r->x);
    memory_io_release(&r->io);
    arena_reset(request_arena);
}

/* For cmocka_run_group_tests(). */
static inline int request_setup(void **state)
{
    (void)state;
    request_arena = arena_create(ARENA_MAX);
    return request_arena ? 0 : -1;
}

static inline int request_teardown(void **state)
{
    (void)state;
    arena_destroy(request_arena);
    return 0;
}

#endif
