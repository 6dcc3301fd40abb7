/*
 * opteryx_store_contract.h - contracts: proposed, accepted, written to, and committed or given up.
 *
 * A contract is a session of its own (opteryx_store.h), whose parts are its writes, and the row that
 * says what was agreed on.  Each function that writes is a transaction, which reads the state again
 * and lets only the moves of the table in opteryx_store_contract.c pass.
 */
#ifndef DB_OPTERYX_STORE_CONTRACT_H
#define DB_OPTERYX_STORE_CONTRACT_H

#include "db/opteryx_store.h"

/* problem.code of refusals */
#define OPTERYX_NO_CONTRACT "contract_not_found"            /* FAULT_MISSING */
#define OPTERYX_CONTRACT_EXPIRED "contract_expired"         /* FAULT_GONE */
#define OPTERYX_CONTRACT_UNACCEPTED "contract_not_accepted" /* FAULT_CONFLICT, and the rest, too */
#define OPTERYX_CONTRACT_COMMITTED "already_committed"
#define OPTERYX_CONTRACT_CHANGED "proposal_changed"
#define OPTERYX_CONTRACT_STALE "contract_stale"

enum opteryx_contract_state {
    OPTERYX_PROPOSED = 0,
    OPTERYX_ACCEPTED,
    OPTERYX_WRITING,
    OPTERYX_CONTRACT_DONE, /* committed */
    OPTERYX_STALE,
    OPTERYX_ABANDONED,
};

/* "proposed", ... */
const char *opteryx_store_contract_word(enum opteryx_contract_state state);

/* Texts are borrowed where a contract is added and lie in the arena where it is read. */
struct opteryx_contract {
    struct opteryx_session
        session; /* id, owner, target, times; when read: revision, bytes, answer */
    enum opteryx_contract_state state;
    const char *mode; /* "declared", "infer", "dataset" */
    bool overwrites;
    const char *structure; /* of the dataset at the negotiation; NULL: there was none */
    const char *declared;  /* its columns, JSON; NULL */
    const char *base;      /* its commit; NULL */
    const char *sampled;   /* JSON: columns of the samples */
    bool parquet;          /* of which one was Parquet */
    const char *columns;   /* JSON: what is written, with the ignored ones */
    const char *ignored;   /* JSON: names */
    const char *fingerprint;
    const char *snapshot; /* NULL until it is committed */
};

/* The id must be new.  FAULT_TOO_LARGE when its owner has open_max open. */
MUST_CHECK enum fault opteryx_store_contract_add(struct db *db,
                                                 const struct opteryx_contract *contract,
                                                 int64_t open_max, struct problem *why);

/* A contract of that owner.  FAULT_MISSING, FAULT_GONE. */
MUST_CHECK enum fault opteryx_store_contract_get(struct db *db, const char *id,
                                                 const char *owner_id, int64_t now,
                                                 struct arena *arena, struct opteryx_contract *out,
                                                 struct problem *why);

/* Whose contract is meant, and when. */
struct opteryx_contract_at {
    const char *id;
    const char *owner_id;
    int64_t now;
};

/* The steps of a contract's life that a request can take. */
enum opteryx_contract_step {
    OPTERYX_AMEND = 0, /* until writes begin */
    OPTERYX_ACCEPT,
    OPTERYX_WRITE,
    OPTERYX_COMMIT,
    OPTERYX_ABANDON,
};

/* Whether a state lets a step be taken: FAULT_CONFLICT with the code that says why not. */
MUST_CHECK enum fault opteryx_store_contract_takes(enum opteryx_contract_state state,
                                                   enum opteryx_contract_step step,
                                                   struct problem *why);

/* New columns and ignored names; it must be accepted anew.  fingerprint: of what it is then;
 * before: of what was amended, FAULT_CONFLICT when it is another by now. */
struct opteryx_amendment {
    struct opteryx_contract_at at;
    const char *columns;
    const char *ignored;
    const char *fingerprint;
    const char *before;
};
MUST_CHECK enum fault opteryx_store_contract_amend(struct db *db,
                                                   const struct opteryx_amendment *amendment,
                                                   struct problem *why);

/* FAULT_CONFLICT "proposal_changed" when fingerprint is not its. */
MUST_CHECK enum fault opteryx_store_contract_accept(struct db *db,
                                                    const struct opteryx_contract_at *at,
                                                    const char *fingerprint, struct problem *why);

/* Adds a write; the part gets the next number.  FAULT_TOO_LARGE past OPTERYX_PARTS_MAX writes or
 * bytes_max; "proposal_changed" when fingerprint is not what was accepted when the data came. */
MUST_CHECK enum fault opteryx_store_contract_write(struct db *db,
                                                   const struct opteryx_contract_at *at,
                                                   const struct opteryx_part *part,
                                                   const char *fingerprint, int64_t bytes_max,
                                                   struct problem *why);

/* Gives it up, or, stale, ends it because its dataset has moved; its writes go.  Once more is no
 * fault. */
MUST_CHECK enum fault opteryx_store_contract_end(struct db *db,
                                                 const struct opteryx_contract_at *at, bool stale,
                                                 struct problem *why);

/* One write, as answers show it. */
struct opteryx_written {
    const char *source; /* borrowed for the call; NULL without a name */
    int64_t rows;
    int64_t bytes;
    uint8_t sha256[OPTERYX_SHA256_BYTES];
};

/* Calls each for all writes, in their order. */
MUST_CHECK enum fault opteryx_store_contract_writes(
    struct db *db, const char *id,
    enum fault (*each)(void *ctx, const struct opteryx_written *written, struct problem *why),
    void *ctx, struct problem *why);

#endif
