/*
 * opteryx_store_internal.h - what the files of the Opteryx store share, inside of a write
 * transaction.  Included within db/ alone.
 */
#ifndef DB_OPTERYX_STORE_INTERNAL_H
#define DB_OPTERYX_STORE_INTERNAL_H

#include "db/opteryx_store.h"

/* The row of a new session. */
MUST_CHECK enum fault opteryx_store_session_insert(struct db *db,
                                                   const struct opteryx_session *session,
                                                   struct problem *why);

/* Something of an open session changed, its parts by that many bytes: its revision grows.
 * FAULT_CONFLICT when it is committed. */
MUST_CHECK enum fault opteryx_store_session_revise(struct db *db, const char *id, int64_t bytes,
                                                   bool merged, struct problem *why);

/* The rows of a part and of its content. */
MUST_CHECK enum fault opteryx_store_part_write(struct db *db, const char *session,
                                               const struct opteryx_part *part,
                                               struct problem *why);

MUST_CHECK enum fault opteryx_store_parts_drop(struct db *db, const char *session,
                                               struct problem *why);

/* Puts a contract into a state; snapshot: of the commit that it became, or NULL. */
MUST_CHECK enum fault opteryx_store_contract_move(struct db *db, const char *id, const char *state,
                                                  const char *snapshot, struct problem *why);

#endif
