#include "db/opteryx_store.h"

#include "db/blob_rows.h"
#include "db/opteryx_store_internal.h"

#include <string.h>

static const char *const modes[] = {
    [OPTERYX_FAIL] = "fail",
    [OPTERYX_OVERWRITE] = "overwrite",
    [OPTERYX_APPEND] = "append",
};

const char *opteryx_store_mode_word(enum opteryx_mode mode)
{
    return modes[mode];
}

static enum opteryx_mode mode_of(const char *word)
{
    for (size_t i = 0; word && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(word, modes[i]) == 0)
            return (enum opteryx_mode)i;
    }
    return OPTERYX_FAIL; /* an open session has none */
}

static enum fault no_memory(struct problem *why)
{
    return problem_set(why, FAULT_TOO_LARGE, "the request takes too much memory");
}

/* ---- sessions ---- */

enum fault opteryx_store_session_insert(struct db *db, const struct opteryx_session *session,
                                        struct problem *why)
{
    const struct opteryx_target *target = session->has_target ? &session->target : NULL;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_ADD);
    query_text(&q, ":session", session->id);
    query_text(&q, ":owner", session->owner);
    query_text(&q, ":owner_id", session->owner_id);
    query_text(&q, ":workspace", target ? target->workspace : NULL);
    query_text(&q, ":collection", target ? target->collection : NULL);
    query_text(&q, ":dataset", target ? target->dataset : NULL);
    query_int(&q, ":created_at", session->created_at);
    query_int(&q, ":expires_at", session->expires_at);
    return query_run(&q, NULL, why);
}

static enum fault add_body(struct db *db, void *ctx, struct problem *why)
{
    return opteryx_store_session_insert(db, ctx, why);
}

enum fault opteryx_store_session_add(struct db *db, const struct opteryx_session *session,
                                     struct problem *why)
{
    struct opteryx_session added = *session;
    return db_write(db, add_body, &added, why);
}

enum {
    OWNER_ID,
    WORKSPACE,
    COLLECTION,
    DATASET,
    CREATED_AT,
    EXPIRES_AT,
    REVISION,
    BYTES,
    MERGED,
    MODE,
    ANSWER
};

static enum fault session_row(const struct query *q, struct arena *arena,
                              struct opteryx_session *out, struct problem *why)
{
    const char *answer = query_column_text(q, ANSWER);
    out->created_at = query_column_int(q, CREATED_AT);
    out->expires_at = query_column_int(q, EXPIRES_AT);
    out->revision = query_column_int(q, REVISION);
    out->bytes = query_column_int(q, BYTES);
    out->merged = query_column_int(q, MERGED) != 0;
    out->mode = mode_of(query_column_text(q, MODE));
    out->has_target = !query_column_null(q, DATASET);
    if (out->has_target &&
        (!query_column_copy(q, WORKSPACE, out->target.workspace, sizeof out->target.workspace) ||
         !query_column_copy(q, COLLECTION, out->target.collection, sizeof out->target.collection) ||
         !query_column_copy(q, DATASET, out->target.dataset, sizeof out->target.dataset)))
        return problem_internal(why, "a session's target does not fit");
    out->answer = answer ? "" : NULL;
    if (answer && arena)
        out->answer = arena_strdup(arena, answer, strlen(answer));
    return answer && !out->answer ? no_memory(why) : FAULT_NONE;
}

enum fault opteryx_store_session_get(struct db *db, const char *id, const char *owner_id,
                                     int64_t now, struct arena *arena, struct opteryx_session *out,
                                     struct problem *why)
{
    bool row = false;
    bool owned = false;
    const size_t len = strlen(id);
    if (len >= sizeof out->id)
        return problem_code(why, FAULT_MISSING, OPTERYX_NO_SESSION, "Session not found");
    struct query q = query_for(db, STMT_OPTERYX_SESSION_GET);
    query_text(&q, ":session", id);
    enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        const char *owner = query_column_text(&q, OWNER_ID);
        owned = owner && strcmp(owner, owner_id) == 0;
    }
    if (!f && owned)
        f = session_row(&q, arena, out, why);
    query_done(&q);
    if (f)
        return f;
    if (!owned)
        return problem_code(why, FAULT_MISSING, OPTERYX_NO_SESSION, "Session not found");
    memcpy(out->id, id, len + 1);
    if (!out->answer && now >= out->expires_at)
        return problem_set(why, FAULT_GONE, "session expired");
    return FAULT_NONE;
}

enum fault opteryx_store_merged(struct db *db, const char *session, struct arena *arena,
                                struct opteryx_merged *out, struct problem *why)
{
    enum { COLUMNS, NOTES, NOTED, UNTOLD };
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_MERGED_GET);
    query_text(&q, ":session", session);
    enum fault f = query_step(&q, &row, why);
    const char *columns = !f && row ? query_column_text(&q, COLUMNS) : NULL;
    const char *notes = !f && row ? query_column_text(&q, NOTES) : NULL;
    if (!f && (!columns || !notes))
        f = problem_internal(why, "what a session's parts are together is missing");
    if (!f && columns && notes) {
        out->columns = arena_strdup(arena, columns, strlen(columns));
        out->notes = arena_strdup(arena, notes, strlen(notes));
        out->noted = query_column_int(&q, NOTED);
        out->untold = query_column_int(&q, UNTOLD);
        if (!out->columns || !out->notes)
            f = no_memory(why);
    }
    query_done(&q);
    return f;
}

static bool same_target(const struct opteryx_target *a, const struct opteryx_target *b)
{
    return strcmp(a->workspace, b->workspace) == 0 && strcmp(a->collection, b->collection) == 0 &&
           strcmp(a->dataset, b->dataset) == 0;
}

enum fault opteryx_store_session_takes(const struct opteryx_session *session,
                                       const struct opteryx_target *target, enum opteryx_mode mode,
                                       bool *repeated, struct problem *why)
{
    const bool same = !session->has_target || same_target(&session->target, target);
    *repeated = session->answer && same && session->mode == mode;
    if (session->answer && !*repeated)
        return problem_set(why, FAULT_CONFLICT, "session already committed");
    if (!same) {
        return problem_set(why, FAULT_CONFLICT, "the session was opened for %s.%s.%s",
                           session->target.workspace, session->target.collection,
                           session->target.dataset);
    }
    return FAULT_NONE;
}

/* ---- parts ---- */

/* Bytes of the part of a number; -1 when there is none. */
static enum fault part_bytes(struct db *db, const char *session, int64_t part, int64_t *out,
                             struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_PART_BYTES);
    query_text(&q, ":session", session);
    query_int(&q, ":part", part);
    const enum fault f = query_step(&q, &row, why);
    *out = !f && row ? query_column_int(&q, 0) : -1;
    query_done(&q);
    return f;
}

enum fault opteryx_store_session_revise(struct db *db, const char *id, int64_t bytes, bool merged,
                                        struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_REVISE);
    query_text(&q, ":session", id);
    query_int(&q, ":bytes", bytes);
    query_int(&q, ":merged", merged);
    const enum fault f = query_run(&q, &changes, why);
    if (!f && changes == 0)
        return problem_set(why, FAULT_CONFLICT, "session already committed");
    return f;
}

static enum fault merged_write(struct db *db, const char *session,
                               const struct opteryx_merged *merged, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_MERGED_PUT);
    query_text(&q, ":session", session);
    query_text(&q, ":columns", merged->columns);
    query_text(&q, ":notes", merged->notes);
    query_int(&q, ":noted", merged->noted);
    query_int(&q, ":untold", merged->untold);
    return query_run(&q, NULL, why);
}

enum fault opteryx_store_part_write(struct db *db, const char *session,
                                    const struct opteryx_part *part, struct problem *why)
{
    int64_t blob = 0;
    enum fault f = blob_rows_add(db, &part->ref, &blob, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OPTERYX_PART_PUT);
    query_text(&q, ":session", session);
    query_int(&q, ":part", part->part);
    query_int(&q, ":blob", blob);
    query_blob(&q, ":sha256", part->sha256, sizeof part->sha256);
    query_text(&q, ":kind", part->kind);
    query_text(&q, ":encoding", part->encoding);
    query_text(&q, ":file_name", part->file_name);
    query_int(&q, ":rows", part->rows);
    query_int(&q, ":bytes", part->bytes);
    query_text(&q, ":columns", part->columns);
    query_text(&q, ":issues", part->issues);
    query_int(&q, ":uploaded_at", part->uploaded_at);
    return query_run(&q, NULL, why);
}

struct putting {
    const struct opteryx_put *put;
    bool overtaken;
};

static enum fault put_body(struct db *db, void *ctx, struct problem *why)
{
    struct putting *putting = ctx;
    const struct opteryx_put *put = putting->put;
    struct opteryx_session session = { .revision = 0 };
    int64_t old_bytes = 0;
    enum fault f = opteryx_store_session_get(db, put->session, put->owner_id,
                                             put->part->uploaded_at, NULL, &session, why);
    if (!f && session.answer)
        f = problem_set(why, FAULT_CONFLICT, "session already committed");
    putting->overtaken = !f && session.revision != put->revision && (put->keeps || put->merged);
    if (f || putting->overtaken)
        return f;
    f = part_bytes(db, put->session, put->part->part, &old_bytes, why);
    const int64_t more = put->part->bytes - (old_bytes > 0 ? old_bytes : 0);
    if (!f && more > 0 && more > put->bytes_max - session.bytes) {
        f = problem_set(why, FAULT_TOO_LARGE, "the session would hold more than %lld bytes",
                        (long long)put->bytes_max);
    }
    if (!f)
        f = opteryx_store_session_revise(db, put->session, more, put->keeps || put->merged, why);
    if (!f)
        f = opteryx_store_part_write(db, put->session, put->part, why);
    return !f && put->merged ? merged_write(db, put->session, put->merged, why) : f;
}

enum fault opteryx_store_part_put(struct db *db, const struct opteryx_put *put, bool *overtaken,
                                  struct problem *why)
{
    struct putting putting = { .put = put };
    const enum fault f = db_write(db, put_body, &putting, why);
    *overtaken = putting.overtaken;
    return f;
}

struct dropping {
    const char *session;
    const char *owner_id;
    int64_t part;
    int64_t now;
};

static enum fault drop_body(struct db *db, void *ctx, struct problem *why)
{
    const struct dropping *drop = ctx;
    struct opteryx_session session = { .revision = 0 };
    int64_t bytes = 0;
    enum fault f = opteryx_store_session_get(db, drop->session, drop->owner_id, drop->now, NULL,
                                             &session, why);
    if (!f && session.answer)
        f = problem_set(why, FAULT_CONFLICT, "session already committed");
    if (!f)
        f = part_bytes(db, drop->session, drop->part, &bytes, why);
    if (!f && bytes < 0)
        f = problem_set(why, FAULT_MISSING, "Part not found");
    if (!f)
        f = opteryx_store_session_revise(db, drop->session, -bytes, false, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OPTERYX_PART_DROP);
    query_text(&q, ":session", drop->session);
    query_int(&q, ":part", drop->part);
    return query_run(&q, NULL, why);
}

enum fault opteryx_store_part_drop(struct db *db, const char *session, const char *owner_id,
                                   int64_t part, int64_t now, struct problem *why)
{
    struct dropping drop = { session, owner_id, part, now };
    return db_write(db, drop_body, &drop, why);
}

enum fault opteryx_store_part_last(struct db *db, const char *session, int64_t *last,
                                   struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_PART_LAST);
    query_text(&q, ":session", session);
    const enum fault f = query_step(&q, &row, why);
    *last = !f && row && !query_column_null(&q, 0) ? query_column_int(&q, 0) : -1;
    query_done(&q);
    return f;
}

static enum fault part_row(const struct query *q, struct opteryx_part *out, struct problem *why)
{
    enum { PART, SHA256, KIND, ROWS, PART_BYTES, ISSUES, UPLOADED_AT };
    size_t len = 0;
    const void *sha256 = query_column_blob(q, SHA256, &len);
    if (!sha256 || len != sizeof out->sha256)
        return problem_internal(why, "a part's digest is damaged");
    *out = (struct opteryx_part){ .part = query_column_int(q, PART),
                                  .kind = query_column_text(q, KIND),
                                  .rows = query_column_int(q, ROWS),
                                  .bytes = query_column_int(q, PART_BYTES),
                                  .issues = query_column_text(q, ISSUES),
                                  .uploaded_at = query_column_int(q, UPLOADED_AT) };
    memcpy(out->sha256, sha256, len);
    return FAULT_NONE;
}

static enum fault columns_row(const struct query *q, struct opteryx_part *out, struct problem *why)
{
    enum { PART, COLUMNS };
    *out = (struct opteryx_part){ .part = query_column_int(q, PART),
                                  .columns = query_column_text(q, COLUMNS) };
    return out->columns ? FAULT_NONE : problem_internal(why, "a part has no columns");
}

static enum fault parts_walk(struct query *q,
                             enum fault (*read)(const struct query *q, struct opteryx_part *out,
                                                struct problem *why),
                             opteryx_store_each_part each, void *ctx, struct problem *why)
{
    bool row = false;
    enum fault f = query_step(q, &row, why);
    while (!f && row) {
        struct opteryx_part part = { .part = 0 };
        f = read(q, &part, why);
        if (!f)
            f = each(ctx, &part, why);
        if (!f)
            f = query_step(q, &row, why);
    }
    query_done(q);
    return f;
}

static enum fault part_place(const struct query *q, struct opteryx_part *out, struct problem *why)
{
    enum { PART, REF };
    (void)why;
    *out = (struct opteryx_part){ .part = query_column_int(q, PART) };
    out->ref = blob_rows_ref(q, REF);
    return FAULT_NONE;
}

enum fault opteryx_store_part_places(struct db *db, const char *session,
                                     opteryx_store_each_part each, void *ctx, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_PART_PLACES);
    query_text(&q, ":session", session);
    return parts_walk(&q, part_place, each, ctx, why);
}

enum fault opteryx_store_parts(struct db *db, const char *session, opteryx_store_each_part each,
                               void *ctx, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_PART_LIST);
    query_text(&q, ":session", session);
    return parts_walk(&q, part_row, each, ctx, why);
}

enum fault opteryx_store_part_columns(struct db *db, const char *session,
                                      opteryx_store_each_part each, void *ctx, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_PART_COLUMNS);
    query_text(&q, ":session", session);
    return parts_walk(&q, columns_row, each, ctx, why);
}

/* ---- expiry ---- */

struct expiry {
    int64_t before;
    bool more;
};

enum fault opteryx_store_parts_drop(struct db *db, const char *session, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_PART_DROP_ALL);
    query_text(&q, ":session", session);
    return query_run(&q, NULL, why);
}

/* Deletes a session with all that is its own. */
static enum fault session_drop(struct db *db, const char *session, struct problem *why)
{
    enum fault f = opteryx_store_parts_drop(db, session, why);
    if (f)
        return f;
    struct query merged = query_for(db, STMT_OPTERYX_MERGED_DROP);
    query_text(&merged, ":session", session);
    f = query_run(&merged, NULL, why);
    if (f)
        return f;
    struct query contract = query_for(db, STMT_OPTERYX_CONTRACT_DROP);
    query_text(&contract, ":contract", session);
    f = query_run(&contract, NULL, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_DROP);
    query_text(&q, ":session", session);
    return query_run(&q, NULL, why);
}

/* The session that expired first; "" when none has. */
static enum fault expired(struct db *db, int64_t before, char out[OPTERYX_SESSION_ID_MAX],
                          struct problem *why)
{
    bool row = false;
    out[0] = '\0';
    struct query q = query_for(db, STMT_OPTERYX_SESSION_EXPIRED);
    query_int(&q, ":before", before);
    enum fault f = query_step(&q, &row, why);
    if (!f && row && !query_column_copy(&q, 0, out, OPTERYX_SESSION_ID_MAX))
        f = problem_internal(why, "a session's id does not fit");
    query_done(&q);
    return f;
}

static enum fault sweep_body(struct db *db, void *ctx, struct problem *why)
{
    struct expiry *expiry = ctx;
    char session[OPTERYX_SESSION_ID_MAX];
    const enum fault f = expired(db, expiry->before, session, why);
    expiry->more = !f && session[0] != '\0';
    return !f && expiry->more ? session_drop(db, session, why) : f;
}

enum fault opteryx_store_sweep(struct db *db, int64_t before, bool *more, struct problem *why)
{
    struct expiry expiry = { .before = before };
    const enum fault f = db_write(db, sweep_body, &expiry, why);
    *more = expiry.more;
    return f;
}

enum fault opteryx_store_sweepable(struct db *db, int64_t before, int64_t *count,
                                   struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_EXPIRED_COUNT);
    query_int(&q, ":before", before);
    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *count = query_column_int(&q, 0);
    query_done(&q);
    return f;
}
