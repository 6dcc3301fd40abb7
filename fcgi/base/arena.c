#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 64 * 1024,          /* the usual block */
    OWN_BLOCK_FROM = BLOCK_BYTES / 4, /* such a request gets a block of its own: what is left
                                       * unused stays below a third, whatever is asked for */
    ALIGN = 16,
};

struct block {
    struct block *older;
    size_t size; /* bytes of data[] */
    size_t used;
    _Alignas(ALIGN) unsigned char data[];
};

struct deferred {
    struct deferred *older;
    void (*release)(void *thing);
    void *thing;
};

struct arena {
    size_t max;
    size_t used;
    struct block *newest;
    struct deferred *last;
};

static struct block *block_create(size_t size, struct block *older)
{
    struct block *block = size < SIZE_MAX - sizeof *block ? malloc(sizeof *block + size) : NULL;
    if (!block)
        return NULL;
    block->older = older;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_create(size_t max)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return NULL;
    arena->max = max;
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    free(arena->newest);
    free(arena);
}

/* A block with room for want bytes.  One that serves a single request goes behind the newest, of
 * which small requests still take. */
static struct block *block_for(struct arena *arena, size_t want)
{
    struct block *newest = arena->newest;
    if (newest && want <= newest->size - newest->used)
        return newest;
    if (newest && want >= OWN_BLOCK_FROM) {
        struct block *own = block_create(want, newest->older);
        if (own)
            newest->older = own;
        return own;
    }
    struct block *block = block_create(want > BLOCK_BYTES ? want : BLOCK_BYTES, newest);
    if (block)
        arena->newest = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    const size_t want = (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
    if (want > arena->max - arena->used)
        return NULL;
    struct block *block = block_for(arena, want);
    if (!block)
        return NULL;
    void *out = block->data + block->used;
    block->used += want;
    arena->used += want;
    memset(out, 0, want);
    return out;
}

char *arena_strdup(struct arena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;
    if (copy && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const int len = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (len < 0)
        return NULL;
    char *out = arena_alloc(arena, (size_t)len + 1);
    if (!out)
        return NULL;
    va_start(values, format);
    (void)vsnprintf(out, (size_t)len + 1, format, values);
    va_end(values);
    return out;
}

bool arena_defer(struct arena *arena, void (*release)(void *thing), void *thing)
{
    struct deferred *entry = arena_alloc(arena, sizeof *entry);
    if (!entry) {
        release(thing);
        return false;
    }
    *entry = (struct deferred){ arena->last, release, thing };
    arena->last = entry;
    return true;
}

void arena_reset(struct arena *arena)
{
    for (struct deferred *entry = arena->last; entry; entry = entry->older)
        entry->release(entry->thing);
    arena->last = NULL;
    /* one usual block is kept for the next request */
    struct block *kept = NULL;
    for (struct block *block = arena->newest; block;) {
        struct block *older = block->older;
        if (!kept && block->size == BLOCK_BYTES)
            kept = block;
        else
            free(block);
        block = older;
    }
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
    }
    arena->newest = kept;
    arena->used = 0;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
