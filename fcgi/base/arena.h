/*
 * arena.h - the memory of one request: allocated piece by piece, given back at once.
 *
 * The arena has a cap that is set when it is made; upload bytes never enter it.  Things that are
 * not memory (descriptors, json objects) are handed to arena_defer() and released by
 * arena_reset(), last first.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* max: bytes that may be handed out between two resets.  NULL when out of memory. */
struct arena *arena_create(size_t max);

/* Resets and frees.  arena may be NULL. */
void arena_destroy(struct arena *arena);

/* Zeroed memory, aligned for any type, owned by the arena until the next reset.  NULL past the
 * cap or out of memory: callers turn that into FAULT_TOO_LARGE. */
void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy of len bytes of text; NULL as above. */
char *arena_strdup(struct arena *arena, const char *text, size_t len);

/* printf into the arena; NULL as above. */
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Calls release(thing) at the next reset.  false (and release is called at once) when the
 * arena is full. */
bool arena_defer(struct arena *arena, void (*release)(void *thing), void *thing);

/* Runs the deferred releases, last first, and takes all memory back. */
void arena_reset(struct arena *arena);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

#endif
