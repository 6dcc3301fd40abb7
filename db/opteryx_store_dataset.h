/*
 * opteryx_store_dataset.h - datasets, their snapshots and files, as they are read back.
 */
#ifndef DB_OPTERYX_STORE_DATASET_H
#define DB_OPTERYX_STORE_DATASET_H

#include "db/opteryx_store.h"

/* Where the files of a snapshot lie: in a range of numbers, and in those of the snapshot that it is
 * based on. */
struct opteryx_ranges {
    int64_t first_file;
    int64_t next_file; /* up to, but not with, this */
    int64_t as_of;     /* without the files with a removed_in up to this */
    int64_t base;      /* sequence of a snapshot whose files are numbered below; 0: none */
    int64_t count;     /* of ranges, with those of base */
};

struct opteryx_dataset {
    int64_t number; /* the row's */
    int64_t sequence;
    struct opteryx_ranges ranges; /* of the current snapshot */
    int64_t next_file;            /* the number that the next file gets */
    int64_t structure;            /* sequence of the snapshot that brought its columns */
    char structure_id[OPTERYX_COMMIT_ID_MAX]; /* and its commit id, which no other dataset has */
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

/* One line of the list of datasets. */
struct opteryx_listed {
    struct opteryx_target target;
    char commit_id[OPTERYX_COMMIT_ID_MAX];
    struct opteryx_totals totals;
    int64_t changed_at;
};

/* Calls each for the datasets behind after, by name, until it sets *enough. */
MUST_CHECK enum fault
opteryx_store_dataset_list(struct db *db, const struct opteryx_target *after,
                           enum fault (*each)(void *ctx, const struct opteryx_listed *listed,
                                              bool *enough, struct problem *why),
                           void *ctx, struct problem *why);

/* Texts are borrowed, from the row where each is called, from the arena elsewhere. */
struct opteryx_snapshot {
    int64_t sequence;
    char commit_id[OPTERYX_COMMIT_ID_MAX];
    const char *parent; /* NULL for the first */
    int64_t structure;
    const char *operation; /* "create", "append", "overwrite", "rollback" */
    const char *message;   /* may be NULL */
    const char *author;
    int64_t at;
    int64_t files_added;
    int64_t files_removed;
    int64_t rows_added;
    int64_t rows_removed;
    struct opteryx_totals totals;
    struct opteryx_ranges ranges;
};

/* Calls each for a dataset's snapshots before a sequence, the newest first, at most most, until it
 * sets *enough. */
MUST_CHECK enum fault opteryx_store_dataset_snapshots(
    struct db *db, int64_t dataset, int64_t before, int64_t most,
    enum fault (*each)(void *ctx, const struct opteryx_snapshot *snapshot, bool *enough,
                       struct problem *why),
    void *ctx, struct problem *why);

/* FAULT_MISSING "Snapshot not found". */
MUST_CHECK enum fault opteryx_store_dataset_snapshot(struct db *db, int64_t dataset,
                                                     const char *commit_id, struct arena *arena,
                                                     struct opteryx_snapshot *out,
                                                     struct problem *why);

/* The range of a snapshot that others are based on, and what it holds. */
MUST_CHECK enum fault opteryx_store_dataset_range(struct db *db, int64_t dataset, int64_t sequence,
                                                  struct opteryx_ranges *ranges,
                                                  struct opteryx_totals *totals,
                                                  struct problem *why);

/* The JSON of a structure's columns, in the arena. */
MUST_CHECK enum fault opteryx_store_dataset_columns(struct db *db, int64_t dataset,
                                                    int64_t structure, struct arena *arena,
                                                    const char **out, struct problem *why);

struct opteryx_file {
    int64_t number;
    const char *name; /* as uploaded; may be NULL; borrowed as above */
    const char *kind;
    int64_t rows;
    int64_t bytes;
    uint8_t sha256[OPTERYX_SHA256_BYTES];
    struct blob_ref ref; /* of opteryx_store_dataset_file() alone */
};

/* A page of the files of one snapshot. */
struct opteryx_files {
    struct arena *arena; /* 40 bytes a range */
    int64_t dataset;
    const struct opteryx_snapshot *snapshot;
    int64_t after; /* numbers past it */
    int64_t most;
};

/* Calls each for the files of a page, by number, until it sets *enough. */
MUST_CHECK enum fault
opteryx_store_dataset_files(struct db *db, const struct opteryx_files *page,
                            enum fault (*each)(void *ctx, const struct opteryx_file *file,
                                               bool *enough, struct problem *why),
                            void *ctx, struct problem *why);

/* A file that is or was in the dataset; FAULT_MISSING "File not found".  arena NULL: without its name and
 * kind. */
MUST_CHECK enum fault opteryx_store_dataset_file(struct db *db, int64_t dataset, int64_t number,
                                                 struct arena *arena, struct opteryx_file *out,
                                                 struct problem *why);

/* A new snapshot with the files and the structure of an old one; none when the current snapshot has
 * them already.  No row of a file is written. */
struct opteryx_rollback {
    const struct opteryx_target *target;
    const char *to;       /* commit id of the old snapshot */
    const char *id;       /* of the new one */
    const char *if_match; /* as in struct opteryx_commit */
    const char *author;
    int64_t now;
};

/* commit_id: of the current snapshot afterwards.  FAULT_MISSING when the dataset or the old snapshot
 * does not exist, FAULT_PRECONDITION. */
MUST_CHECK enum fault opteryx_store_dataset_rollback(struct db *db,
                                                     const struct opteryx_rollback *rollback,
                                                     char commit_id[OPTERYX_COMMIT_ID_MAX],
                                                     struct problem *why);

/* Takes a dataset's name away, so that nobody finds it any more; its rows are left for
 * opteryx_store_dropped_sweep().  FAULT_MISSING when there is none. */
MUST_CHECK enum fault opteryx_store_dataset_drop(struct db *db, const struct opteryx_target *target,
                                                 struct problem *why);

/* Deletes a piece of the rows of dropped datasets, in a transaction of its own; *more is false when
 * there was none.  Their bytes are the sweeper's. */
MUST_CHECK enum fault opteryx_store_dropped_sweep(struct db *db, bool *more, struct problem *why);

#endif
