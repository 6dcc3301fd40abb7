/*
 * opteryx_store_dataset.h - datasets, their snapshots and files, as they are read back.
 */
#ifndef DB_OPTERYX_STORE_DATASET_H
#define DB_OPTERYX_STORE_DATASET_H

#include "db/opteryx_store.h"

struct opteryx_dataset {
    int64_t number; /* the row's */
    int64_t sequence;
    int64_t next_file;
    int64_t structure; /* sequence of the snapshot that brought its columns */
    char commit_id[OPTERYX_COMMIT_ID_MAX];
    struct opteryx_totals totals;
    int64_t changed_at;
    int64_t created_at;
    const char *columns; /* JSON, in the arena */
};

/* *found is false when there is no such dataset.  arena may be NULL: out->columns is then, too. */
MUST_CHECK enum fault opteryx_store_dataset_get(struct db *db, const struct opteryx_target *target,
                                                struct arena *arena, struct opteryx_dataset *out,
                                                bool *found, struct problem *why);

#endif
