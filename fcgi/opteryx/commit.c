/*
 * The structure of a thousand parts is put together outside of the transaction, which then only
 * finds out whether what was read still stands; when not, the commit is planned anew.
 */
#include "opteryx/commit.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/gather.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "json/json.h"

#include <string.h>

enum { STRUCTURE_MAX = 8 * MIB }; /* bytes of a dataset's columns as rows keep them */

/* One attempt: what was read, and what would be written. */
struct plan {
    struct exchange *x;
    struct arena *arena; /* of this attempt alone */
    const struct commit_request *request;
    const char *table;
    struct opteryx_session session;
    bool repeated; /* the session was committed like this before */
    bool exists;
    struct opteryx_dataset dataset;
    struct gather parts;
    struct opteryx_totals totals; /* of the parts */
    struct text columns;          /* of the dataset afterwards */
    struct text answer;
    char id[OPTERYX_COMMIT_ID_MAX];
};

/* Everything that the plan rests on, of one moment. */
static enum fault look(struct db *db, void *ctx, struct problem *why)
{
    struct plan *plan = ctx;
    struct exchange *x = plan->x;
    arena_reset(plan->arena);
    gather_release(&plan->parts);
    gather_init(&plan->parts, plan->arena);
    plan->repeated = false;
    plan->exists = false;
    enum fault f = opteryx_store_session_get(db, opteryx_request_session(x), x->who->id, x->now,
                                             plan->arena, &plan->session, why);
    if (!f)
        f = opteryx_store_session_takes(&plan->session, &plan->request->target, plan->request->mode,
                                        &plan->repeated, why);
    if (f || plan->repeated)
        return f;
    f = opteryx_store_dataset_get(db, &plan->request->target, plan->arena, &plan->dataset,
                                  &plan->exists, why);
    if (!f)
        f = opteryx_store_part_totals(db, plan->session.id, &plan->totals, why);
    return f ? f : gather_session(db, &plan->session, plan->arena, &plan->parts, why);
}

/* The dataset's columns afterwards; the text stays empty when they do not change. */
static enum fault structure(struct plan *plan, struct problem *why)
{
    struct columns declared;
    struct columns appended;
    const struct columns *after = &plan->parts.columns;
    if (plan->exists && plan->request->mode == OPTERYX_APPEND && plan->parts.any) {
        columns_init(&declared, plan->arena);
        columns_init(&appended, plan->arena);
        enum fault f = columns_read(&declared, plan->dataset.columns, why);
        if (!f)
            f = columns_append(&declared, after, &appended, why);
        if (f)
            return f;
        after = &appended;
    }
    columns_write(after, &plan->columns);
    if (text_failed(&plan->columns))
        return problem_set(why, FAULT_UNPROCESSABLE, "the columns take too much room");
    if (plan->exists && strcmp(text_string(&plan->columns), plan->dataset.columns) == 0)
        text_clear(&plan->columns);
    return FAULT_NONE;
}

/* What the client will read, now and when it asks again. */
static enum fault answer_write(struct plan *plan, struct problem *why)
{
    text_adds(&plan->answer, "{\"table\":");
    json_quote(&plan->answer, plan->table, strlen(plan->table));
    text_addf(&plan->answer, ",\"commit_id\":\"%s\",\"rows_written\":%lld,\"files_created\":%lld}",
              plan->id, (long long)plan->totals.rows, (long long)plan->totals.files);
    return text_failed(&plan->answer) ? problem_internal(why, "no memory for an answer")
                                      : FAULT_NONE;
}

/* A snapshot names bytes that were stored before: they must still be there. */
static enum fault check_part(void *ctx, const struct opteryx_part *part, struct problem *why)
{
    struct exchange *x = ctx;
    if (blob_present(x->blobs, &part->ref))
        return FAULT_NONE;
    return problem_set(why, FAULT_DAMAGED,
                       "content_damaged: the stored bytes of part %lld are gone: upload it again",
                       (long long)part->part);
}

static enum fault attempt(struct exchange *x, struct plan *plan, enum opteryx_outcome *outcome,
                          struct problem *why)
{
    const struct commit_request *request = plan->request;
    *outcome = OPTERYX_REPEATED;
    enum fault f = db_read(x->db, look, plan, why);
    if (!f && plan->repeated)
        return FAULT_NONE;
    const bool forbidden = plan->exists && request->mode == OPTERYX_FAIL;
    if (!f && !forbidden)
        f = opteryx_store_part_places(x->db, plan->session.id, check_part, x, why);
    if (!f && !forbidden)
        f = structure(plan, why);
    if (!f)
        f = answer_write(plan, why);
    if (f)
        return f;
    const struct opteryx_commit commit = {
        .session = plan->session.id,
        .owner_id = x->who->id,
        .author = x->who->name,
        .target = &request->target,
        .mode = request->mode,
        .now = x->now,
        .revision = plan->session.revision,
        .structure = plan->exists ? plan->dataset.structure_id : NULL,
        .columns = plan->columns.len ? text_string(&plan->columns) : NULL,
        .message = request->message,
        .id = plan->id,
        .if_match = opteryx_request_if_match(x),
        .answer = text_string(&plan->answer),
    };
    return opteryx_store_commit(x->db, &commit, outcome, why);
}

/* Attempts once; an answer is given unless others overtook the plan. */
static enum fault commit_once(struct exchange *x, const struct commit_request *request,
                              const char *table, bool *overtaken, struct problem *why)
{
    enum opteryx_outcome outcome = OPTERYX_COMMITTED;
    struct plan plan = {
        .x = x, .arena = arena_create(ARENA_MAX), .request = request, .table = table
    };
    text_init(&plan.columns, STRUCTURE_MAX);
    text_init(&plan.answer, OPTERYX_BODY_MAX);
    opteryx_request_commit_id(x, plan.id);
    enum fault f =
        plan.arena ? attempt(x, &plan, &outcome, why) : problem_internal(why, "no memory to plan");
    const char *answer = text_string(&plan.answer);
    if (!f && plan.repeated)
        answer = plan.session.answer;
    /* found by the transaction alone: the next attempt reads the answer */
    *overtaken = !f && !plan.repeated && outcome != OPTERYX_COMMITTED;
    if (!f && !*overtaken)
        f = exchange_reply(x, OPTERYX_OK, "application/json", answer, strlen(answer), why);
    gather_release(&plan.parts);
    text_release(&plan.columns);
    text_release(&plan.answer);
    arena_destroy(plan.arena);
    return f;
}

static enum fault commit_checked(struct exchange *x, const struct commit_request *request,
                                 struct problem *why)
{
    bool overtaken = true;
    const char *table = opteryx_request_table(x, &request->target);
    if (!table)
        return opteryx_request_no_memory(why);
    enum fault f = auth_require(x, RIGHT_WRITE, table, why);
    for (int i = 0; !f && overtaken && i < OPTERYX_PLANS_MAX; i++)
        f = commit_once(x, request, table, &overtaken, why);
    if (!f && overtaken)
        f = problem_set(why, FAULT_BUSY, "the dataset is changing too fast");
    return f;
}

enum fault opteryx_commit(struct exchange *x, struct problem *why)
{
    struct commit_request request = { .mode = OPTERYX_FAIL };
    struct validate v;
    json_object *body = NULL;
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, false, &body, why);
    if (!f && v.count == 0)
        validate_commit(&v, body, &request);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why) : commit_checked(x, &request, why);
    validate_release(&v);
    return f;
}
