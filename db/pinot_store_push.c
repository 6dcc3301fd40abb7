#include "db/pinot_store_push.h"

#include "base/limits.h"
#include "base/number.h"
#include "db/blob_rows.h"
#include "db/pinot_store_delete.h"
#include "db/pinot_store_lineage.h"
#include "db/pinot_store_quota.h"

#include <stdio.h>
#include <string.h>

/* ---- what is there ---- */

static void refuse(struct pinot_push *push, enum pinot_refused what,
                   const struct pinot_segment *segment)
{
    push->refusal.what = what;
    push->refusal.segment = segment;
}

static enum fault table_get(struct db *db, struct pinot_push *push, struct pinot_push_table *table,
                            struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_PUSH_TABLE);
    query_text(&q, ":name", push->table);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f)
        return f;
    if (!row) {
        refuse(push, PINOT_REFUSED_NO_TABLE, NULL);
        return FAULT_NONE;
    }
    const char *quota = query_column_text(&q, 3);
    *table = (struct pinot_push_table){
        .id = query_column_int(&q, 0),
        .replication = query_column_int(&q, 1),
        .has_quota_bytes = !query_column_null(&q, 2),
        .quota_bytes = query_column_int(&q, 2),
        .has_quota_segments = !query_column_null(&q, 4),
        .quota_segments = query_column_int(&q, 4),
        .segments = query_column_int(&q, 5),
        .bytes = query_column_int(&q, 6),
    };
    (void)snprintf(table->quota_text, sizeof table->quota_text, "%s", quota ? quota : "");
    query_done(&q);
    return FAULT_NONE;
}

static enum fault segment_find(struct db *db, int64_t table, struct pinot_segment *segment,
                               struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SEGMENT_FIND);
    query_int(&q, ":table", table);
    query_text(&q, ":name", segment->name);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f)
        return f;
    segment->row = row ? query_column_int(&q, 0) : 0;
    segment->crc_before = row ? query_column_int(&q, 1) : 0;
    segment->bytes_before = row ? query_column_int(&q, 2) : 0;
    query_done(&q);
    return FAULT_NONE;
}

static enum fault find_all(struct db *db, struct pinot_push *push,
                           const struct pinot_push_table *table, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < push->count && !f; i++)
        f = segment_find(db, table->id, &push->segments[i], why);
    return f;
}

/* ---- locks ---- */

static enum fault locks_any(struct db *db, int64_t table, bool *any, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LOCK_ANY);
    query_int(&q, ":table", table);
    const enum fault f = query_step(&q, any, why);
    query_done(&q);
    return f;
}

/* Refuses when another upload of the segment is under way, or when ours has lost its lock. */
static enum fault lock_check(struct db *db, struct pinot_push *push, int64_t table,
                             const struct pinot_segment *segment, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LOCK_GET);
    query_int(&q, ":table", table);
    query_text(&q, ":name", segment->name);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f)
        return f;
    const int64_t token = row ? query_column_int(&q, 0) : 0;
    const int64_t owner = row ? query_column_int(&q, 1) : 0;
    const int64_t expires = row ? query_column_int(&q, 2) : 0;
    query_done(&q);
    if (push->token != 0) {
        if (token != push->token)
            refuse(push, PINOT_REFUSED_LOCK_LOST, segment);
    } else if (row && expires > push->now && push->alive(push->alive_ctx, owner)) {
        refuse(push, PINOT_REFUSED_LOCKED, segment);
    }
    return FAULT_NONE;
}

static enum fault lock_put(struct db *db, const struct pinot_push *push, int64_t table,
                           const struct pinot_segment *segment, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LOCK_PUT);
    query_int(&q, ":table", table);
    query_text(&q, ":name", segment->name);
    query_int(&q, ":token", push->token);
    query_int(&q, ":owner", push->owner);
    query_int(&q, ":now", push->now);
    query_int(&q, ":expires", push->now + push->lock_ms);
    return query_run(&q, NULL, why);
}

/* The lock is gone with the push, whoever held it: without protection a push clears what it finds,
 * so that a segment whose upload went wrong is usable again. */
static enum fault lock_drop(struct db *db, int64_t table, const struct pinot_segment *segment,
                            struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LOCK_DROP);
    query_int(&q, ":table", table);
    query_text(&q, ":name", segment->name);
    return query_run(&q, NULL, why);
}

static enum fault fence_next(struct db *db, int64_t *token, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_FENCE_NEXT);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f)
        return f;
    *token = query_column_int(&q, 0);
    query_done(&q);
    return FAULT_NONE;
}

/* ---- the decision, in the order of section 2 of the API page ---- */

static void check_expected_crc(struct pinot_push *push, const struct pinot_segment *segment)
{
    int64_t expected = 0;
    if (!push->if_match)
        return;
    if (!number_i64(push->if_match, strlen(push->if_match), &expected))
        refuse(push, PINOT_REFUSED_IF_MATCH, segment);
    else if (expected != segment->crc_before)
        refuse(push, PINOT_REFUSED_CRC, segment);
}

/* New or existing, and whether the client wants that. */
static void classify(struct pinot_push *push, const struct pinot_segment *segment)
{
    if (segment->row == 0 && push->refresh_only)
        refuse(push, PINOT_REFUSED_MISSING, segment);
    else if (segment->row != 0 && !push->allow_refresh)
        refuse(push, PINOT_REFUSED_EXISTS, segment);
}

/* What of the push must not be, or push->refusal as it was. */
static enum fault decide(struct db *db, struct pinot_push *push,
                         const struct pinot_push_table *table, bool locks, struct problem *why)
{
    const bool ask = push->token != 0 || (locks && push->protect);
    const enum pinot_refused *refused = &push->refusal.what;
    enum fault f = find_all(db, push, table, why);
    if (!f)
        pinot_store_quota(push, table);
    for (size_t i = 0; i < push->count && !f && !*refused; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        if (ask && segment->row == 0)
            f = lock_check(db, push, table->id, segment, why);
        if (!f && !*refused)
            classify(push, segment);
    }
    for (size_t i = 0; i < push->count && !f && !*refused; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        if (segment->row == 0)
            continue;
        check_expected_crc(push, segment);
        if (!*refused && ask)
            f = lock_check(db, push, table->id, segment, why);
    }
    return f;
}

/* ---- writing ---- */

static enum fault custom_after(struct db *db, const struct pinot_push *push,
                               const struct pinot_segment *segment, const char **after,
                               struct problem *why)
{
    const bool same = segment->row != 0 && segment->crc == segment->crc_before;
    *after = segment->custom;
    if (!push->custom)
        return FAULT_NONE;
    if (segment->row == 0)
        return push->custom(push->ctx, NULL, segment->custom, same, after, why);
    struct query q = query_for(db, STMT_PINOT_SEGMENT_CUSTOM);
    query_int(&q, ":id", segment->row);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    if (!f)
        f = push->custom(push->ctx, row ? query_column_text(&q, 0) : NULL, segment->custom, same,
                         after, why);
    query_done(&q);
    return f;
}

static void bind_bytes(struct query *q, const struct pinot_segment *segment)
{
    if (segment->bytes < 0)
        query_null(q, ":bytes");
    else
        query_int(q, ":bytes", segment->bytes);
}

/* What a new segment and one with another CRC have in common. */
static void bind_whole(struct query *q, const struct pinot_segment *segment)
{
    query_int(q, ":crc", segment->crc);
    query_int(q, ":docs", segment->docs);
    query_int(q, ":version", segment->index_version);
    query_text(q, ":start_raw", segment->start_raw);
    query_text(q, ":end_raw", segment->end_raw);
    query_text(q, ":partitions", segment->partitions);
    if (segment->data_crc < 0)
        query_null(q, ":data_crc");
    else
        query_int(q, ":data_crc", segment->data_crc);
    if (segment->has_interval) {
        query_int(q, ":start", segment->start_at);
        query_int(q, ":end", segment->end_at);
    } else {
        query_null(q, ":start");
        query_null(q, ":end");
    }
    bind_bytes(q, segment);
}

static enum pinot_outcome outcome_of(const struct pinot_segment *segment)
{
    if (segment->row == 0)
        return PINOT_NEW;
    return segment->crc == segment->crc_before ? PINOT_UNCHANGED : PINOT_REFRESHED;
}

static enum fault segment_write(struct db *db, const struct pinot_push *push, int64_t table,
                                struct pinot_segment *segment, struct problem *why)
{
    static const enum statement statements[] = { [PINOT_NEW] = STMT_PINOT_SEGMENT_ADD,
                                                 [PINOT_REFRESHED] = STMT_PINOT_SEGMENT_REFRESH,
                                                 [PINOT_UNCHANGED] = STMT_PINOT_SEGMENT_TOUCH };
    const enum pinot_outcome outcome = outcome_of(segment);
    const char *custom = NULL;
    int64_t blob = 0;
    enum fault f = custom_after(db, push, segment, &custom, why);
    if (!f && segment->blob)
        f = blob_rows_add(db, segment->blob, &blob, why);
    if (f)
        return f;
    struct query q = query_for(db, statements[outcome]);
    if (outcome == PINOT_NEW) {
        query_int(&q, ":table", table);
        query_text(&q, ":name", segment->name);
    } else {
        query_int(&q, ":id", segment->row);
    }
    if (outcome != PINOT_UNCHANGED)
        bind_whole(&q, segment);
    else
        bind_bytes(&q, segment);
    query_int(&q, ":created", segment->created_at);
    query_int(&q, ":now", push->now);
    query_text(&q, ":url", segment->url);
    query_text(&q, ":custom", custom);
    if (segment->blob)
        query_int(&q, ":blob", blob);
    else
        query_null(&q, ":blob");
    segment->outcome = (int8_t)outcome;
    return query_run(&q, NULL, why);
}

static enum fault count_write(struct db *db, const struct pinot_push *push, int64_t table,
                              struct problem *why)
{
    int64_t segments = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < push->count; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        if (segment->outcome == PINOT_NEW)
            segments++;
        if (pinot_segment_counts(segment))
            bytes += (segment->bytes < 0 ? 0 : segment->bytes) - segment->bytes_before;
    }
    struct query q = query_for(db, STMT_PINOT_TABLE_COUNT);
    query_int(&q, ":table", table);
    query_int(&q, ":segments", segments);
    query_int(&q, ":bytes", bytes);
    return query_run(&q, NULL, why);
}

/* Changed pages stay in memory until the commit (README.md of this folder: the cache never spills),
 * so a push must not change too many.  Names that belong together share pages; names that fall
 * anywhere in a large table take one each. */
static enum fault check_memory(struct db *db, size_t written, struct problem *why)
{
    enum { EVERY = 128 }; /* segments between two looks */
    if (written % EVERY != 0 || db_cache_bytes(db) <= PINOT_PUSH_PAGES_MAX)
        return FAULT_NONE;
    return problem_set(why, FAULT_TOO_LARGE,
                       "the batch changes too much of a large table at once: push it in several");
}

static enum fault write_all(struct db *db, struct pinot_push *push,
                            const struct pinot_push_table *table, bool locks, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < push->count && !f; i++) {
        f = segment_write(db, push, table->id, &push->segments[i], why);
        if (!f && locks)
            f = lock_drop(db, table->id, &push->segments[i], why);
        if (!f)
            f = check_memory(db, i, why);
    }
    if (!f)
        f = count_write(db, push, table->id, why);
    if (!f)
        f = pinot_store_lineage_expire(db, push->lineage_before, push->now, why);
    return f ? f : pinot_store_deleted_expire(db, push->now, why);
}

/* Reads what the decision rests on and decides; *locks: some upload of the table holds one. */
static enum fault look_and_decide(struct db *db, struct pinot_push *push,
                                  struct pinot_push_table *table, bool *locks, struct problem *why)
{
    push->refusal = (struct pinot_refusal){ 0 };
    enum fault f = table_get(db, push, table, why);
    if (f || push->refusal.what)
        return f;
    f = locks_any(db, table->id, locks, why);
    return f ? f : decide(db, push, table, *locks, why);
}

static enum fault push_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_push *push = ctx;
    struct pinot_push_table table = { 0 };
    bool locks = false;
    const enum fault f = look_and_decide(db, push, &table, &locks, why);
    if (f || push->refusal.what)
        return f;
    return write_all(db, push, &table, locks, why);
}

enum fault pinot_store_push(struct db *db, struct pinot_push *push, struct problem *why)
{
    return db_write(db, push_body, push, why);
}

static enum fault locks_take(struct db *db, struct pinot_push *push, int64_t table,
                             struct problem *why)
{
    enum fault f = fence_next(db, &push->token, why);
    for (size_t i = 0; i < push->count && !f; i++)
        f = lock_put(db, push, table, &push->segments[i], why);
    return f;
}

static enum fault prepare_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_push *push = ctx;
    struct pinot_push_table table = { 0 };
    bool locks = false;
    push->token = 0;
    const enum fault f = look_and_decide(db, push, &table, &locks, why);
    if (f || push->refusal.what || !push->protect)
        return f;
    return locks_take(db, push, table.id, why);
}

enum fault pinot_store_prepare(struct db *db, struct pinot_push *push, struct problem *why)
{
    const enum fault f = db_write(db, prepare_body, push, why);
    if (f)
        push->token = 0;
    return f;
}

static enum fault lock_release(struct db *db, const struct pinot_push *push, int64_t table,
                               const char *name, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_LOCK_RELEASE);
    query_int(&q, ":table", table);
    query_text(&q, ":name", name);
    query_int(&q, ":token", push->token);
    return query_run(&q, NULL, why);
}

static enum fault release_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_push *push = ctx;
    struct pinot_push_table table = { 0 };
    const struct pinot_refusal kept = push->refusal;
    enum fault f = table_get(db, push, &table, why);
    const bool found = push->refusal.what != PINOT_REFUSED_NO_TABLE;
    push->refusal = kept;
    for (size_t i = 0; i < push->count && !f && found; i++)
        f = lock_release(db, push, table.id, push->segments[i].name, why);
    return f;
}

enum fault pinot_store_release(struct db *db, struct pinot_push *push, struct problem *why)
{
    if (push->token == 0)
        return FAULT_NONE;
    const enum fault f = db_write(db, release_body, push, why);
    push->token = 0;
    return f;
}
