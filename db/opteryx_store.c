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

enum fault opteryx_store_decline(struct db *db, enum fault f, struct problem *why)
{
    struct problem of_settling = PROBLEM_NONE;
    db_rollback(db);
    if (db_settle(db, &of_settling)) {
        *why = of_settling;
        return of_settling.fault;
    }
    return f;
}

/* Whether a fault tells what rows hold, and not that something failed. */
static bool is_verdict(enum fault f)
{
    return f == FAULT_MISSING || f == FAULT_GONE || f == FAULT_CONFLICT;
}

/* Ends a transaction in which f happened: commits, or takes it back. */
static enum fault finish(struct db *db, enum fault f, struct problem *why)
{
    if (!f)
        return db_commit(db, why);
    if (is_verdict(f))
        return opteryx_store_decline(db, f, why);
    db_rollback(db);
    return f;
}

/* ---- sessions ---- */

enum fault opteryx_store_session_add(struct db *db, const struct opteryx_session *session,
                                     struct problem *why)
{
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    const struct opteryx_target *target = session->has_target ? &session->target : NULL;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_ADD);
    query_text(&q, ":session", session->id);
    query_text(&q, ":owner", session->owner);
    query_text(&q, ":workspace", target ? target->workspace : NULL);
    query_text(&q, ":collection", target ? target->collection : NULL);
    query_text(&q, ":dataset", target ? target->dataset : NULL);
    query_int(&q, ":created_at", session->created_at);
    query_int(&q, ":expires_at", session->expires_at);
    f = query_run(&q, NULL, why);
    return finish(db, f, why);
}

enum { OWNER, WORKSPACE, COLLECTION, DATASET, CREATED_AT, EXPIRES_AT, REVISION, MODE, ANSWER };

static enum fault session_row(const struct query *q, struct arena *arena,
                              struct opteryx_session *out, struct problem *why)
{
    const char *answer = query_column_text(q, ANSWER);
    out->created_at = query_column_int(q, CREATED_AT);
    out->expires_at = query_column_int(q, EXPIRES_AT);
    out->revision = query_column_int(q, REVISION);
    out->mode = mode_of(query_column_text(q, MODE));
    out->has_target = !query_column_null(q, DATASET);
    if (!query_column_copy(q, OWNER, out->owner, sizeof out->owner))
        return problem_internal(why, "a session's owner does not fit");
    if (out->has_target &&
        (!query_column_copy(q, WORKSPACE, out->target.workspace, sizeof out->target.workspace) ||
         !query_column_copy(q, COLLECTION, out->target.collection, sizeof out->target.collection) ||
         !query_column_copy(q, DATASET, out->target.dataset, sizeof out->target.dataset)))
        return problem_internal(why, "a session's target does not fit");
    out->answer = answer ? "" : NULL;
    if (answer && arena)
        out->answer = arena_strdup(arena, answer, strlen(answer));
    if (answer && !out->answer)
        return problem_set(why, FAULT_TOO_LARGE, "the request takes too much memory");
    return FAULT_NONE;
}

enum fault opteryx_store_session_read(struct db *db, const char *id, const char *owner, int64_t now,
                                      struct arena *arena, struct opteryx_session *out,
                                      struct problem *why)
{
    bool row = false;
    const size_t len = strlen(id);
    if (len >= sizeof out->id)
        return problem_code(why, FAULT_MISSING, OPTERYX_NO_SESSION, "Session not found");
    struct query q = query_for(db, STMT_OPTERYX_SESSION_GET);
    query_text(&q, ":session", id);
    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = session_row(&q, arena, out, why);
    query_done(&q);
    if (f)
        return f;
    if (!row || strcmp(out->owner, owner) != 0)
        return problem_code(why, FAULT_MISSING, OPTERYX_NO_SESSION, "Session not found");
    memcpy(out->id, id, len + 1);
    if (!out->answer && now >= out->expires_at)
        return problem_set(why, FAULT_GONE, "session expired");
    return FAULT_NONE;
}

enum fault opteryx_store_session_get(struct db *db, const char *id, const char *owner, int64_t now,
                                     struct arena *arena, struct opteryx_session *out,
                                     struct problem *why)
{
    const enum fault f = opteryx_store_session_read(db, id, owner, now, arena, out, why);
    return is_verdict(f) ? opteryx_store_decline(db, f, why) : f;
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

/* The session of a part that comes or goes: it must be open; its revision grows. */
static enum fault session_revise(struct db *db, const char *id, const char *owner, int64_t now,
                                 struct problem *why)
{
    struct opteryx_session session = { .revision = 0 };
    int64_t changes = 0;
    enum fault f = opteryx_store_session_read(db, id, owner, now, NULL, &session, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OPTERYX_SESSION_REVISE);
    query_text(&q, ":session", id);
    f = query_run(&q, &changes, why);
    if (!f && changes == 0)
        f = problem_set(why, FAULT_CONFLICT, "session already committed");
    return f;
}

static enum fault part_write(struct db *db, const char *session, int64_t blob,
                             const struct opteryx_part *part, struct problem *why)
{
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

enum fault opteryx_store_part_put(struct db *db, const char *session, const char *owner,
                                  const struct opteryx_part *part, struct problem *why)
{
    int64_t blob = 0;
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    f = session_revise(db, session, owner, part->uploaded_at, why);
    if (!f)
        f = blob_rows_add(db, &part->ref, &blob, why);
    if (!f)
        f = part_write(db, session, blob, part, why);
    return finish(db, f, why);
}

enum fault opteryx_store_part_drop(struct db *db, const char *session, const char *owner,
                                   int64_t part, int64_t now, struct problem *why)
{
    int64_t changes = 0;
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    f = session_revise(db, session, owner, now, why);
    if (!f) {
        struct query q = query_for(db, STMT_OPTERYX_PART_DROP);
        query_text(&q, ":session", session);
        query_int(&q, ":part", part);
        f = query_run(&q, &changes, why);
    }
    if (!f && changes == 0)
        f = problem_set(why, FAULT_MISSING, "Part not found");
    return finish(db, f, why);
}

static enum fault part_row(const struct query *q, struct opteryx_part *out, struct problem *why)
{
    enum { PART, SHA256, KIND, ROWS, BYTES, COLUMNS, ISSUES, UPLOADED_AT };
    size_t len = 0;
    const void *sha256 = query_column_blob(q, SHA256, &len);
    if (!sha256 || len != sizeof out->sha256)
        return problem_internal(why, "a part's digest is damaged");
    *out = (struct opteryx_part){ .part = query_column_int(q, PART),
                                  .kind = query_column_text(q, KIND),
                                  .rows = query_column_int(q, ROWS),
                                  .bytes = query_column_int(q, BYTES),
                                  .columns = query_column_text(q, COLUMNS),
                                  .issues = query_column_text(q, ISSUES),
                                  .uploaded_at = query_column_int(q, UPLOADED_AT) };
    memcpy(out->sha256, sha256, len);
    return FAULT_NONE;
}

enum fault opteryx_store_parts(struct db *db, const char *session,
                               enum fault (*each)(void *ctx, const struct opteryx_part *part,
                                                  struct problem *why),
                               void *ctx, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_PART_LIST);
    query_text(&q, ":session", session);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        struct opteryx_part part = { .part = 0 };
        f = part_row(&q, &part, why);
        if (!f)
            f = each(ctx, &part, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* ---- expiry ---- */

static enum fault session_run(struct db *db, enum statement which, const char *session,
                              struct problem *why)
{
    struct query q = query_for(db, which);
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

enum fault opteryx_store_sweep(struct db *db, int64_t before, bool *more, struct problem *why)
{
    char session[OPTERYX_SESSION_ID_MAX];
    enum fault f = db_begin(db, why);
    if (f)
        return f;
    f = expired(db, before, session, why);
    *more = !f && session[0] != '\0';
    if (!f && !*more) {
        db_rollback(db);
        return FAULT_NONE;
    }
    if (!f)
        f = session_run(db, STMT_OPTERYX_PART_DROP_ALL, session, why);
    if (!f)
        f = session_run(db, STMT_OPTERYX_SESSION_DROP, session, why);
    return finish(db, f, why);
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
