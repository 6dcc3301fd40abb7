/*
 * contract_terms.h - what a client asks for when it negotiates or amends a contract.
 */
#ifndef OPTERYX_CONTRACT_TERMS_H
#define OPTERYX_CONTRACT_TERMS_H

#include "db/opteryx_store.h"
#include "opteryx/validate.h"
#include "tabular/columns.h"

#include <json-c/json.h>
#include <stdbool.h>

enum contract_mode {
    CONTRACT_DECLARED = 0,
    CONTRACT_INFER,
    CONTRACT_DATASET,
    CONTRACT_AUTO,
    CONTRACT_NO_MODE, /* no schema was given */
};

struct contract_terms {
    struct opteryx_target target;
    enum contract_mode mode;
    bool overwrites;               /* schema.write */
    enum opteryx_mode on_conflict; /* OPTERYX_APPEND unless given */
    struct columns columns;        /* declared; initialised by the caller */
    struct columns ignored;        /* names alone; initialised by the caller */
    const char *unknown_type;      /* a type that is none, borrowed from the body; NULL */
    const char *unknown_column;    /* and the column that has it */
};

/* The terms of a negotiation; errors go to v.  FAULT_UNPROCESSABLE past the bounds of columns.h. */
MUST_CHECK enum fault contract_terms_read(struct validate *v, json_object *body,
                                          struct contract_terms *out, struct problem *why);

/* An amendment: {"columns":{name:type}} changes types in columns, {"ignore":[names]} replaces
 * ignored.  *missing: a name that columns and others lack, borrowed from the body. */
struct contract_amendment {
    struct columns *columns;
    struct columns *ignored; /* empty and initialised */
    const struct columns *others;
    bool ignores; /* a list was given */
    const char *missing;
    const char *unknown_type;
    const char *unknown_column;
};
MUST_CHECK enum fault contract_terms_amend(struct validate *v, json_object *body,
                                           struct contract_amendment *out, struct problem *why);

#endif
