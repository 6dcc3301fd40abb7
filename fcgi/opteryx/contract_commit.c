/*
 * contract_commit.c - the route of contract.h that makes a snapshot of a contract's writes, unless its
 * dataset has moved meanwhile.
 */
#include "opteryx/contract.h"

#include "auth/auth.h"
#include "base/config.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "json/json.h"

#include <string.h>

enum {
    STRUCTURE_MAX = 8 * MIB, /* bytes of a dataset's columns as rows keep them */
    ANSWER_MAX = 12 * MIB,
};

struct committing {
    struct exchange *x;
    struct contract contract;
    struct arena *arena; /* of the dataset as it is now */
    const char *message;
    bool exists;
    struct opteryx_dataset dataset;
    struct text columns; /* of the dataset afterwards; empty: as they are */
    struct text answer;
    char id[OPTERYX_COMMIT_ID_MAX];
};

static enum fault dataset_look(struct db *db, void *ctx, struct problem *why)
{
    struct committing *c = ctx;
    arena_reset(c->arena);
    c->exists = false;
    return opteryx_store_dataset_get(db, &c->contract.row.session.target, c->arena, &c->dataset,
                                     &c->exists, why);
}

/* ---- a dataset that has moved ---- */

static void diff_add(struct text *out, const char *op, const struct column *column)
{
    char word[TYPE_TEXT_MAX];
    const size_t empty = strlen(",\"diff\":[");
    type_print(&column->type, word);
    text_addf(out, "%s{\"op\":\"%s\",\"column\":", out->len > empty ? "," : "", op);
    json_quote(out, column->name, strlen(column->name));
    text_addf(out, ",\"type\":\"%s\"}", word);
}

/* What changed of the columns since the negotiation, as JSON; false: nothing. */
static enum fault diff(struct committing *c, struct text *out, bool *any, struct problem *why)
{
    struct columns then;
    struct columns now;
    columns_init(&then, c->arena);
    columns_init(&now, c->arena);
    enum fault f = FAULT_NONE;
    if (c->contract.row.declared)
        f = columns_read(&then, c->contract.row.declared, why);
    if (!f && c->exists)
        f = columns_read(&now, c->dataset.columns, why);
    text_adds(out, ",\"diff\":[");
    const size_t empty = out->len;
    for (size_t i = 0; !f && i < now.count; i++) {
        const struct column *known = columns_find(&then, now.list[i].name);
        if (!known)
            diff_add(out, "add", &now.list[i]);
        else if (!type_equal(&known->type, &now.list[i].type))
            diff_add(out, "retype", &now.list[i]);
    }
    for (size_t i = 0; !f && i < then.count; i++) {
        if (!columns_find(&now, then.list[i].name))
            diff_add(out, "drop", &then.list[i]);
    }
    *any = out->len > empty;
    text_addc(out, ']');
    return f;
}

/* Whether it is not the dataset that the contract was made for; out: what the refusal tells of it. */
static enum fault moved(struct committing *c, struct text *out, bool *stale, struct problem *why)
{
    const struct opteryx_contract *row = &c->contract.row;
    const bool same = (row->structure != NULL) == c->exists &&
                      (!c->exists || strcmp(row->structure, c->dataset.structure_id) == 0);
    const enum fault f = diff(c, out, stale, why);
    *stale = *stale || (row->structure != NULL) != c->exists || row->state == OPTERYX_STALE ||
             (row->overwrites && c->exists && strcmp(row->base, c->dataset.commit_id) != 0);
    *stale = *stale && (!same || row->overwrites || row->state == OPTERYX_STALE);
    return f;
}

static enum fault refuse_stale(struct committing *c, struct text *extra, struct problem *why)
{
    const struct opteryx_contract_at at = contract_at(&c->contract);
    const enum fault f = opteryx_store_contract_end(c->x->db, &at, true, why);
    text_addf(extra, ",\"written_rows\":%lld,\"written_discarded\":true",
              (long long)c->contract.rows);
    return f ? f
             : contract_refuse(
                   c->x, OPTERYX_CONFLICT, OPTERYX_CONTRACT_STALE,
                   "the dataset has changed since the contract was made; negotiate anew",
                   text_string(extra), why);
}

/* ---- the commit ---- */

/* The dataset's columns afterwards. */
static enum fault structure(struct committing *c, struct problem *why)
{
    struct columns schema;
    struct columns known;
    struct columns both;
    const struct columns *after = &schema;
    columns_init(&schema, c->arena);
    columns_init(&known, c->arena);
    columns_init(&both, c->arena);
    enum fault f = contract_schema(&c->contract, &schema, why);
    if (!f && c->exists)
        f = columns_read(&known, c->dataset.columns, why);
    if (!f && c->exists && strcmp(c->contract.row.mode, "dataset") == 0) {
        after = &known;
    } else if (!f && c->exists && !c->contract.row.overwrites) {
        f = columns_append(&known, &schema, &both, why);
        after = &both;
    }
    if (!f)
        columns_write(after, &c->columns);
    if (!f && text_failed(&c->columns))
        f = problem_set(why, FAULT_UNPROCESSABLE, "the columns take too much room");
    if (!f && c->exists && strcmp(text_string(&c->columns), c->dataset.columns) == 0)
        text_clear(&c->columns);
    return f;
}

static enum fault commit_write(struct committing *c, enum opteryx_outcome *outcome,
                               struct problem *why)
{
    struct exchange *x = c->x;
    struct opteryx_contract *row = &c->contract.row;
    opteryx_request_commit_id(x, c->id);
    enum fault f = structure(c, why);
    row->snapshot = c->id;
    row->state = OPTERYX_CONTRACT_DONE;
    if (!f)
        f = contract_write(&c->contract, NULL, false, &c->answer, why);
    if (f)
        return f;
    const char *wanted = opteryx_request_if_match(x);
    const struct opteryx_commit commit = {
        .session = row->session.id,
        .owner_id = x->who->id,
        .author = x->who->name,
        .target = &row->session.target,
        .mode = row->overwrites ? OPTERYX_OVERWRITE : OPTERYX_APPEND,
        .now = x->now,
        .revision = row->session.revision,
        .structure = c->exists ? c->dataset.structure_id : NULL,
        .columns = c->columns.len ? text_string(&c->columns) : NULL,
        .message = c->message,
        .id = c->id,
        .if_match = wanted || !row->overwrites ? wanted : row->base,
        .answer = text_string(&c->answer),
        .of_contract = true,
    };
    return opteryx_store_commit(x->db, &commit, outcome, why);
}

static enum fault answer(struct committing *c, const char *text, struct problem *why)
{
    return exchange_reply(c->x, OPTERYX_OK, "application/json", text, strlen(text), why);
}

/* Attempts once; *overtaken when somebody else was faster. */
static enum fault attempt(struct committing *c, bool *overtaken, struct problem *why)
{
    struct contract_issue issue = { .code = NULL };
    enum opteryx_outcome outcome = OPTERYX_COMMITTED;
    struct text extra;
    bool stale = false;
    *overtaken = false;
    enum fault f = contract_load(&c->contract, RIGHT_WRITE, why);
    if (!f)
        f = opteryx_store_contract_takes(c->contract.row.state, OPTERYX_COMMIT, why);
    if (f)
        return f;
    if (c->contract.row.session.answer)
        return answer(c, c->contract.row.session.answer, why);
    if (contract_blocked(&c->contract, &issue))
        return contract_refuse_issue(c->x, &issue, why);
    text_init(&extra, JSON_BODY_MAX);
    f = db_read(c->x->db, dataset_look, c, why);
    if (!f)
        f = moved(c, &extra, &stale, why);
    if (!f && stale)
        f = refuse_stale(c, &extra, why);
    text_release(&extra);
    if (f || stale)
        return f;
    f = commit_write(c, &outcome, why);
    *overtaken = !f && outcome != OPTERYX_COMMITTED;
    return f || *overtaken ? f : answer(c, text_string(&c->answer), why);
}

static enum fault attempts(struct exchange *x, const char *message, struct problem *why)
{
    struct committing c = { .x = x, .message = message, .arena = arena_create(ARENA_MAX) };
    struct arena *arena = arena_create(CONTRACT_ARENA_MAX);
    bool overtaken = true;
    contract_init(&c.contract, x, arena);
    text_init(&c.columns, STRUCTURE_MAX);
    text_init(&c.answer, ANSWER_MAX);
    enum fault f = arena && c.arena ? FAULT_NONE : opteryx_request_no_memory(why);
    for (int i = 0; !f && overtaken && i < OPTERYX_PLANS_MAX; i++) {
        text_clear(&c.columns);
        text_clear(&c.answer);
        f = attempt(&c, &overtaken, why);
    }
    if (!f && overtaken)
        f = problem_set(why, FAULT_BUSY, "the dataset is changing too fast");
    contract_release(&c.contract);
    text_release(&c.columns);
    text_release(&c.answer);
    arena_destroy(c.arena);
    arena_destroy(arena);
    return f;
}

/* {"message": text or null}, or nothing at all. */
static const char *message_of(struct validate *v, json_object *body)
{
    const struct validate_loc of_body = { { "body" } };
    const struct validate_loc loc = { { "body", "message" } };
    json_object *value = NULL;
    if (!body || !validate_object(v, &of_body, body) ||
        !json_object_object_get_ex(body, "message", &value) || !value)
        return NULL;
    return validate_string(v, &loc, value);
}

enum fault opteryx_contract_commit(struct exchange *x, struct problem *why)
{
    struct validate v;
    json_object *body = NULL;
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, true, &body, why);
    const char *message = !f && v.count == 0 ? message_of(&v, body) : NULL;
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why) : attempts(x, message, why);
    validate_release(&v);
    return f;
}
