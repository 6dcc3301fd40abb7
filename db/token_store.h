/*
 * token_store.h - the credentials: who may do what, where, until when.
 */
#ifndef DB_TOKEN_STORE_H
#define DB_TOKEN_STORE_H

#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKEN_HASH_BYTES = 32, TOKEN_ID_MAX = 24 };

struct token_row {
    char id[TOKEN_ID_MAX]; /* public, part of the token's text */
    char name[NAME_MAX_BYTES];
    uint8_t hash[TOKEN_HASH_BYTES]; /* SHA-256 of the secret */
    char rights[NAME_MAX_BYTES];    /* as auth.h writes them: "pinot:write,oxen:read" */
    char scope[NAME_MAX_BYTES];     /* pattern over tables, workspaces or repositories */
    int64_t created_at;
    int64_t expires_at; /* 0: never */
};

/* Durable when this returns, like the refusals.  FAULT_CONFLICT when a token of that name exists. */
MUST_CHECK enum fault token_store_add(struct db *db, const struct token_row *row,
                                      struct problem *why);

/* *found is false for an unknown id. */
MUST_CHECK enum fault token_store_get(struct db *db, const char *id, struct token_row *out,
                                      bool *found, struct problem *why);

/* Calls each for every token, by name. */
MUST_CHECK enum fault token_store_list(struct db *db,
                                       enum fault (*each)(void *ctx, const struct token_row *row,
                                                          struct problem *why),
                                       void *ctx, struct problem *why);

/* The same.  FAULT_MISSING when there is none of that name. */
MUST_CHECK enum fault token_store_revoke(struct db *db, const char *name, struct problem *why);

#endif
