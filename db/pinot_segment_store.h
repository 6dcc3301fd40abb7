/*
 * pinot_segment_store.h - segments that are there: looked up, listed by pieces, deleted.
 */
#ifndef DB_PINOT_SEGMENT_STORE_H
#define DB_PINOT_SEGMENT_STORE_H

#include "base/arena.h"
#include "base/blob_ref.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row.  Texts are borrowed until the callback returns, or in the arena that was given. */
struct pinot_segment_row {
    const char *name;
    const char *start_raw; /* NULL: not known */
    const char *end_raw;
    const char *url;
    const char *custom; /* NULL: none */
    int64_t crc;
    int64_t data_crc; /* negative: none */
    int64_t created_at;
    int64_t pushed_at;
    int64_t refreshed_at; /* negative: never */
    int64_t start_at;     /* when has_interval */
    int64_t end_at;
    int64_t docs;
    int64_t index_version;
    int64_t bytes; /* negative: not known */
    bool has_interval;
    bool has_blob;
    struct blob_ref blob;
};

/* Called while the database is being read: it must not reply. */
typedef enum fault (*pinot_segment_each)(void *ctx, const struct pinot_segment_row *row,
                                         struct problem *why);

/* One segment of a table (its id).  *found is false when there is none. */
MUST_CHECK enum fault pinot_segment_get(struct db *db, int64_t table, const char *name,
                                        struct arena *arena, struct pinot_segment_row *out,
                                        bool *found, struct problem *why);

/* Calls each for at most limit segments by name, behind last; last is then the last one's name, ""
 * when there are no more.  A segment that is there all the time is seen once, however others come
 * and go. */
MUST_CHECK enum fault pinot_segment_page(struct db *db, int64_t table, char last[NAME_MAX_BYTES],
                                         int64_t limit, pinot_segment_each each, void *ctx,
                                         struct problem *why);

/* The same with nothing but the name set, answered by the index alone. */
MUST_CHECK enum fault pinot_segment_names(struct db *db, int64_t table, char last[NAME_MAX_BYTES],
                                          int64_t limit, pinot_segment_each each, void *ctx,
                                          struct problem *why);

/* Deletes the named segments of a table (full name) in one transaction; names that are not there are
 * passed over.  Copies are kept for keep_ms, but no longer than the
 * table says, which is also what a negative number means.  FAULT_MISSING when there
 * is no such table. */
MUST_CHECK enum fault pinot_segment_delete(struct db *db, const char *table,
                                           const char *const *names, size_t count, int64_t keep_ms,
                                           int64_t now, struct problem *why);

/* Deletes all segments of a table, by transactions of a bounded size. */
MUST_CHECK enum fault pinot_segment_delete_all(struct db *db, const char *table, int64_t keep_ms,
                                               int64_t now, struct problem *why);

/* Lets go of copies of deleted segments whose retention is over, at most a thousand of them; inside
 * a write transaction.  Every delete and every push does it. */
MUST_CHECK enum fault pinot_deleted_expire(struct db *db, int64_t now, struct problem *why);

#endif
