/*
 * dataset.h - reading back what was committed: datasets, snapshots, files; and going back.
 *
 * Lists are pages of ?limit=N entries behind ?after=X; "next" is the after of the next page, null
 * on the last one.
 */
#ifndef OPTERYX_DATASET_H
#define OPTERYX_DATASET_H

#include "http/exchange.h"

/* GET /v1/datasets?workspace=&collection=: those that the credential's scope covers. */
MUST_CHECK enum fault opteryx_dataset_list(struct exchange *x, struct problem *why);

/* GET /v1/datasets/{dataset}: structure, current snapshot, totals. */
MUST_CHECK enum fault opteryx_dataset_show(struct exchange *x, struct problem *why);

/* GET /v1/datasets/{dataset}/snapshots: the newest first. */
MUST_CHECK enum fault opteryx_dataset_snapshots(struct exchange *x, struct problem *why);

/* GET /v1/datasets/{dataset}/snapshots/{snapshot}: with its structure and its files. */
MUST_CHECK enum fault opteryx_dataset_snapshot(struct exchange *x, struct problem *why);

/* GET /v1/datasets/{dataset}/files/{number}: the bytes; Range, ETag.  With ".parquet" behind the number:
 * dataset_parquet.h. */
MUST_CHECK enum fault opteryx_dataset_file(struct exchange *x, struct problem *why);

/* POST /v1/datasets/{dataset}/rollback with {"snapshot": "<commit id>"}: a new snapshot with the
 * old one's files.  If-Match as for commits. */
MUST_CHECK enum fault opteryx_dataset_rollback(struct exchange *x, struct problem *why);

#endif
