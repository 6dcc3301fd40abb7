/*
 * pinot_store_segment.h - segments that are there: looked up, and listed by pieces.
 */
#ifndef DB_PINOT_STORE_SEGMENT_H
#define DB_PINOT_STORE_SEGMENT_H

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
    const char *custom;     /* NULL: none */
    const char *partitions; /* JSON; NULL: not partitioned */
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
MUST_CHECK enum fault pinot_store_segment_get(struct db *db, int64_t table, const char *name,
                                              struct arena *arena, struct pinot_segment_row *out,
                                              bool *found, struct problem *why);

/* Which segments of a table (its id) a list has: with those that a replacement hides, or without. */
struct pinot_segment_list {
    int64_t table;
    bool hidden;
};

/* Calls each for at most limit segments by name, behind last; last is then the last one's name, ""
 * when there are no more.  A segment that is there all the time is seen once, however others come
 * and go. */
MUST_CHECK enum fault pinot_store_segment_page(struct db *db, const struct pinot_segment_list *list,
                                               char last[NAME_MAX_BYTES], int64_t limit,
                                               pinot_segment_each each, void *ctx,
                                               struct problem *why);

/* The same with nothing but the name set, answered by the index alone. */
MUST_CHECK enum fault pinot_store_segment_names(struct db *db,
                                                const struct pinot_segment_list *list,
                                                char last[NAME_MAX_BYTES], int64_t limit,
                                                pinot_segment_each each, void *ctx,
                                                struct problem *why);

#endif
