/*
 * opteryx_store_internal.h - what the files of the Opteryx store share.  Included within db/ alone.
 */
#ifndef DB_OPTERYX_STORE_INTERNAL_H
#define DB_OPTERYX_STORE_INTERNAL_H

#include "db/opteryx_store.h"

/* As opteryx_store_session_get(), but settles nothing, so that a write transaction may use it.
 * arena may be NULL: then out->answer only tells whether there is one. */
MUST_CHECK enum fault opteryx_store_session_read(struct db *db, const char *id, const char *owner,
                                                 int64_t now, struct arena *arena,
                                                 struct opteryx_session *out, struct problem *why);

/* Ends a transaction that decided on what somebody else has committed: takes it back and makes
 * that durable before the caller may say so.  Returns f, or the fault of the settling. */
MUST_CHECK enum fault opteryx_store_decline(struct db *db, enum fault f, struct problem *why);

#endif
