#include "opteryx/gather.h"

#include "base/limits.h"
#include "json/json.h"

#include <string.h>

enum { NOTES_MAX = 1 * MIB }; /* bytes of notes, past which they are counted alone */

void gather_init(struct gather *gather, struct arena *arena)
{
    *gather = (struct gather){ .part = 0 };
    columns_init(&gather->columns, arena);
    text_init(&gather->notes, NOTES_MAX + PROBLEM_TEXT_MAX * sizeof "\\u0000");
    text_addc(&gather->notes, '[');
}

void gather_release(struct gather *gather)
{
    text_release(&gather->notes);
}

enum fault gather_read(struct gather *gather, const struct opteryx_merged *merged,
                       struct problem *why)
{
    const size_t len = strlen(merged->notes);
    if (len < 2)
        return problem_internal(why, "the notes of a session are damaged");
    text_clear(&gather->notes);
    text_add(&gather->notes, merged->notes, len - 1);
    gather->noted = merged->noted;
    gather->untold = merged->untold;
    gather->any = true;
    return columns_read(&gather->columns, merged->columns, why);
}

static enum fault told(void *ctx, const char *column, const char *note, struct problem *why)
{
    struct gather *gather = ctx;
    (void)column; /* the note names it */
    (void)why;
    if (gather->noted == OPTERYX_INSPECT_ISSUES_MAX || gather->notes.len > NOTES_MAX) {
        gather->untold++;
        return FAULT_NONE;
    }
    text_adds(&gather->notes, gather->noted++ ? ",{\"issue\":" : "{\"issue\":");
    json_quote(&gather->notes, note, strlen(note));
    text_addf(&gather->notes, ",\"part\":%lld}", (long long)gather->part);
    return FAULT_NONE;
}

enum fault gather_add(struct gather *gather, int64_t part, const struct columns *columns,
                      struct problem *why)
{
    const bool first = !gather->any;
    gather->any = true;
    gather->part = part;
    return columns_merge(&gather->columns, columns, first, told, gather, why);
}

/* The way through the parts. */
struct walk {
    struct gather *gather;
    struct arena *scratch; /* of one part's columns */
    struct text last;      /* the columns of the part before: most parts have the same */
    int64_t number;
    const struct columns *replaced; /* NULL when there is none, or it has been added */
};

static enum fault replaced_add(struct walk *walk, struct problem *why)
{
    const struct columns *columns = walk->replaced;
    walk->replaced = NULL;
    text_clear(&walk->last);
    return gather_add(walk->gather, walk->number, columns, why);
}

static enum fault each(void *ctx, const struct opteryx_part *part, struct problem *why)
{
    struct walk *walk = ctx;
    struct columns columns;
    enum fault f = FAULT_NONE;
    const bool is_replaced = walk->replaced && part->part == walk->number;
    if (walk->replaced && part->part >= walk->number)
        f = replaced_add(walk, why);
    if (f || is_replaced || strcmp(text_string(&walk->last), part->columns) == 0)
        return f;
    arena_reset(walk->scratch);
    columns_init(&columns, walk->scratch);
    f = columns_read(&columns, part->columns, why);
    if (!f)
        f = gather_add(walk->gather, part->part, &columns, why);
    text_clear(&walk->last);
    text_adds(&walk->last, part->columns);
    return f;
}

enum fault gather_parts(struct db *db, const char *session, int64_t number,
                        const struct columns *replaced, struct gather *gather, struct problem *why)
{
    struct walk walk = {
        .gather = gather, .scratch = arena_create(ARENA_MAX), .number = number, .replaced = replaced
    };
    text_init(&walk.last, ARENA_MAX);
    enum fault f =
        walk.scratch ? FAULT_NONE : problem_internal(why, "no memory to put parts together");
    if (!f)
        f = opteryx_store_part_columns(db, session, each, &walk, why);
    if (!f && walk.replaced)
        f = replaced_add(&walk, why);
    text_release(&walk.last);
    arena_destroy(walk.scratch);
    return f;
}

enum fault gather_session(struct db *db, const struct opteryx_session *session, struct arena *arena,
                          struct gather *gather, struct problem *why)
{
    struct opteryx_merged merged = { .noted = 0 };
    if (!session->merged)
        return gather_parts(db, session->id, 0, NULL, gather, why);
    enum fault f = opteryx_store_merged(db, session->id, arena, &merged, why);
    return f ? f : gather_read(gather, &merged, why);
}

void gather_write(struct gather *gather, struct text *columns, struct opteryx_merged *out)
{
    columns_write(&gather->columns, columns);
    text_addc(&gather->notes, ']');
    *out = (struct opteryx_merged){ .columns = text_string(columns),
                                    .notes = text_string(&gather->notes),
                                    .noted = gather->noted,
                                    .untold = gather->untold };
}
