/*
 * pinot_store_config.h - schemas and table configs.
 */
#ifndef DB_PINOT_STORE_CONFIG_H
#define DB_PINOT_STORE_CONFIG_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PINOT_TABLES_OF_NAME = 2 }; /* an OFFLINE and a REALTIME table share a schema */

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

/* ---- writing: a schema and the tables that it serves, in one transaction ---- */

/* What is there before a write.  Borrowed until the callback returns. */
struct pinot_configs_there {
    const char *schema; /* JSON; NULL: none */
    struct {
        bool there;
        char time_column[NAME_MAX_BYTES]; /* "": none */
    } tables[PINOT_TABLES_OF_NAME];       /* OFFLINE, REALTIME */
};

struct pinot_configs {
    const char *raw;    /* the schema's name and the tables' raw name */
    const char *schema; /* JSON to be written; NULL: it stays */
    const struct pinot_table *tables[PINOT_TABLES_OF_NAME]; /* to be written; NULL: it stays */
    int64_t now;
    void *ctx;
    /* Decides on what is there; its fault refuses the write.  It may be called more than once. */
    enum fault (*decide)(void *ctx, const struct pinot_configs_there *there, struct problem *why);
};

/* Adds or replaces the schema and the tables that are given; the faults of decide. */
MUST_CHECK enum fault pinot_store_configs_put(struct db *db, const struct pinot_configs *configs,
                                              struct problem *why);

/* The same without the writing: only what decide says of what is there. */
MUST_CHECK enum fault pinot_store_configs_look(struct db *db, const struct pinot_configs *configs,
                                               struct problem *why);

/* ---- tables ---- */

/* Copies are put into arena.  *found is false when there is none. */
MUST_CHECK enum fault pinot_store_table_get(struct db *db, const char *name, struct arena *arena,
                                            struct pinot_table *out, bool *found,
                                            struct problem *why);

/* Calls each for the tables by full name. */
MUST_CHECK enum fault pinot_store_table_list(struct db *db, pinot_name_each each, void *ctx,
                                             struct problem *why);

/* Deletes a table that has no segments any more (pinot_store_delete_all() before); *gone is false
 * when a push came between, and true when there is no such table. */
MUST_CHECK enum fault pinot_store_table_delete(struct db *db, const char *name, bool *gone,
                                               struct problem *why);

/* ---- schemas ---- */

/* *config is NULL when there is none. */
MUST_CHECK enum fault pinot_store_schema_get(struct db *db, const char *name, struct arena *arena,
                                             const char **config, struct problem *why);

MUST_CHECK enum fault pinot_store_schema_list(struct db *db, pinot_name_each each, void *ctx,
                                              struct problem *why);

/* What became of a schema that was to be deleted. */
struct pinot_schema_deletion {
    bool found;
    char table[NAME_MAX_BYTES]; /* that needs it, so that it stays; "" when none does */
};

MUST_CHECK enum fault pinot_store_schema_delete(struct db *db, const char *name,
                                                struct pinot_schema_deletion *out,
                                                struct problem *why);

#endif
