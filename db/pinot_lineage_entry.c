#include "db/pinot_lineage_entry.h"

#include "db/pinot_store_delete.h"

#include <stdio.h>
#include <string.h>

bool pinot_lineage_entry_is(const struct pinot_lineage_entry *entry, const char *state)
{
    return strcmp(entry->state, state) == 0;
}

struct query pinot_lineage_by_name(struct db *db, enum statement which, int64_t table,
                                   const char *name)
{
    struct query q = query_for(db, which);
    query_int(&q, ":table", table);
    query_text(&q, ":name", name);
    return q;
}

static enum fault any(struct query *q, bool *found, struct problem *why)
{
    const enum fault f = query_step(q, found, why);
    query_done(q);
    return f;
}

enum fault pinot_lineage_segment_exists(struct db *db, int64_t table, const char *name, bool *found,
                                        struct problem *why)
{
    struct query q = pinot_lineage_by_name(db, STMT_PINOT_SEGMENT_FIND, table, name);
    return any(&q, found, why);
}

enum fault pinot_lineage_is_hidden(struct db *db, int64_t table, const char *name, bool *hidden,
                                   struct problem *why)
{
    struct query q = pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_HIDES, table, name);
    return any(&q, hidden, why);
}

void pinot_lineage_entry_of(const struct query *q, struct pinot_lineage_entry *out)
{
    enum { ID, ENTRY, STATE };
    out->id = query_column_int(q, ID);
    (void)query_column_copy(q, ENTRY, out->name, sizeof out->name);
    (void)query_column_copy(q, STATE, out->state, sizeof out->state);
}

/* Steps once; an entry of id 0 when there is no row. */
enum fault pinot_lineage_entry_first(struct query *q, struct pinot_lineage_entry *out,
                                     struct problem *why)
{
    bool row = false;
    const enum fault f = query_step(q, &row, why);
    *out = (struct pinot_lineage_entry){ .id = 0 };
    if (!f && row)
        pinot_lineage_entry_of(q, out);
    query_done(q);
    return f;
}

enum fault pinot_lineage_entry_get(struct db *db, int64_t table, const char *name,
                                   struct pinot_lineage_entry *out, struct problem *why)
{
    struct query q = pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_GET, table, name);
    return pinot_lineage_entry_first(&q, out, why);
}

/* The first entry in a state whose side has the segment, behind the entry with the id after. */
enum fault pinot_lineage_entry_naming(struct db *db, const struct pinot_lineage_place *place,
                                      const char *state, int64_t after,
                                      struct pinot_lineage_entry *out, struct problem *why)
{
    struct query q =
        pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_NAMING, place->table, place->segment);
    query_text(&q, ":side", place->side);
    query_text(&q, ":state", state);
    query_int(&q, ":after", after);
    return pinot_lineage_entry_first(&q, out, why);
}

static enum fault run_for_entry(struct db *db, enum statement which, int64_t entry,
                                struct problem *why)
{
    struct query q = query_for(db, which);
    query_int(&q, ":lineage", entry);
    return query_run(&q, NULL, why);
}

enum fault pinot_lineage_entry_forget(struct db *db, int64_t entry, struct problem *why)
{
    const enum fault f = run_for_entry(db, STMT_PINOT_LINEAGE_SEGMENTS_DROP, entry, why);
    return f ? f : run_for_entry(db, STMT_PINOT_LINEAGE_DROP, entry, why);
}

static enum fault hide(struct db *db, int64_t entry, const char *side, bool hides,
                       struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LINEAGE_HIDE);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":side", side);
    query_int(&q, ":hides", hides);
    return query_run(&q, NULL, why);
}

/* A new state, and what is hidden in it. */
enum fault pinot_lineage_entry_change(struct db *db, int64_t entry, const char *state, int64_t now,
                                      struct problem *why)
{
    const bool completed = strcmp(state, PINOT_STATE_COMPLETED) == 0;
    struct query q = query_for(db, STMT_PINOT_LINEAGE_CHANGE);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":state", state);
    query_int(&q, ":now", now);
    enum fault f = query_run(&q, NULL, why);
    if (!f)
        f = hide(db, entry, PINOT_SIDE_FROM, completed, why);
    return f ? f : hide(db, entry, PINOT_SIDE_TO, !completed, why);
}

enum fault pinot_lineage_segment_add(struct db *db, int64_t entry, int64_t table, const char *side,
                                     size_t place, const char *name, struct problem *why)
{
    struct query q = pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_SEGMENT_ADD, table, name);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":side", side);
    query_int(&q, ":place", (int64_t)place);
    query_int(&q, ":hides", strcmp(side, PINOT_SIDE_TO) == 0);
    return query_run(&q, NULL, why);
}

enum fault pinot_lineage_side_count(struct db *db, int64_t entry, const char *side, size_t *count,
                                    struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LINEAGE_COUNT);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":side", side);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    *count = !f && row ? (size_t)query_column_int(&q, 0) : 0;
    query_done(&q);
    return f;
}

enum fault pinot_lineage_side_has(struct db *db, int64_t entry, const char *side, const char *name,
                                  bool *has, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LINEAGE_HAS);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":side", side);
    query_text(&q, ":name", name);
    return any(&q, has, why);
}

/* Whether a side of an entry has exactly these names. */
enum fault pinot_lineage_side_is(struct db *db, int64_t entry, const char *side,
                                 const char *const *names, size_t count, bool *same,
                                 struct problem *why)
{
    size_t there = 0;
    enum fault f = pinot_lineage_side_count(db, entry, side, &there, why);
    *same = there == count;
    for (size_t i = 0; i < count && !f && *same; i++)
        f = pinot_lineage_side_has(db, entry, side, names[i], same, why);
    return f;
}

struct query pinot_lineage_side_names(struct db *db, int64_t entry, const char *side)
{
    struct query q = query_for(db, STMT_PINOT_LINEAGE_SEGMENTS);
    query_int(&q, ":lineage", entry);
    query_text(&q, ":side", side);
    return q;
}

/* Deletes the segments of one side of an entry, as far as they are there. */
enum fault pinot_lineage_side_delete(struct db *db, const char *table, int64_t entry,
                                     const char *side, int64_t now, struct problem *why)
{
    enum { AS_THE_TABLE_SAYS = -1 };
    struct pinot_deletion deletion = { .table = table, .keep_ms = AS_THE_TABLE_SAYS, .now = now };
    struct pinot_deleting deleting = { .deletion = &deletion };
    bool row = false;
    enum fault f = pinot_store_deleting_begin(db, &deleting, why);
    if (f || !deletion.found)
        return f;
    struct query q = pinot_lineage_side_names(db, entry, side);
    f = query_step(&q, &row, why);
    while (!f && row) {
        f = pinot_store_deleting_one(db, &deleting, query_column_text(&q, 0), why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f ? f : pinot_store_deleting_end(db, &deleting, why);
}
