#include "db/pinot_store_segment.h"

#include "db/blob_rows.h"

#include <string.h>

enum segment_column {
    SEGMENT_ID,
    SEGMENT_NAME,
    SEGMENT_CRC,
    SEGMENT_DATA_CRC,
    SEGMENT_CREATED_AT,
    SEGMENT_PUSHED_AT,
    SEGMENT_REFRESHED_AT,
    SEGMENT_START_AT,
    SEGMENT_END_AT,
    SEGMENT_START_RAW,
    SEGMENT_END_RAW,
    SEGMENT_DOCS,
    SEGMENT_INDEX_VERSION,
    SEGMENT_URL,
    SEGMENT_BYTES,
    SEGMENT_CUSTOM,
    SEGMENT_PARTITIONS,
    SEGMENT_BLOB,
    SEGMENT_BLOB_FILE /* and what blob_rows_ref() reads behind it */
};

static int64_t optional_int(const struct query *q, int column)
{
    return query_column_null(q, column) ? -1 : query_column_int(q, column);
}

static void row_of(const struct query *q, struct pinot_segment_row *out)
{
    *out = (struct pinot_segment_row){
        .name = query_column_text(q, SEGMENT_NAME),
        .start_raw = query_column_text(q, SEGMENT_START_RAW),
        .end_raw = query_column_text(q, SEGMENT_END_RAW),
        .url = query_column_text(q, SEGMENT_URL),
        .custom = query_column_text(q, SEGMENT_CUSTOM),
        .partitions = query_column_text(q, SEGMENT_PARTITIONS),
        .crc = query_column_int(q, SEGMENT_CRC),
        .data_crc = optional_int(q, SEGMENT_DATA_CRC),
        .created_at = query_column_int(q, SEGMENT_CREATED_AT),
        .pushed_at = query_column_int(q, SEGMENT_PUSHED_AT),
        .refreshed_at = optional_int(q, SEGMENT_REFRESHED_AT),
        .start_at = query_column_int(q, SEGMENT_START_AT),
        .end_at = query_column_int(q, SEGMENT_END_AT),
        .docs = query_column_int(q, SEGMENT_DOCS),
        .index_version = query_column_int(q, SEGMENT_INDEX_VERSION),
        .bytes = optional_int(q, SEGMENT_BYTES),
        .has_interval = !query_column_null(q, SEGMENT_START_AT),
        .has_blob = !query_column_null(q, SEGMENT_BLOB),
    };
    out->blob = blob_rows_ref(q, SEGMENT_BLOB_FILE);
}

static enum fault keep_texts(struct pinot_segment_row *row, struct arena *arena,
                             struct problem *why)
{
    const char **const texts[] = { &row->name, &row->start_raw, &row->end_raw,
                                   &row->url,  &row->custom,    &row->partitions };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!*texts[i])
            continue;
        *texts[i] = arena_strdup(arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return problem_set(why, FAULT_TOO_LARGE, "the answer is too large");
    }
    return FAULT_NONE;
}

enum fault pinot_store_segment_get(struct db *db, int64_t table, const char *name,
                                   struct arena *arena, struct pinot_segment_row *out, bool *found,
                                   struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SEGMENT_GET);
    query_int(&q, ":table", table);
    query_text(&q, ":name", name);
    enum fault f = query_step(&q, found, why);
    if (!f && *found) {
        row_of(&q, out);
        f = keep_texts(out, arena, why);
    }
    query_done(&q);
    return f;
}

static void name_of(const struct query *q, struct pinot_segment_row *out)
{
    *out = (struct pinot_segment_row){ .name = query_column_text(q, 0) };
}

/* last: the name to go on behind, "" when the piece was not full. */
static enum fault read_piece(struct query *q,
                             void (*read)(const struct query *q, struct pinot_segment_row *out),
                             char last[NAME_MAX_BYTES], int64_t limit, pinot_segment_each each,
                             void *ctx, struct problem *why)
{
    int64_t count = 0;
    bool row = false;
    enum fault f = query_step(q, &row, why);
    while (!f && row) {
        struct pinot_segment_row segment;
        read(q, &segment);
        count++;
        (void)strncpy(last, segment.name, NAME_MAX_BYTES - 1);
        f = each(ctx, &segment, why);
        if (!f)
            f = query_step(q, &row, why);
    }
    query_done(q);
    if (count < limit)
        last[0] = '\0';
    return f;
}

static struct query page_query(struct db *db, enum statement which,
                               const struct pinot_segment_list *list, const char *after,
                               int64_t limit)
{
    struct query q = query_for(db, which);
    query_int(&q, ":table", list->table);
    query_int(&q, ":hidden", list->hidden);
    query_text(&q, ":after", after);
    query_int(&q, ":limit", limit);
    return q;
}

enum fault pinot_store_segment_page(struct db *db, const struct pinot_segment_list *list,
                                    char last[NAME_MAX_BYTES], int64_t limit,
                                    pinot_segment_each each, void *ctx, struct problem *why)
{
    char after[NAME_MAX_BYTES];
    memcpy(after, last, sizeof after);
    struct query q = page_query(db, STMT_PINOT_SEGMENT_PAGE, list, after, limit);
    return read_piece(&q, row_of, last, limit, each, ctx, why);
}

enum fault pinot_store_segment_names(struct db *db, const struct pinot_segment_list *list,
                                     char last[NAME_MAX_BYTES], int64_t limit,
                                     pinot_segment_each each, void *ctx, struct problem *why)
{
    char after[NAME_MAX_BYTES];
    memcpy(after, last, sizeof after);
    struct query q = page_query(db, STMT_PINOT_SEGMENT_NAMES, list, after, limit);
    return read_piece(&q, name_of, last, limit, each, ctx, why);
}
