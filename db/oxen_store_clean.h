/*
 * oxen_store_clean.h - taking versions and repositories out again.
 */
#ifndef DB_OXEN_STORE_CLEAN_H
#define DB_OXEN_STORE_CLEAN_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/db.h"
#include "db/oxen_store.h"

#include <stdbool.h>
#include <stdint.h>

struct oxen_clean_version {
    uint8_t hash[OXEN_KEY_BYTES];
    struct blob_ref ref;
};

/* The version behind a hash in their order; after NULL: the first.  *found is false at the end. */
MUST_CHECK enum fault oxen_store_clean_version_next(struct db *db, int64_t repository,
                                                    const uint8_t *after,
                                                    struct oxen_clean_version *out, bool *found,
                                                    struct problem *why);

/* Takes a version out if it still lies where version says. */
MUST_CHECK enum fault oxen_store_clean_version_drop(struct db *db, int64_t repository,
                                                    const struct oxen_clean_version *version,
                                                    bool *taken, struct problem *why);

/* Takes a repository's name away: nobody finds it any more, and uploads into it fail.
 * FAULT_MISSING when it has none. */
MUST_CHECK enum fault oxen_store_clean_repository_retire(struct db *db, int64_t repository,
                                                         struct problem *why);

/* Takes out a bounded piece of what retired repositories hold, in one short transaction; *more is
 * false when none is left. */
MUST_CHECK enum fault oxen_store_clean_retired_piece(struct db *db, bool *more,
                                                     struct problem *why);

/* Takes out uploads in parts that nobody touched since before, a bounded number in one short
 * transaction, and adds how many to *count; *more is false when none is left. */
MUST_CHECK enum fault oxen_store_clean_uploads_piece(struct db *db, int64_t before, int64_t *count,
                                                     bool *more, struct problem *why);

/* How many there are. */
MUST_CHECK enum fault oxen_store_clean_uploads_count(struct db *db, int64_t before, int64_t *count,
                                                     struct problem *why);

#endif
