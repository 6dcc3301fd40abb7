#include "db/opteryx_store_dataset.h"

#include "db/blob_rows.h"

#include <string.h>

static enum fault dataset_row(const struct query *q, struct arena *arena,
                              struct opteryx_dataset *out, struct problem *why)
{
    enum {
        NUMBER,
        SEQUENCE,
        NEXT_FILE,
        FIRST_FILE,
        STRUCTURE,
        STRUCTURE_ID,
        COMMIT_ID,
        FILES,
        ROWS,
        BYTES,
        AT,
        CREATED_AT,
        RANGE_END,
        AS_OF,
        BASE,
        RANGES,
        COLUMNS
    };
    *out = (struct opteryx_dataset){
        .number = query_column_int(q, NUMBER),
        .sequence = query_column_int(q, SEQUENCE),
        .ranges = { .first_file = query_column_int(q, FIRST_FILE),
                    .next_file = query_column_int(q, RANGE_END),
                    .as_of = query_column_int(q, AS_OF),
                    .base = query_column_int(q, BASE),
                    .count = query_column_int(q, RANGES) },
        .next_file = query_column_int(q, NEXT_FILE),
        .structure = query_column_int(q, STRUCTURE),
        .totals = { .files = query_column_int(q, FILES),
                    .rows = query_column_int(q, ROWS),
                    .bytes = query_column_int(q, BYTES) },
        .changed_at = query_column_int(q, AT),
        .created_at = query_column_int(q, CREATED_AT),
    };
    if (!query_column_copy(q, COMMIT_ID, out->commit_id, sizeof out->commit_id) ||
        !query_column_copy(q, STRUCTURE_ID, out->structure_id, sizeof out->structure_id))
        return problem_internal(why, "a dataset's row is damaged");
    if (!arena)
        return FAULT_NONE; /* columns may be long; they are not even read */
    const char *columns = query_column_text(q, COLUMNS);
    if (!columns)
        return problem_internal(why, "a dataset has no columns");
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

static enum fault no_memory(struct problem *why)
{
    return problem_set(why, FAULT_TOO_LARGE, "the answer takes too much memory");
}

/* ---- the list ---- */

static enum fault listed_row(const struct query *q, struct opteryx_listed *out, struct problem *why)
{
    enum { WORKSPACE, COLLECTION, NAME, COMMIT_ID, FILES, ROWS, BYTES, AT };
    out->totals = (struct opteryx_totals){ .files = query_column_int(q, FILES),
                                           .rows = query_column_int(q, ROWS),
                                           .bytes = query_column_int(q, BYTES) };
    out->changed_at = query_column_int(q, AT);
    if (!query_column_copy(q, WORKSPACE, out->target.workspace, sizeof out->target.workspace) ||
        !query_column_copy(q, COLLECTION, out->target.collection, sizeof out->target.collection) ||
        !query_column_copy(q, NAME, out->target.dataset, sizeof out->target.dataset) ||
        !query_column_copy(q, COMMIT_ID, out->commit_id, sizeof out->commit_id))
        return problem_internal(why, "a dataset's row does not fit");
    return FAULT_NONE;
}

enum fault opteryx_store_dataset_list(struct db *db, const struct opteryx_target *after,
                                      enum fault (*each)(void *ctx,
                                                         const struct opteryx_listed *listed,
                                                         bool *enough, struct problem *why),
                                      void *ctx, struct problem *why)
{
    bool row = false;
    bool enough = false;
    struct query q = query_for(db, STMT_OPTERYX_DATASET_LIST);
    query_text(&q, ":workspace", after->workspace);
    query_text(&q, ":collection", after->collection);
    query_text(&q, ":name", after->dataset);
    enum fault f = query_step(&q, &row, why);
    while (!f && row && !enough) {
        struct opteryx_listed listed = { .changed_at = 0 };
        f = listed_row(&q, &listed, why);
        if (!f)
            f = each(ctx, &listed, &enough, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* ---- snapshots ---- */

static enum fault snapshot_row(const struct query *q, struct opteryx_snapshot *out,
                               struct problem *why)
{
    enum { SEQUENCE, COMMIT_ID, PARENT, STRUCTURE, OPERATION, MESSAGE, AUTHOR, AT };
    enum { FILES_ADDED = AT + 1, FILES_REMOVED, ROWS_ADDED, ROWS_REMOVED, FILES, ROWS, BYTES };
    enum { FIRST_FILE = BYTES + 1, NEXT_FILE, AS_OF, BASE, RANGES };
    *out = (struct opteryx_snapshot){
        .sequence = query_column_int(q, SEQUENCE),
        .parent = query_column_text(q, PARENT),
        .structure = query_column_int(q, STRUCTURE),
        .operation = query_column_text(q, OPERATION),
        .message = query_column_text(q, MESSAGE),
        .author = query_column_text(q, AUTHOR),
        .at = query_column_int(q, AT),
        .files_added = query_column_int(q, FILES_ADDED),
        .files_removed = query_column_int(q, FILES_REMOVED),
        .rows_added = query_column_int(q, ROWS_ADDED),
        .rows_removed = query_column_int(q, ROWS_REMOVED),
        .totals = { .files = query_column_int(q, FILES),
                    .rows = query_column_int(q, ROWS),
                    .bytes = query_column_int(q, BYTES) },
        .ranges = { .first_file = query_column_int(q, FIRST_FILE),
                    .next_file = query_column_int(q, NEXT_FILE),
                    .as_of = query_column_int(q, AS_OF),
                    .base = query_column_int(q, BASE),
                    .count = query_column_int(q, RANGES) },
    };
    if (!query_column_copy(q, COMMIT_ID, out->commit_id, sizeof out->commit_id))
        return problem_internal(why, "a snapshot's id does not fit");
    return FAULT_NONE;
}

enum fault
opteryx_store_dataset_snapshots(struct db *db, int64_t dataset, int64_t before, int64_t most,
                                enum fault (*each)(void *ctx, const struct opteryx_snapshot *s,
                                                   bool *enough, struct problem *why),
                                void *ctx, struct problem *why)
{
    bool row = false;
    bool enough = false;
    struct query q = query_for(db, STMT_OPTERYX_SNAPSHOT_LIST);
    query_int(&q, ":dataset", dataset);
    query_int(&q, ":before", before);
    query_int(&q, ":most", most);
    enum fault f = query_step(&q, &row, why);
    while (!f && row && !enough) {
        struct opteryx_snapshot snapshot = { .sequence = 0 };
        f = snapshot_row(&q, &snapshot, why);
        if (!f)
            f = each(ctx, &snapshot, &enough, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

/* Moves a borrowed text into the arena; true also for NULL. */
static bool keep(struct arena *arena, const char **text)
{
    if (*text) {
        *text = arena_strdup(arena, *text, strlen(*text));
        return *text != NULL;
    }
    return true;
}

enum fault opteryx_store_dataset_snapshot(struct db *db, int64_t dataset, const char *commit_id,
                                          struct arena *arena, struct opteryx_snapshot *out,
                                          struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_SNAPSHOT_GET);
    query_int(&q, ":dataset", dataset);
    query_text(&q, ":commit_id", commit_id);
    enum fault f = query_step(&q, &row, why);
    if (!f && !row)
        f = problem_set(why, FAULT_MISSING, "Snapshot not found");
    if (!f)
        f = snapshot_row(&q, out, why);
    if (!f && (!keep(arena, &out->parent) || !keep(arena, &out->operation) ||
               !keep(arena, &out->message) || !keep(arena, &out->author)))
        f = no_memory(why);
    query_done(&q);
    return f;
}

enum fault opteryx_store_dataset_columns(struct db *db, int64_t dataset, int64_t structure,
                                         struct arena *arena, const char **out, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_STRUCTURE_GET);
    query_int(&q, ":dataset", dataset);
    query_int(&q, ":structure", structure);
    enum fault f = query_step(&q, &row, why);
    const char *columns = !f && row ? query_column_text(&q, 0) : NULL;
    if (!f && !columns)
        f = problem_internal(why, "a snapshot has no structure");
    if (!f && !keep(arena, &columns))
        f = no_memory(why);
    if (!f)
        *out = columns;
    query_done(&q);
    return f;
}

/* ---- files ---- */

enum fault opteryx_store_dataset_range(struct db *db, int64_t dataset, int64_t sequence,
                                       struct opteryx_ranges *ranges, struct opteryx_totals *totals,
                                       struct problem *why)
{
    enum { SEQUENCE, FIRST_FILE, NEXT_FILE, AS_OF, BASE, FILES, ROWS, BYTES };
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_RANGE_GET);
    query_int(&q, ":dataset", dataset);
    query_int(&q, ":sequence", sequence);
    enum fault f = query_step(&q, &row, why);
    if (!f && (!row || query_column_int(&q, BASE) >= sequence))
        f = problem_internal(why, "a snapshot is based on one that is not there");
    if (!f) {
        *ranges = (struct opteryx_ranges){ .first_file = query_column_int(&q, FIRST_FILE),
                                           .next_file = query_column_int(&q, NEXT_FILE),
                                           .as_of = query_column_int(&q, AS_OF),
                                           .base = query_column_int(&q, BASE) };
        *totals = (struct opteryx_totals){ .files = query_column_int(&q, FILES),
                                           .rows = query_column_int(&q, ROWS),
                                           .bytes = query_column_int(&q, BYTES) };
    }
    query_done(&q);
    return f;
}

enum { NUMBER, FILE_NAME, KIND, FILE_ROWS, FILE_BYTES, SHA256, REF_FILE };

static enum fault file_row(const struct query *q, struct opteryx_file *out, struct problem *why)
{
    size_t len = 0;
    const void *sha256 = query_column_blob(q, SHA256, &len);
    *out = (struct opteryx_file){ .number = query_column_int(q, NUMBER),
                                  .name = query_column_text(q, FILE_NAME),
                                  .kind = query_column_text(q, KIND),
                                  .rows = query_column_int(q, FILE_ROWS),
                                  .bytes = query_column_int(q, FILE_BYTES) };
    if (!sha256 || len != sizeof out->sha256)
        return problem_internal(why, "a file's digest is damaged");
    memcpy(out->sha256, sha256, len);
    return FAULT_NONE;
}

/* The chain of a snapshot's ranges, the lowest first, into the arena. */
static enum fault ranges_read(struct db *db, const struct opteryx_files *page,
                              struct opteryx_ranges **list, size_t *count, struct problem *why)
{
    struct opteryx_totals totals = { .files = 0 };
    enum fault f = FAULT_NONE;
    *count = (size_t)page->snapshot->ranges.count;
    *list = arena_alloc(page->arena, *count * sizeof **list);
    if (!*list)
        return no_memory(why);
    (*list)[*count - 1] = page->snapshot->ranges;
    for (size_t i = *count - 1; !f && i > 0; i--)
        f = opteryx_store_dataset_range(db, page->dataset, (*list)[i].base, &(*list)[i - 1],
                                        &totals, why);
    return f;
}

/* What remains of a page while its ranges are walked through. */
struct files_walk {
    enum fault (*each)(void *ctx, const struct opteryx_file *file, bool *enough,
                       struct problem *why);
    void *ctx;
    int64_t dataset;
    int64_t after;
    int64_t left;
    bool enough;
};

static enum fault range_walk(struct db *db, const struct opteryx_ranges *range,
                             struct files_walk *walk, struct problem *why)
{
    bool row = false;
    const int64_t before = range->first_file - 1;
    struct query q = query_for(db, STMT_OPTERYX_FILE_LIST);
    query_int(&q, ":dataset", walk->dataset);
    query_int(&q, ":as_of", range->as_of);
    query_int(&q, ":after", walk->after > before ? walk->after : before);
    query_int(&q, ":end", range->next_file);
    query_int(&q, ":most", walk->left);
    enum fault f = query_step(&q, &row, why);
    while (!f && row && !walk->enough) {
        struct opteryx_file file = { .number = 0 };
        f = file_row(&q, &file, why);
        if (!f)
            f = walk->each(walk->ctx, &file, &walk->enough, why);
        walk->left--;
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

enum fault opteryx_store_dataset_files(struct db *db, const struct opteryx_files *page,
                                       enum fault (*each)(void *ctx,
                                                          const struct opteryx_file *file,
                                                          bool *enough, struct problem *why),
                                       void *ctx, struct problem *why)
{
    struct files_walk walk = {
        .each = each, .ctx = ctx, .dataset = page->dataset, .after = page->after, .left = page->most
    };
    struct opteryx_ranges *ranges = NULL;
    size_t count = 0;
    enum fault f = ranges_read(db, page, &ranges, &count, why);
    for (size_t i = 0; !f && i < count && walk.left > 0 && !walk.enough; i++) {
        if (ranges[i].next_file > page->after + 1)
            f = range_walk(db, &ranges[i], &walk, why);
    }
    return f;
}

enum fault opteryx_store_dataset_file(struct db *db, int64_t dataset, int64_t number,
                                      struct arena *arena, struct opteryx_file *out,
                                      struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_OPTERYX_FILE_GET);
    query_int(&q, ":dataset", dataset);
    query_int(&q, ":number", number);
    enum fault f = query_step(&q, &row, why);
    if (!f && !row)
        f = problem_set(why, FAULT_MISSING, "File not found");
    if (!f)
        f = file_row(&q, out, why);
    if (!f) {
        out->ref = blob_rows_ref(&q, REF_FILE);
        if (!arena)
            out->name = out->kind = NULL;
        else if (!keep(arena, &out->name) || !keep(arena, &out->kind))
            f = no_memory(why);
    }
    query_done(&q);
    return f;
}

/* ---- the end of a dataset ---- */

enum { DROP_PIECE = 5000 }; /* rows that one transaction deletes: some 30 ms of the writers' lock */

static enum fault run_on(struct db *db, enum statement which, int64_t dataset, struct problem *why)
{
    struct query q = query_for(db, which);
    query_int(&q, ":dataset", dataset);
    return query_run(&q, NULL, why);
}

static enum fault drop_body(struct db *db, void *ctx, struct problem *why)
{
    const struct opteryx_target *target = ctx;
    struct opteryx_dataset dataset = { .number = 0 };
    bool found = false;
    enum fault f = opteryx_store_dataset_get(db, target, NULL, &dataset, &found, why);
    if (!f && !found)
        f = problem_set(why, FAULT_MISSING, "Dataset not found");
    return f ? f : run_on(db, STMT_OPTERYX_DATASET_UNNAME, dataset.number, why);
}

enum fault opteryx_store_dataset_drop(struct db *db, const struct opteryx_target *target,
                                      struct problem *why)
{
    struct opteryx_target dropped = *target;
    return db_write(db, drop_body, &dropped, why);
}

/* A dataset that was dropped and has rows left; *found is false when there is none. */
static enum fault dropped_get(struct db *db, int64_t *dataset, bool *found, struct problem *why)
{
    struct query q = query_for(db, STMT_OPTERYX_DROPPED_GET);
    enum fault f = query_step(&q, found, why);
    if (!f && *found)
        *dataset = query_column_int(&q, 0);
    query_done(&q);
    return f;
}

static enum fault drop_piece(struct db *db, enum statement which, int64_t dataset, int64_t *deleted,
                             struct problem *why)
{
    struct query q = query_for(db, which);
    query_int(&q, ":dataset", dataset);
    query_int(&q, ":most", DROP_PIECE);
    return query_run(&q, deleted, why);
}

/* The next rows to go: files, then snapshots, then the rest. */
static enum fault dropped_shrink(struct db *db, int64_t dataset, struct problem *why)
{
    int64_t deleted = 0;
    enum fault f = drop_piece(db, STMT_OPTERYX_DROP_FILES, dataset, &deleted, why);
    if (!f && deleted == 0)
        f = drop_piece(db, STMT_OPTERYX_DROP_SNAPSHOTS, dataset, &deleted, why);
    if (f || deleted)
        return f;
    f = run_on(db, STMT_OPTERYX_DROP_STRUCTURES, dataset, why);
    return f ? f : run_on(db, STMT_OPTERYX_DROP_DATASET, dataset, why);
}

static enum fault sweep_body(struct db *db, void *ctx, struct problem *why)
{
    bool *more = ctx;
    int64_t dataset = 0;
    const enum fault f = dropped_get(db, &dataset, more, why);
    return !f && *more ? dropped_shrink(db, dataset, why) : f;
}

enum fault opteryx_store_dropped_sweep(struct db *db, bool *more, struct problem *why)
{
    *more = false;
    return db_write(db, sweep_body, more, why);
}
