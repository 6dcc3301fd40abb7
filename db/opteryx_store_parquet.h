/*
 * opteryx_store_parquet.h - files of datasets as Parquet, kept beside the originals.
 */
#ifndef DB_OPTERYX_STORE_PARQUET_H
#define DB_OPTERYX_STORE_PARQUET_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

struct opteryx_parquet {
    int64_t dataset;   /* its row's number */
    int64_t number;    /* of the file */
    int64_t structure; /* sequence of the snapshot whose columns it has */
    struct blob_ref ref;
};

/* The file of parquet->dataset and ->number, if one was made; inside a transaction. */
MUST_CHECK enum fault opteryx_store_parquet_get(struct db *db, struct opteryx_parquet *parquet,
                                                bool *found, struct problem *why);

/* Names the sealed content of a file that was made.  One of the same columns that is there already
 * stays.  FAULT_MISSING "File not found" when the dataset was dropped meanwhile. */
MUST_CHECK enum fault opteryx_store_parquet_put(struct db *db,
                                                const struct opteryx_parquet *parquet,
                                                struct problem *why);

#endif
