#include "db/opteryx_store_parquet.h"

#include "db/blob_rows.h"
#include "db/opteryx_store_dataset.h"

enum fault opteryx_store_parquet_get(struct db *db, struct opteryx_parquet *parquet, bool *found,
                                     struct problem *why)
{
    enum { STRUCTURE, REF };
    struct query q = query_for(db, STMT_OPTERYX_PARQUET_GET);
    query_int(&q, ":dataset", parquet->dataset);
    query_int(&q, ":number", parquet->number);
    const enum fault f = query_step(&q, found, why);
    if (!f && *found) {
        parquet->structure = query_column_int(&q, STRUCTURE);
        parquet->ref = blob_rows_ref(&q, REF);
        query_done(&q);
    }
    return f;
}

static enum fault put(struct db *db, void *ctx, struct problem *why)
{
    const struct opteryx_parquet *parquet = ctx;
    struct opteryx_parquet present = *parquet;
    struct opteryx_file file = { .number = 0 };
    int64_t blob = 0;
    bool found = false;
    enum fault f =
        opteryx_store_dataset_file(db, parquet->dataset, parquet->number, NULL, &file, why);
    if (!f)
        f = opteryx_store_parquet_get(db, &present, &found, why);
    if (f || (found && present.structure == parquet->structure))
        return f;
    f = blob_rows_add(db, &parquet->ref, &blob, why);
    if (f)
        return f;
    struct query q = query_for(db, STMT_OPTERYX_PARQUET_PUT);
    query_int(&q, ":dataset", parquet->dataset);
    query_int(&q, ":number", parquet->number);
    query_int(&q, ":structure", parquet->structure);
    query_int(&q, ":blob", blob);
    return query_run(&q, NULL, why);
}

enum fault opteryx_store_parquet_put(struct db *db, const struct opteryx_parquet *parquet,
                                     struct problem *why)
{
    struct opteryx_parquet made = *parquet;
    return db_write(db, put, &made, why);
}
