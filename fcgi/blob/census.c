/* Which files rows name, by a walk that no index leads. */
#include "blob/sweep_internal.h"

#include <stdlib.h>

enum { SLOTS_FIRST = 1024 };

static size_t place_of(const struct blob_census *census, int64_t file)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    const uint64_t mixed = (uint64_t)file * odd;
    return (size_t)(mixed ^ (mixed >> 32)) & (census->slot_count - 1);
}

/* The slot that holds the file, or the empty one where it would go. */
static struct blob_census_file *slot_of(const struct blob_census *census, int64_t file)
{
    for (size_t at = place_of(census, file);; at = (at + 1) & (census->slot_count - 1)) {
        struct blob_census_file *slot = &census->slots[at];
        if (slot->file == 0 || slot->file == file)
            return slot;
    }
}

/* Twice as many slots, so that at most half of them are taken. */
static enum fault widen(struct blob_census *census, struct problem *why)
{
    struct blob_census wider = { .slot_count = census->slot_count * 2, .count = census->count };
    wider.slots = calloc(wider.slot_count, sizeof *wider.slots);
    if (!wider.slots)
        return problem_internal(why, "out of memory for a census of %zu files", census->count);
    for (size_t i = 0; i < census->slot_count; i++) {
        if (census->slots[i].file != 0)
            *slot_of(&wider, census->slots[i].file) = census->slots[i];
    }
    free(census->slots);
    *census = wider;
    return FAULT_NONE;
}

static enum fault add(void *arg, const struct blob_ref *ref, struct problem *why)
{
    struct blob_census *census = arg;
    int64_t end = 0;
    if (ref->file <= 0 || ref->start < 0 || ref->bytes < 0 ||
        __builtin_add_overflow(ref->start, ref->bytes, &end))
        return problem_internal(why, "a row names an impossible place in the blob store");
    if (census->count * 2 >= census->slot_count) {
        const enum fault f = widen(census, why);
        if (f)
            return f;
    }
    struct blob_census_file *slot = slot_of(census, ref->file);
    census->count += slot->file == 0;
    slot->file = ref->file;
    slot->rows++;
    if ((uint64_t)end > slot->end)
        slot->end = (uint64_t)end;
    return FAULT_NONE;
}

enum fault blob_census_take(struct blob_census *census, const struct blob_rows *rows,
                            struct problem *why)
{
    if (census->slots)
        return FAULT_NONE;
    census->slot_count = SLOTS_FIRST;
    census->count = 0;
    census->slots = calloc(census->slot_count, sizeof *census->slots);
    enum fault f = census->slots ? FAULT_NONE : problem_internal(why, "out of memory for a census");
    if (!f)
        f = rows->walk(rows->ctx, add, census, why);
    if (f)
        blob_census_release(census);
    return f;
}

struct blob_census_file blob_census_of(const struct blob_census *census, int64_t file)
{
    return census->slots ? *slot_of(census, file) : (struct blob_census_file){ .file = 0 };
}

void blob_census_release(struct blob_census *census)
{
    free(census->slots);
    *census = (struct blob_census){ .slots = NULL };
}
