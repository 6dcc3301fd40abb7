#include "db/opteryx_store_contract.h"

#include "db/opteryx_store_internal.h"

#include <string.h>

static const char *const states[] = {
    [OPTERYX_PROPOSED] = "proposed", [OPTERYX_ACCEPTED] = "accepted",
    [OPTERYX_WRITING] = "writing",   [OPTERYX_CONTRACT_DONE] = "committed",
    [OPTERYX_STALE] = "stale",       [OPTERYX_ABANDONED] = "abandoned",
};

const char *opteryx_store_contract_word(enum opteryx_contract_state state)
{
    return states[state];
}

enum { STEPS = OPTERYX_ABANDON + 1 };

/* What a step gets in a state; NULL: it may be taken. */
static const char *const moves[][STEPS] = {
    [OPTERYX_PROPOSED] = { NULL, NULL, OPTERYX_CONTRACT_UNACCEPTED, OPTERYX_CONTRACT_UNACCEPTED,
                           NULL },
    [OPTERYX_ACCEPTED] = { NULL, NULL, NULL, NULL, NULL },
    [OPTERYX_WRITING] = { OPTERYX_CONTRACT_CHANGED, NULL, NULL, NULL, NULL },
    [OPTERYX_CONTRACT_DONE] = { OPTERYX_CONTRACT_COMMITTED, OPTERYX_CONTRACT_COMMITTED,
                                OPTERYX_CONTRACT_COMMITTED, NULL, OPTERYX_CONTRACT_COMMITTED },
    [OPTERYX_STALE] = { OPTERYX_CONTRACT_STALE, OPTERYX_CONTRACT_STALE, OPTERYX_CONTRACT_STALE,
                        NULL, NULL },
    [OPTERYX_ABANDONED] = { OPTERYX_CONTRACT_UNACCEPTED, OPTERYX_CONTRACT_UNACCEPTED,
                            OPTERYX_CONTRACT_UNACCEPTED, OPTERYX_CONTRACT_UNACCEPTED, NULL },
};

enum fault opteryx_store_contract_takes(enum opteryx_contract_state state,
                                        enum opteryx_contract_step step, struct problem *why)
{
    const char *code = moves[state][step];
    if (!code)
        return FAULT_NONE;
    if (strcmp(code, OPTERYX_CONTRACT_UNACCEPTED) == 0 && state == OPTERYX_PROPOSED)
        return problem_code(why, FAULT_CONFLICT, code, "the contract has not been accepted");
    if (strcmp(code, OPTERYX_CONTRACT_CHANGED) == 0)
        return problem_code(why, FAULT_CONFLICT, code, "data has been written to the contract");
    return problem_code(why, FAULT_CONFLICT, code, "the contract is %s", states[state]);
}

static enum fault missing(struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OPTERYX_NO_CONTRACT, "there is no such contract");
}

enum { STATE, MODE, OVERWRITES, STRUCTURE, DECLARED, BASE, SAMPLED, PARQUET, COLUMNS, IGNORED };
enum { FINGERPRINT = IGNORED + 1, SNAPSHOT };

static const char *keep(const struct query *q, int column, struct arena *arena, bool *ok)
{
    const char *text = query_column_text(q, column);
    const char *copy = text ? arena_strdup(arena, text, strlen(text)) : NULL;
    *ok = *ok && (!text || copy);
    return copy;
}

static enum fault contract_row(const struct query *q, struct arena *arena,
                               struct opteryx_contract *out, struct problem *why)
{
    bool ok = true;
    const char *state = query_column_text(q, STATE);
    size_t i = 0;
    while (i < sizeof states / sizeof states[0] && (!state || strcmp(states[i], state) != 0))
        i++;
    if (i == sizeof states / sizeof states[0])
        return problem_internal(why, "a contract's state is damaged");
    out->state = (enum opteryx_contract_state)i;
    out->mode = keep(q, MODE, arena, &ok);
    out->overwrites = query_column_int(q, OVERWRITES) != 0;
    out->structure = keep(q, STRUCTURE, arena, &ok);
    out->declared = keep(q, DECLARED, arena, &ok);
    out->base = keep(q, BASE, arena, &ok);
    out->sampled = keep(q, SAMPLED, arena, &ok);
    out->parquet = query_column_int(q, PARQUET) != 0;
    out->columns = keep(q, COLUMNS, arena, &ok);
    out->ignored = keep(q, IGNORED, arena, &ok);
    out->fingerprint = keep(q, FINGERPRINT, arena, &ok);
    out->snapshot = keep(q, SNAPSHOT, arena, &ok);
    return ok ? FAULT_NONE
              : problem_set(why, FAULT_TOO_LARGE, "the contract takes too much memory");
}

enum fault opteryx_store_contract_get(struct db *db, const char *id, const char *owner_id,
                                      int64_t now, struct arena *arena,
                                      struct opteryx_contract *out, struct problem *why)
{
    bool row = false;
    struct problem of_session = PROBLEM_NONE;
    enum fault f =
        opteryx_store_session_get(db, id, owner_id, now, arena, &out->session, &of_session);
    if (f == FAULT_MISSING)
        return missing(why);
    if (f && f != FAULT_GONE) {
        *why = of_session;
        return f;
    }
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_GET);
    query_text(&q, ":contract", id);
    const bool expired = f == FAULT_GONE;
    f = query_step(&q, &row, why);
    if (!f && row && !expired)
        f = contract_row(&q, arena, out, why);
    query_done(&q);
    if (!f && !row)
        f = missing(why);
    if (!f && expired)
        f = problem_code(why, FAULT_GONE, OPTERYX_CONTRACT_EXPIRED, "the contract has expired");
    return f;
}

static enum fault contract_insert(struct db *db, const struct opteryx_contract *contract,
                                  struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_ADD);
    query_text(&q, ":contract", contract->session.id);
    query_text(&q, ":owner_id", contract->session.owner_id);
    query_int(&q, ":expires_at", contract->session.expires_at);
    query_text(&q, ":state", states[contract->state]);
    query_text(&q, ":mode", contract->mode);
    query_int(&q, ":overwrites", contract->overwrites);
    query_text(&q, ":structure", contract->structure);
    query_text(&q, ":declared", contract->declared);
    query_text(&q, ":base", contract->base);
    query_text(&q, ":sampled", contract->sampled);
    query_int(&q, ":parquet", contract->parquet);
    query_text(&q, ":columns", contract->columns);
    query_text(&q, ":ignored", contract->ignored);
    query_text(&q, ":fingerprint", contract->fingerprint);
    return query_run(&q, NULL, why);
}

struct adding {
    const struct opteryx_contract *contract;
    int64_t open_max;
};

static enum fault add_body(struct db *db, void *ctx, struct problem *why)
{
    const struct adding *adding = ctx;
    const struct opteryx_session *session = &adding->contract->session;
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_OPEN_COUNT);
    query_text(&q, ":owner_id", session->owner_id);
    query_int(&q, ":now", session->created_at);
    enum fault f = query_step(&q, &row, why);
    if (!f && row && query_column_int(&q, 0) >= adding->open_max) {
        f = problem_set(why, FAULT_TOO_LARGE,
                        "more than %lld contracts are open; commit or abandon some",
                        (long long)adding->open_max);
    }
    query_done(&q);
    if (!f)
        f = opteryx_store_session_insert(db, session, why);
    return f ? f : contract_insert(db, adding->contract, why);
}

enum fault opteryx_store_contract_add(struct db *db, const struct opteryx_contract *contract,
                                      int64_t open_max, struct problem *why)
{
    struct adding adding = { contract, open_max };
    return db_write(db, add_body, &adding, why);
}

enum fault opteryx_store_contract_move(struct db *db, const char *id, const char *state,
                                       const char *snapshot, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_MOVE);
    query_text(&q, ":contract", id);
    query_text(&q, ":state", state);
    query_text(&q, ":snapshot", snapshot);
    const enum fault f = query_run(&q, &changes, why);
    return !f && changes != 1 ? problem_internal(why, "a contract is gone inside a transaction")
                              : f;
}

/* ---- the steps ---- */

/* One step of a contract's life; what only some need is NULL or 0 for the others. */
struct taking {
    const struct opteryx_contract_at *at;
    enum opteryx_contract_step step;
    const struct opteryx_amendment *amendment;
    const char *fingerprint; /* that the contract must have */
    const struct opteryx_part *part;
    int64_t bytes_max;
    bool stale;
};

static enum fault amend(struct db *db, const struct opteryx_amendment *amendment,
                        struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_AMEND);
    query_text(&q, ":contract", amendment->at.id);
    query_text(&q, ":columns", amendment->columns);
    query_text(&q, ":ignored", amendment->ignored);
    query_text(&q, ":fingerprint", amendment->fingerprint);
    return query_run(&q, NULL, why);
}

static enum fault add_write(struct db *db, const struct taking *taking,
                            const struct opteryx_contract *contract, struct problem *why)
{
    int64_t last = 0;
    if (!taking->part)
        return problem_internal(why, "a write without a part");
    struct opteryx_part part = *taking->part;
    enum fault f = opteryx_store_part_last(db, taking->at->id, &last, why);
    part.part = last + 1;
    if (!f && part.part == OPTERYX_PARTS_MAX)
        f = problem_set(why, FAULT_TOO_LARGE, "a contract takes %d writes", OPTERYX_PARTS_MAX);
    if (!f && part.bytes > taking->bytes_max - contract->session.bytes) {
        f = problem_set(why, FAULT_TOO_LARGE, "the contract would hold more than %lld bytes",
                        (long long)taking->bytes_max);
    }
    if (!f)
        f = opteryx_store_part_write(db, taking->at->id, &part, why);
    return f ? f
             : opteryx_store_contract_move(db, taking->at->id, states[OPTERYX_WRITING], NULL, why);
}

static enum fault end(struct db *db, const struct taking *taking, struct problem *why)
{
    const enum fault f = opteryx_store_parts_drop(db, taking->at->id, why);
    return f ? f
             : opteryx_store_contract_move(
                   db, taking->at->id, states[taking->stale ? OPTERYX_STALE : OPTERYX_ABANDONED],
                   NULL, why);
}

static enum fault act(struct db *db, const struct taking *taking,
                      const struct opteryx_contract *contract, struct problem *why)
{
    switch (taking->step) {
    case OPTERYX_AMEND:
        return amend(db, taking->amendment, why);
    case OPTERYX_ACCEPT:
        if (contract->state != OPTERYX_PROPOSED)
            return FAULT_NONE;
        return opteryx_store_contract_move(db, taking->at->id, states[OPTERYX_ACCEPTED], NULL, why);
    case OPTERYX_WRITE:
        return add_write(db, taking, contract, why);
    case OPTERYX_ABANDON:
        return end(db, taking, why);
    case OPTERYX_COMMIT: /* opteryx_store_commit() */
        break;
    }
    return problem_internal(why, "not a step of its own");
}

static enum fault take_in(struct db *db, const struct taking *taking, struct arena *arena,
                          struct problem *why)
{
    struct opteryx_contract contract = { .state = OPTERYX_PROPOSED };
    enum fault f = opteryx_store_contract_get(db, taking->at->id, taking->at->owner_id,
                                              taking->at->now, arena, &contract, why);
    if (!f)
        f = opteryx_store_contract_takes(contract.state, taking->step, why);
    if (!f && taking->fingerprint && strcmp(taking->fingerprint, contract.fingerprint) != 0) {
        f = problem_code(why, FAULT_CONFLICT, OPTERYX_CONTRACT_CHANGED,
                         "the contract is not the one that was shown; look at it again");
    }
    const bool ended = contract.state == OPTERYX_ABANDONED || contract.state == OPTERYX_STALE;
    if (f || (taking->step == OPTERYX_ABANDON && ended))
        return f;
    const int64_t bytes = taking->part ? taking->part->bytes : 0;
    f = opteryx_store_session_revise(
        db, taking->at->id, taking->step == OPTERYX_ABANDON ? -contract.session.bytes : bytes,
        false, why);
    return f ? f : act(db, taking, &contract, why);
}

static enum fault take_body(struct db *db, void *ctx, struct problem *why)
{
    struct arena *arena = arena_create(ARENA_MAX);
    if (!arena)
        return problem_internal(why, "no memory for a contract");
    const enum fault f = take_in(db, ctx, arena, why);
    arena_destroy(arena);
    return f;
}

enum fault opteryx_store_contract_amend(struct db *db, const struct opteryx_amendment *amendment,
                                        struct problem *why)
{
    struct taking taking = { .at = &amendment->at,
                             .step = OPTERYX_AMEND,
                             .amendment = amendment,
                             .fingerprint = amendment->before };
    return db_write(db, take_body, &taking, why);
}

enum fault opteryx_store_contract_accept(struct db *db, const struct opteryx_contract_at *at,
                                         const char *fingerprint, struct problem *why)
{
    struct taking taking = { .at = at, .step = OPTERYX_ACCEPT, .fingerprint = fingerprint };
    return db_write(db, take_body, &taking, why);
}

enum fault opteryx_store_contract_write(struct db *db, const struct opteryx_contract_at *at,
                                        const struct opteryx_part *part, const char *fingerprint,
                                        int64_t bytes_max, struct problem *why)
{
    struct taking taking = { .at = at,
                             .step = OPTERYX_WRITE,
                             .part = part,
                             .fingerprint = fingerprint,
                             .bytes_max = bytes_max };
    return db_write(db, take_body, &taking, why);
}

enum fault opteryx_store_contract_end(struct db *db, const struct opteryx_contract_at *at,
                                      bool stale, struct problem *why)
{
    struct taking taking = { .at = at, .step = OPTERYX_ABANDON, .stale = stale };
    return db_write(db, take_body, &taking, why);
}

enum fault opteryx_store_contract_writes(struct db *db, const char *id,
                                         enum fault (*each)(void *ctx,
                                                            const struct opteryx_written *written,
                                                            struct problem *why),
                                         void *ctx, struct problem *why)
{
    enum { SOURCE, ROWS, BYTES, SHA256 };
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_CONTRACT_WRITES);
    query_text(&q, ":session", id);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        size_t len = 0;
        struct opteryx_written written = { .source = query_column_text(&q, SOURCE),
                                           .rows = query_column_int(&q, ROWS),
                                           .bytes = query_column_int(&q, BYTES) };
        const void *sha256 = query_column_blob(&q, SHA256, &len);
        if (!sha256 || len != sizeof written.sha256)
            f = problem_internal(why, "a write's digest is damaged");
        else
            memcpy(written.sha256, sha256, len);
        if (!f)
            f = each(ctx, &written, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}
