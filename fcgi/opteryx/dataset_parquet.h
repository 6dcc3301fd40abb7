/*
 * dataset_parquet.h - a file of a dataset as Parquet, with the dataset's columns and types.
 */
#ifndef OPTERYX_DATASET_PARQUET_H
#define OPTERYX_DATASET_PARQUET_H

#include "http/exchange.h"

#include <stdint.h>

/* GET /v1/datasets/{dataset}/files/{number}.parquet.  What was uploaded as Parquet is sent as it
 * came.  Others are converted when somebody first asks, and again when the dataset's columns have
 * changed since; the result is kept beside the original.  FAULT_CONFLICT names the row and the column
 * that cannot be converted; the original can be read all the same. */
MUST_CHECK enum fault opteryx_dataset_parquet(struct exchange *x, int64_t number,
                                              struct problem *why);

#endif
