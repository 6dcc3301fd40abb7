/*
 * pinot_table_store.h - schemas and table configs.
 */
#ifndef DB_PINOT_TABLE_STORE_H
#define DB_PINOT_TABLE_STORE_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

struct pinot_table {
    int64_t id;
    const char *name;        /* full: "mydb.events_OFFLINE" */
    const char *raw;         /* "mydb.events"; also its schema's name */
    const char *type;        /* "OFFLINE" or "REALTIME" */
    const char *config;      /* JSON, whole */
    const char *time_column; /* NULL: segments need no interval */
    const char *quota_text;  /* the storage quota as configured; NULL: none */
    bool time_check;
    int64_t replication;
    int64_t quota_bytes;    /* of one replica; negative: no quota */
    int64_t quota_segments; /* negative: no quota */
    int64_t deleted_keep_ms;
    int64_t segments; /* counters; ignored when a table is written */
    int64_t bytes;
};

/* Takes one name of a list; borrowed.  Called while the database is being read: it must not reply. */
typedef enum fault (*pinot_name_each)(void *ctx, const char *name, const char *raw,
                                      struct problem *why);

/* Copies are put into arena.  *found is false when there is none. */
MUST_CHECK enum fault pinot_table_get(struct db *db, const char *name, struct arena *arena,
                                      struct pinot_table *out, bool *found, struct problem *why);

/* Adds a table.  FAULT_MALFORMED without its schema, FAULT_CONFLICT when it exists. */
MUST_CHECK enum fault pinot_table_add(struct db *db, const struct pinot_table *table, int64_t now,
                                      struct problem *why);

/* Replaces the config.  FAULT_MISSING when there is no such table. */
MUST_CHECK enum fault pinot_table_update(struct db *db, const struct pinot_table *table,
                                         int64_t now, struct problem *why);

/* Calls each for the tables by full name. */
MUST_CHECK enum fault pinot_table_list(struct db *db, pinot_name_each each, void *ctx,
                                       struct problem *why);

/* Deletes a table that has no segments any more (pinot_segment_delete_all() before); *gone is
 * false when a push came between, and FAULT_NONE with *gone when there is no such table. */
MUST_CHECK enum fault pinot_table_delete(struct db *db, const char *name, bool *gone,
                                         struct problem *why);

/* Adds or replaces.  override false: FAULT_CONFLICT when it exists.  must_exist: FAULT_MISSING when
 * it does not. */
MUST_CHECK enum fault pinot_schema_put(struct db *db, const char *name, const char *config,
                                       bool override, bool must_exist, int64_t now,
                                       struct problem *why);

/* *config is NULL when there is none. */
MUST_CHECK enum fault pinot_schema_get(struct db *db, const char *name, struct arena *arena,
                                       const char **config, struct problem *why);

MUST_CHECK enum fault pinot_schema_list(struct db *db, pinot_name_each each, void *ctx,
                                        struct problem *why);

/* FAULT_MISSING when there is none, FAULT_CONFLICT while a table needs it. */
MUST_CHECK enum fault pinot_schema_delete(struct db *db, const char *name, struct problem *why);

#endif
