/*
 * contract.h - what the routes of /v2/contracts share: a contract as it is looked at, and how it and
 * its refusals are written.
 *
 * Clients replace all that they know of a contract by each answer, so that every answer is whole.
 * Refusals are {"error":{"code","message",...}}.
 */
#ifndef OPTERYX_CONTRACT_H
#define OPTERYX_CONTRACT_H

#include "auth/auth.h"
#include "base/text.h"
#include "db/opteryx_store_contract.h"
#include "http/exchange.h"
#include "tabular/columns.h"
#include "tabular/plan.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

enum { CONTRACT_ARENA_MAX = 12 * MIB }; /* bytes of a contract in memory: FAULT_TOO_LARGE */

#define CONTRACT_PREFIX "ct_" /* of ids, which no session's begins with */

struct contract {
    struct exchange *x;
    struct arena *arena;
    struct opteryx_contract row;
    struct columns columns; /* that are written, with the ignored ones */
    struct columns sampled;
    struct columns ignored; /* names alone */
    bool fixed;             /* the columns are declared or the dataset's, not the samples' */
    struct text writes;     /* JSON of the list, without brackets */
    int64_t write_count;
    int64_t rows;
    int64_t last_at; /* where the last of writes begins */
};

/* Empty; ended by contract_release(). */
void contract_init(struct contract *contract, struct exchange *x, struct arena *arena);
void contract_release(struct contract *contract);

/* The contract of the path, for a right: row, columns and writes.  FAULT_MISSING, FAULT_GONE, those of
 * auth_require(). */
MUST_CHECK enum fault contract_load(struct contract *contract, enum right right,
                                    struct problem *why);

/* Reads it again, whatever happened meanwhile. */
MUST_CHECK enum fault contract_reload(struct contract *contract, struct problem *why);

/* Whose it is, for the steps of the store. */
struct opteryx_contract_at contract_at(const struct contract *contract);

/* The texts of the row that follow from the columns and the ignored names: columns, ignored and
 * fingerprint, in the arena. */
MUST_CHECK enum fault contract_seal(struct contract *contract, struct problem *why);

/* Reads a JSON list of names as columns.  FAULT_INTERNAL: it is damaged. */
MUST_CHECK enum fault contract_names(const char *json, struct columns *out, struct problem *why);

/* The columns that a dataset gets: without the ignored ones. */
MUST_CHECK enum fault contract_schema(const struct contract *contract, struct columns *out,
                                      struct problem *why);

/* What stands in the way of a contract, or only looks odd. */
struct contract_issue {
    const char *code;
    const char *column;
    char detail[PROBLEM_TEXT_MAX];
    bool blocking;
};

/* What becomes of one column of the samples; *has_issue: and what is to be said about it. */
enum plan_action contract_plan(const struct contract *contract, const struct column *from,
                               const struct column **to, struct contract_issue *issue,
                               bool *has_issue);

/* Whether the samples lack a column that is written, and what is to be said about it. */
bool contract_lacks(const struct contract *contract, const struct column *column,
                    struct contract_issue *issue);

/* The first blocking issue; false when there is none. */
bool contract_blocked(const struct contract *contract, struct contract_issue *issue);

/* The whole contract as JSON.  values: JSON of an object or NULL; written: adds the last write. */
MUST_CHECK enum fault contract_write(const struct contract *contract, const char *values,
                                     bool written, struct text *out, struct problem *why);

/* Answers with it. */
MUST_CHECK enum fault contract_reply(const struct contract *contract, int status,
                                     const char *values, bool written, struct problem *why);

/* A refusal with members of its own: extra is JSON behind the message (",\"column\":\"a\""), or "". */
MUST_CHECK enum fault contract_refuse(struct exchange *x, int status, const char *code,
                                      const char *message, const char *extra, struct problem *why);

/* 422 for a type that is none, with the words that are, and for a name that no column has. */
MUST_CHECK enum fault contract_refuse_type(struct exchange *x, const char *column,
                                           const char *declared, struct problem *why);
MUST_CHECK enum fault contract_refuse_missing(struct exchange *x, const char *column,
                                              struct problem *why);

/* 409 with a blocking issue. */
MUST_CHECK enum fault contract_refuse_issue(struct exchange *x, const struct contract_issue *issue,
                                            struct problem *why);

/* ---- the routes ---- */

/* POST /v2/contracts: multipart, a field "contract" and fields "sample". */
MUST_CHECK enum fault opteryx_contract_negotiate(struct exchange *x, struct problem *why);

/* GET /v2/contracts/{contract} */
MUST_CHECK enum fault opteryx_contract_show(struct exchange *x, struct problem *why);

/* PATCH /v2/contracts/{contract}: {"columns":{name:type}}, {"ignore":[names]} */
MUST_CHECK enum fault opteryx_contract_amend(struct exchange *x, struct problem *why);

/* PUT /v2/contracts/{contract}/accept */
MUST_CHECK enum fault opteryx_contract_accept(struct exchange *x, struct problem *why);

/* POST /v2/contracts/{contract}/data: any number of bytes, verified value by value as they come. */
MUST_CHECK enum fault opteryx_contract_data(struct exchange *x, struct problem *why);

/* POST /v2/contracts/{contract}/commit */
MUST_CHECK enum fault opteryx_contract_commit(struct exchange *x, struct problem *why);

/* DELETE /v2/contracts/{contract} */
MUST_CHECK enum fault opteryx_contract_abandon(struct exchange *x, struct problem *why);

#endif
