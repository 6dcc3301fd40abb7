#include "db/opteryx_store_dataset.h"

#include <string.h>

static enum fault dataset_row(const struct query *q, struct arena *arena,
                              struct opteryx_dataset *out, struct problem *why)
{
    enum {
        NUMBER,
        SEQUENCE,
        NEXT_FILE,
        STRUCTURE,
        COMMIT_ID,
        FILES,
        ROWS,
        BYTES,
        AT,
        CREATED_AT,
        COLUMNS
    };
    const char *columns = query_column_text(q, COLUMNS);
    *out = (struct opteryx_dataset){
        .number = query_column_int(q, NUMBER),
        .sequence = query_column_int(q, SEQUENCE),
        .next_file = query_column_int(q, NEXT_FILE),
        .structure = query_column_int(q, STRUCTURE),
        .totals = { .files = query_column_int(q, FILES),
                    .rows = query_column_int(q, ROWS),
                    .bytes = query_column_int(q, BYTES) },
        .changed_at = query_column_int(q, AT),
        .created_at = query_column_int(q, CREATED_AT),
    };
    if (!columns || !query_column_copy(q, COMMIT_ID, out->commit_id, sizeof out->commit_id))
        return problem_internal(why, "a dataset's row is damaged");
    if (!arena)
        return FAULT_NONE;
    out->columns = arena_strdup(arena, columns, strlen(columns));
    return out->columns ? FAULT_NONE
                        : problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
}

enum fault opteryx_store_dataset_get(struct db *db, const struct opteryx_target *target,
                                     struct arena *arena, struct opteryx_dataset *out, bool *found,
                                     struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_DATASET_GET);
    query_text(&q, ":workspace", target->workspace);
    query_text(&q, ":collection", target->collection);
    query_text(&q, ":name", target->dataset);
    enum fault f = query_step(&q, &row, why);
    if (!f && row)
        f = dataset_row(&q, arena, out, why);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}
