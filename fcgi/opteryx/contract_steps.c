/*
 * contract_steps.c - the routes of contract.h that look at a contract, change, accept or end it.
 */
#include "opteryx/contract.h"

#include "base/text.h"
#include "opteryx/contract_terms.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"

#include <string.h>

typedef enum fault (*contract_act)(struct contract *contract, void *ctx, struct problem *why);

/* Loads the contract of the path and acts on it. */
static enum fault with_contract(struct exchange *x, enum right right, contract_act act, void *ctx,
                                struct problem *why)
{
    struct contract contract;
    struct arena *arena = arena_create(CONTRACT_ARENA_MAX);
    contract_init(&contract, x, arena);
    enum fault f = arena ? contract_load(&contract, right, why) : opteryx_request_no_memory(why);
    if (!f)
        f = act(&contract, ctx, why);
    contract_release(&contract);
    arena_destroy(arena);
    return f;
}

static enum fault show(struct contract *contract, void *ctx, struct problem *why)
{
    (void)ctx;
    return contract_reply(contract, OPTERYX_OK, NULL, false, why);
}

enum fault opteryx_contract_show(struct exchange *x, struct problem *why)
{
    return with_contract(x, RIGHT_READ, show, NULL, why);
}

/* Shows it as it is after a step. */
static enum fault show_again(struct contract *contract, enum fault f, struct problem *why)
{
    if (!f)
        f = contract_reload(contract, why);
    return f ? f : contract_reply(contract, OPTERYX_OK, NULL, false, why);
}

/* ---- amendments ---- */

struct amending {
    struct validate *v;
    json_object *body;
};

static enum fault amend_write(struct contract *contract, const char *before, struct problem *why)
{
    enum fault f = contract_seal(contract, why);
    const struct opteryx_amendment amendment = { .at = contract_at(contract),
                                                 .columns = contract->row.columns,
                                                 .ignored = contract->row.ignored,
                                                 .fingerprint = contract->row.fingerprint,
                                                 .before = before };
    if (!f)
        f = opteryx_store_contract_amend(contract->x->db, &amendment, why);
    return show_again(contract, f, why);
}

static enum fault amend(struct contract *contract, void *ctx, struct problem *why)
{
    const struct amending *amending = ctx;
    struct exchange *x = contract->x;
    struct columns ignored;
    struct contract_amendment amendment = { .columns = &contract->columns,
                                            .ignored = &ignored,
                                            .others = &contract->sampled };
    columns_init(&ignored, contract->arena);
    enum fault f = opteryx_store_contract_takes(contract->row.state, OPTERYX_AMEND, why);
    if (!f)
        f = contract_terms_amend(amending->v, amending->body, &amendment, why);
    if (f)
        return f;
    if (amending->v->count)
        return opteryx_refuse_invalid(x, amending->v, why);
    if (amendment.missing)
        return contract_refuse_missing(x, amendment.missing, why);
    if (amendment.unknown_type)
        return contract_refuse_type(x, amendment.unknown_column, amendment.unknown_type, why);
    const char *before = contract->row.fingerprint;
    if (amendment.ignores)
        contract->ignored = ignored;
    return amend_write(contract, before, why);
}

enum fault opteryx_contract_amend(struct exchange *x, struct problem *why)
{
    struct validate v;
    struct amending amending = { .v = &v };
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, false, &amending.body, why);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why)
                    : with_contract(x, RIGHT_WRITE, amend, &amending, why);
    validate_release(&v);
    return f;
}

/* ---- acceptance ---- */

static enum fault accept(struct contract *contract, void *ctx, struct problem *why)
{
    const char *fingerprint = ctx;
    const struct opteryx_contract_at at = contract_at(contract);
    const enum fault f = opteryx_store_contract_accept(contract->x->db, &at, fingerprint, why);
    return show_again(contract, f, why);
}

static const char *fingerprint_of(struct validate *v, json_object *body)
{
    const struct validate_loc of_body = { { "body" } };
    const struct validate_loc loc = { { "body", "schema_fingerprint" } };
    json_object *value = NULL;
    if (!validate_object(v, &of_body, body) ||
        !validate_member(v, &loc, body, "schema_fingerprint", &value))
        return NULL;
    return validate_string(v, &loc, value);
}

enum fault opteryx_contract_accept(struct exchange *x, struct problem *why)
{
    struct validate v;
    json_object *body = NULL;
    char fingerprint[OPTERYX_SESSION_ID_MAX * 2] = "";
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, false, &body, why);
    const char *given = !f && v.count == 0 ? fingerprint_of(&v, body) : NULL;
    if (given && strlen(given) < sizeof fingerprint)
        memcpy(fingerprint, given, strlen(given) + 1);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why)
                    : with_contract(x, RIGHT_WRITE, accept, fingerprint, why);
    validate_release(&v);
    return f;
}

/* ---- the end ---- */

static enum fault abandon(struct contract *contract, void *ctx, struct problem *why)
{
    const struct opteryx_contract_at at = contract_at(contract);
    (void)ctx;
    enum fault f = opteryx_store_contract_end(contract->x->db, &at, false, why);
    return f ? f : exchange_reply_empty(contract->x, OPTERYX_NO_CONTENT, why);
}

enum fault opteryx_contract_abandon(struct exchange *x, struct problem *why)
{
    return with_contract(x, RIGHT_WRITE, abandon, NULL, why);
}
