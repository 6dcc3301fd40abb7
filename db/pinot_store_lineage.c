#include "db/pinot_store_lineage.h"

#include "db/pinot_lineage_entry.h"

#include <stdio.h>
#include <string.h>

/* ---- refusals ---- */

static void refuse(struct pinot_lineage_call *call, enum pinot_lineage_refused what,
                   const char *segment, const char *entry)
{
    struct pinot_lineage_refusal *r = &call->refusal;
    r->what = what;
    (void)snprintf(r->segment, sizeof r->segment, "%s", segment);
    (void)snprintf(r->entry, sizeof r->entry, "%s", entry);
}

static bool is_refused(const struct pinot_lineage_call *call)
{
    return call->refusal.what != PINOT_LINEAGE_DONE;
}

static enum fault table_find(struct db *db, struct pinot_lineage_call *call, int64_t *table,
                             struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_PUSH_TABLE);
    query_text(&q, ":name", call->table);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    *table = !f && row ? query_column_int(&q, 0) : 0;
    query_done(&q);
    if (!f && !row)
        refuse(call, PINOT_LINEAGE_NO_TABLE, "", "");
    return f;
}

/* ---- begin ---- */

/* What the client's lists say of the table now. */
static enum fault check_presence(struct db *db, struct pinot_lineage_call *call, int64_t table,
                                 struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->from_count + call->to_count && !f && !is_refused(call); i++) {
        const bool replaced = i < call->from_count;
        const char *name = replaced ? call->from[i] : call->to[i - call->from_count];
        bool there = false;
        bool hidden = false;
        f = pinot_lineage_segment_exists(db, table, name, &there, why);
        if (!f && there)
            f = pinot_lineage_is_hidden(db, table, name, &hidden, why);
        if (!f && (there && !hidden) != replaced)
            refuse(call, replaced ? PINOT_LINEAGE_FROM_ABSENT : PINOT_LINEAGE_TO_PRESENT, name, "");
    }
    return f;
}

/* Whether the call is one that was answered before: an entry IN_PROGRESS with both lists. */
static enum fault find_repeated(struct db *db, struct pinot_lineage_call *call, int64_t table,
                                struct problem *why)
{
    const bool by_to = call->to_count > 0;
    const char *name = by_to ? call->to[0] : call->from[0];
    struct pinot_lineage_entry entry = { .id = 0 };
    bool same = false;
    enum fault f = FAULT_NONE;
    do {
        f = pinot_lineage_entry_naming(
            db,
            &(struct pinot_lineage_place){ table, name, by_to ? PINOT_SIDE_TO : PINOT_SIDE_FROM },
            PINOT_STATE_IN_PROGRESS, entry.id, &entry, why);
        if (!f && entry.id)
            f = pinot_lineage_side_is(db, entry.id, PINOT_SIDE_FROM, call->from, call->from_count,
                                      &same, why);
        if (!f && same)
            f = pinot_lineage_side_is(db, entry.id, PINOT_SIDE_TO, call->to, call->to_count, &same,
                                      why);
    } while (!f && entry.id && !same);
    if (!f && same)
        memcpy(call->begun, entry.name, sizeof entry.name);
    return f;
}

/* No segment is replaced by two entries, and none replaces in two. */
static enum fault check_taken(struct db *db, struct pinot_lineage_call *call, int64_t table,
                              struct problem *why)
{
    const char *const states[] = { PINOT_STATE_IN_PROGRESS, PINOT_STATE_COMPLETED };
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->from_count + call->to_count && !f && !is_refused(call); i++) {
        const bool replaced = i < call->from_count;
        const char *name = replaced ? call->from[i] : call->to[i - call->from_count];
        for (size_t k = 0; k < 2 && !f && !is_refused(call); k++) {
            struct pinot_lineage_entry entry;
            f = pinot_lineage_entry_naming(
                db,
                &(struct pinot_lineage_place){ table, name,
                                               replaced ? PINOT_SIDE_FROM : PINOT_SIDE_TO },
                states[k], 0, &entry, why);
            if (!f && entry.id)
                refuse(call, replaced ? PINOT_LINEAGE_FROM_TAKEN : PINOT_LINEAGE_TO_TAKEN, name,
                       entry.name);
        }
    }
    return f;
}

/* Takes the names that the new entry wants out of an old one. */
static enum fault side_reduce(struct db *db, const struct pinot_lineage_call *call, int64_t table,
                              int64_t entry, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->to_count && !f; i++) {
        struct query q =
            pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_SEGMENT_DROP, table, call->to[i]);
        query_int(&q, ":lineage", entry);
        query_text(&q, ":side", PINOT_SIDE_TO);
        f = query_run(&q, NULL, why);
    }
    return f;
}

/* An entry IN_PROGRESS that is in the way of a forced one: it is reverted, but for the segments that
 * both make, which may be on their way already. */
static enum fault push_aside(struct db *db, const struct pinot_lineage_call *call, int64_t table,
                             int64_t entry, struct problem *why)
{
    size_t left = 0;
    enum fault f = side_reduce(db, call, table, entry, why);
    if (!f)
        f = pinot_lineage_side_count(db, entry, PINOT_SIDE_TO, &left, why);
    if (!f && left == 0)
        return pinot_lineage_entry_forget(db, entry, why);
    if (!f)
        f = pinot_lineage_side_delete(db, call->table, entry, PINOT_SIDE_TO, call->now, why);
    return f ? f : pinot_lineage_entry_change(db, entry, PINOT_STATE_REVERTED, call->now, why);
}

static enum fault push_all_aside(struct db *db, const struct pinot_lineage_call *call,
                                 int64_t table, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->from_count + call->to_count && !f; i++) {
        const bool replaced = i < call->from_count;
        const char *name = replaced ? call->from[i] : call->to[i - call->from_count];
        struct pinot_lineage_entry entry = { .id = 0 };
        do {
            f = pinot_lineage_entry_naming(
                db,
                &(struct pinot_lineage_place){ table, name,
                                               replaced ? PINOT_SIDE_FROM : PINOT_SIDE_TO },
                PINOT_STATE_IN_PROGRESS, 0, &entry, why);
            if (!f && entry.id)
                f = push_aside(db, call, table, entry.id, why);
        } while (!f && entry.id);
    }
    return f;
}

/* Deletes what reverted entries have left, or what was pushed for them too late. */
static enum fault clean_reverted(struct db *db, const struct pinot_lineage_call *call,
                                 int64_t table, struct problem *why)
{
    struct pinot_lineage_entry entry = { .id = 0 };
    enum fault f = FAULT_NONE;
    do {
        struct query q = query_for(db, STMT_PINOT_LINEAGE_REVERTED);
        query_int(&q, ":table", table);
        query_int(&q, ":after", entry.id);
        f = pinot_lineage_entry_first(&q, &entry, why);
        if (!f && entry.id)
            f = pinot_lineage_side_delete(db, call->table, entry.id, PINOT_SIDE_TO, call->now, why);
    } while (!f && entry.id);
    return f;
}

/* The next COMPLETED entry that may have made the segments to be replaced, behind *entry: one that
 * made the first of them, or nothing when nothing is replaced. */
static enum fault maker_next(struct db *db, const struct pinot_lineage_call *call, int64_t table,
                             struct pinot_lineage_entry *entry, struct problem *why)
{
    if (call->from_count > 0) {
        const struct pinot_lineage_place place = { table, call->from[0], PINOT_SIDE_TO };
        return pinot_lineage_entry_naming(db, &place, PINOT_STATE_COMPLETED, entry->id, entry, why);
    }
    struct query q = query_for(db, STMT_PINOT_LINEAGE_EMPTIED);
    query_int(&q, ":table", table);
    query_int(&q, ":after", entry->id);
    return pinot_lineage_entry_first(&q, entry, why);
}

/* The entries that made just the segments that are to be replaced: what those replaced goes. */
static enum fault clean_snapshot(struct db *db, const struct pinot_lineage_call *call,
                                 int64_t table, struct problem *why)
{
    struct pinot_lineage_entry entry = { .id = 0 };
    enum fault f = FAULT_NONE;
    if (!call->refresh)
        return FAULT_NONE;
    do {
        bool same = false;
        f = maker_next(db, call, table, &entry, why);
        if (!f && entry.id)
            f = pinot_lineage_side_is(db, entry.id, PINOT_SIDE_TO, call->from, call->from_count,
                                      &same, why);
        if (!f && same)
            f = pinot_lineage_side_delete(db, call->table, entry.id, PINOT_SIDE_FROM, call->now,
                                          why);
    } while (!f && entry.id);
    return f;
}

static enum fault make_way(struct db *db, const struct pinot_lineage_call *call, int64_t table,
                           struct problem *why)
{
    enum fault f = clean_reverted(db, call, table, why);
    if (!f)
        f = push_all_aside(db, call, table, why);
    return f ? f : clean_snapshot(db, call, table, why);
}

static enum fault entry_add(struct db *db, const struct pinot_lineage_call *call, int64_t table,
                            struct problem *why)
{
    struct query q = pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_ADD, table, call->entry);
    query_int(&q, ":now", call->now);
    enum fault f = query_run(&q, NULL, why);
    const int64_t entry = query_added(&q);
    for (size_t i = 0; i < call->from_count && !f; i++)
        f = pinot_lineage_segment_add(db, entry, table, PINOT_SIDE_FROM, i, call->from[i], why);
    for (size_t i = 0; i < call->to_count && !f; i++) {
        /* what an entry that is over hides under this name is not this segment */
        struct query uncover =
            pinot_lineage_by_name(db, STMT_PINOT_LINEAGE_UNCOVER, table, call->to[i]);
        f = query_run(&uncover, NULL, why);
        if (!f)
            f = pinot_lineage_segment_add(db, entry, table, PINOT_SIDE_TO, i, call->to[i], why);
    }
    return f;
}

static enum fault begin_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_lineage_call *call = ctx;
    int64_t table = 0;
    call->refusal = (struct pinot_lineage_refusal){ .what = PINOT_LINEAGE_DONE };
    call->begun[0] = '\0';
    enum fault f = pinot_store_lineage_expire(db, call->expired_before, call->now, why);
    if (!f)
        f = table_find(db, call, &table, why);
    if (!f && !is_refused(call) && !call->force)
        f = find_repeated(db, call, table, why);
    if (f || is_refused(call) || call->begun[0])
        return f;
    f = check_presence(db, call, table, why);
    if (!f && !is_refused(call) && !call->force)
        f = check_taken(db, call, table, why);
    if (f || is_refused(call))
        return f;
    if (call->force)
        f = make_way(db, call, table, why);
    if (!f)
        f = entry_add(db, call, table, why);
    (void)snprintf(call->begun, sizeof call->begun, "%s", call->entry);
    return f;
}

enum fault pinot_store_lineage_begin(struct db *db, struct pinot_lineage_call *call,
                                     struct problem *why)
{
    return db_write(db, begin_body, call, why);
}

/* ---- end and revert ---- */

static enum fault find(struct db *db, struct pinot_lineage_call *call, int64_t *table,
                       struct pinot_lineage_entry *entry, struct problem *why)
{
    call->refusal = (struct pinot_lineage_refusal){ .what = PINOT_LINEAGE_DONE };
    enum fault f = pinot_store_lineage_expire(db, call->expired_before, call->now, why);
    if (!f)
        f = table_find(db, call, table, why);
    if (!f && !is_refused(call))
        f = pinot_lineage_entry_get(db, *table, call->entry, entry, why);
    if (!f && !is_refused(call) && entry->id == 0)
        refuse(call, PINOT_LINEAGE_NO_ENTRY, "", "");
    return f;
}

/* The client may say which of the replacing segments it made: the others are of the entry no more. */
static enum fault narrow(struct db *db, struct pinot_lineage_call *call, int64_t table,
                         const struct pinot_lineage_entry *entry, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->to_count && !f && !is_refused(call); i++) {
        bool has = false;
        f = pinot_lineage_side_has(db, entry->id, PINOT_SIDE_TO, call->to[i], &has, why);
        if (!f && !has)
            refuse(call, PINOT_LINEAGE_TO_FOREIGN, call->to[i], "");
    }
    if (f || is_refused(call) || call->to_count == 0)
        return f;
    struct query q = query_for(db, STMT_PINOT_LINEAGE_SIDE_DROP);
    query_int(&q, ":lineage", entry->id);
    query_text(&q, ":side", PINOT_SIDE_TO);
    f = query_run(&q, NULL, why);
    for (size_t i = 0; i < call->to_count && !f; i++)
        f = pinot_lineage_segment_add(db, entry->id, table, PINOT_SIDE_TO, i, call->to[i], why);
    return f;
}

/* Each segment of a side is there; what otherwise. */
static enum fault check_side(struct db *db, struct pinot_lineage_call *call, int64_t table,
                             int64_t entry, const char *side, enum pinot_lineage_refused what,
                             struct problem *why)
{
    struct query q = pinot_lineage_side_names(db, entry, side);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    while (!f && row && !is_refused(call)) {
        bool there = false;
        f = pinot_lineage_segment_exists(db, table, query_column_text(&q, 0), &there, why);
        if (!f && !there)
            refuse(call, what, query_column_text(&q, 0), "");
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* A refusal behind the first write must take it back. */
static enum fault end_checked(struct db *db, struct pinot_lineage_call *call, int64_t table,
                              const struct pinot_lineage_entry *entry, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < call->to_count && !f && !is_refused(call); i++) {
        bool there = false;
        f = pinot_lineage_segment_exists(db, table, call->to[i], &there, why);
        if (!f && !there)
            refuse(call, PINOT_LINEAGE_TO_ABSENT, call->to[i], "");
    }
    if (!f && !is_refused(call) && call->to_count == 0)
        f = check_side(db, call, table, entry->id, PINOT_SIDE_TO, PINOT_LINEAGE_TO_ABSENT, why);
    if (!f && !is_refused(call))
        f = narrow(db, call, table, entry, why);
    if (f || is_refused(call))
        return f;
    f = pinot_lineage_entry_change(db, entry->id, PINOT_STATE_COMPLETED, call->now, why);
    if (!f && call->cleanup)
        f = pinot_lineage_side_delete(db, call->table, entry->id, PINOT_SIDE_FROM, call->now, why);
    return f;
}

static enum fault end_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_lineage_call *call = ctx;
    struct pinot_lineage_entry entry = { .id = 0 };
    int64_t table = 0;
    const enum fault f = find(db, call, &table, &entry, why);
    if (f || is_refused(call) || pinot_lineage_entry_is(&entry, PINOT_STATE_COMPLETED))
        return f;
    if (pinot_lineage_entry_is(&entry, PINOT_STATE_REVERTED)) {
        refuse(call, PINOT_LINEAGE_STATE, "", "");
        return FAULT_NONE;
    }
    return end_checked(db, call, table, &entry, why);
}

enum fault pinot_store_lineage_end(struct db *db, struct pinot_lineage_call *call,
                                   struct problem *why)
{
    return db_write(db, end_body, call, why);
}

/* Nothing rests on the replacing segments: no other entry replaces one of them. */
static enum fault check_unreplaced(struct db *db, struct pinot_lineage_call *call, int64_t table,
                                   int64_t entry, struct problem *why)
{
    const char *const states[] = { PINOT_STATE_IN_PROGRESS, PINOT_STATE_COMPLETED };
    struct query q = pinot_lineage_side_names(db, entry, PINOT_SIDE_TO);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    while (!f && row && !is_refused(call)) {
        const char *name = query_column_text(&q, 0);
        for (size_t k = 0; k < 2 && !f && !is_refused(call); k++) {
            struct pinot_lineage_entry other;
            f = pinot_lineage_entry_naming(
                db, &(struct pinot_lineage_place){ table, name, PINOT_SIDE_FROM }, states[k], 0,
                &other, why);
            if (!f && other.id)
                refuse(call, PINOT_LINEAGE_TO_REPLACED, name, other.name);
        }
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault revert_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_lineage_call *call = ctx;
    struct pinot_lineage_entry entry = { .id = 0 };
    int64_t table = 0;
    enum fault f = find(db, call, &table, &entry, why);
    if (f || is_refused(call) || pinot_lineage_entry_is(&entry, PINOT_STATE_REVERTED))
        return f;
    if (pinot_lineage_entry_is(&entry, PINOT_STATE_IN_PROGRESS) && !call->force) {
        refuse(call, PINOT_LINEAGE_STATE, "", "");
        return FAULT_NONE;
    }
    if (pinot_lineage_entry_is(&entry, PINOT_STATE_COMPLETED))
        f = check_side(db, call, table, entry.id, PINOT_SIDE_FROM, PINOT_LINEAGE_FROM_GONE, why);
    if (!f && !is_refused(call))
        f = check_unreplaced(db, call, table, entry.id, why);
    if (f || is_refused(call))
        return f;
    f = pinot_lineage_entry_change(db, entry.id, PINOT_STATE_REVERTED, call->now, why);
    return f ? f
             : pinot_lineage_side_delete(db, call->table, entry.id, PINOT_SIDE_TO, call->now, why);
}

enum fault pinot_store_lineage_revert(struct db *db, struct pinot_lineage_call *call,
                                      struct problem *why)
{
    return db_write(db, revert_body, call, why);
}

/* ---- what is over ---- */

enum fault pinot_store_lineage_expire(struct db *db, int64_t before, int64_t now,
                                      struct problem *why)
{
    enum { TABLE = 3 };
    char table[NAME_MAX_BYTES] = "";
    struct pinot_lineage_entry entry = { .id = 0 };
    struct query q = query_for(db, STMT_PINOT_LINEAGE_OLDEST);
    query_int(&q, ":before", before);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        pinot_lineage_entry_of(&q, &entry);
        (void)query_column_copy(&q, TABLE, table, sizeof table);
    }
    query_done(&q);
    if (f || !row)
        return f;
    const bool completed = pinot_lineage_entry_is(&entry, PINOT_STATE_COMPLETED);
    f = pinot_lineage_side_delete(db, table, entry.id, completed ? PINOT_SIDE_FROM : PINOT_SIDE_TO,
                                  now, why);
    if (!f && pinot_lineage_entry_is(&entry, PINOT_STATE_IN_PROGRESS))
        return pinot_lineage_entry_change(db, entry.id, PINOT_STATE_REVERTED, now, why);
    return f ? f : pinot_lineage_entry_forget(db, entry.id, why);
}

enum fault pinot_store_lineage_forget(struct db *db, int64_t table, struct problem *why)
{
    static const enum statement statements[] = { STMT_PINOT_LINEAGE_TABLE_SEGMENTS,
                                                 STMT_PINOT_LINEAGE_TABLE };
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && !f; i++) {
        struct query q = query_for(db, statements[i]);
        query_int(&q, ":table", table);
        f = query_run(&q, NULL, why);
    }
    return f;
}
