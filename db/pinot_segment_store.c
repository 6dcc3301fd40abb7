#include "db/pinot_segment_store.h"

#include "db/blob_rows.h"

#include <stdlib.h>
#include <string.h>

/* Segments that one transaction of a large delete takes: the writers' lock is held for a few
 * milliseconds. */
enum { DELETE_PIECE = 500, EXPIRE_PIECE = 1000 };

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
    const char **const texts[] = { &row->name, &row->start_raw, &row->end_raw, &row->url,
                                   &row->custom };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!*texts[i])
            continue;
        *texts[i] = arena_strdup(arena, *texts[i], strlen(*texts[i]));
        if (!*texts[i])
            return problem_set(why, FAULT_TOO_LARGE, "the answer is too large");
    }
    return FAULT_NONE;
}

enum fault pinot_segment_get(struct db *db, int64_t table, const char *name, struct arena *arena,
                             struct pinot_segment_row *out, bool *found, struct problem *why)
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

static struct query page_query(struct db *db, enum statement which, int64_t table,
                               const char *after, int64_t limit)
{
    struct query q = query_for(db, which);
    query_int(&q, ":table", table);
    query_text(&q, ":after", after);
    query_int(&q, ":limit", limit);
    return q;
}

enum fault pinot_segment_page(struct db *db, int64_t table, char last[NAME_MAX_BYTES],
                              int64_t limit, pinot_segment_each each, void *ctx,
                              struct problem *why)
{
    char after[NAME_MAX_BYTES];
    memcpy(after, last, sizeof after);
    struct query q = page_query(db, STMT_PINOT_SEGMENT_PAGE, table, after, limit);
    return read_piece(&q, row_of, last, limit, each, ctx, why);
}

enum fault pinot_segment_names(struct db *db, int64_t table, char last[NAME_MAX_BYTES],
                               int64_t limit, pinot_segment_each each, void *ctx,
                               struct problem *why)
{
    char after[NAME_MAX_BYTES];
    memcpy(after, last, sizeof after);
    struct query q = page_query(db, STMT_PINOT_SEGMENT_NAMES, table, after, limit);
    return read_piece(&q, name_of, last, limit, each, ctx, why);
}

/* ---- deleting ---- */

/* One delete: which table, and what goes with the segments. */
struct deletion {
    const char *table;
    int64_t id;
    int64_t keep_ms;
    int64_t now;
    int64_t segments; /* deleted so far */
    int64_t bytes;
};

static enum fault table_find(struct db *db, struct deletion *d, struct problem *why)
{
    enum { KEEP_MS = 11 }; /* columns of PINOT_TABLE_GET */
    struct query q = query_for(db, STMT_PINOT_TABLE_GET);
    query_text(&q, ":name", d->table);
    bool row = false;
    enum fault f = query_step(&q, &row, why);
    if (!f && !row)
        f = problem_set(why, FAULT_MISSING, "Table '%s' not found.", d->table);
    if (!f) {
        d->id = query_column_int(&q, 0);
        const int64_t most = query_column_int(&q, KEEP_MS);
        if (d->keep_ms < 0 || d->keep_ms > most)
            d->keep_ms = most;
    }
    query_done(&q);
    return f;
}

static enum fault copy_keep(struct db *db, const struct deletion *d, const char *name, int64_t blob,
                            struct problem *why)
{
    int64_t expires = 0;
    if (d->keep_ms == 0)
        return FAULT_NONE;
    if (__builtin_add_overflow(d->now, d->keep_ms, &expires))
        expires = INT64_MAX;
    struct query q = query_for(db, STMT_PINOT_DELETED_ADD);
    query_text(&q, ":table", d->table);
    query_text(&q, ":name", name);
    query_int(&q, ":blob", blob);
    query_int(&q, ":now", d->now);
    query_int(&q, ":expires", expires);
    return query_run(&q, NULL, why);
}

static enum fault delete_one(struct db *db, struct deletion *d, const char *name,
                             struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SEGMENT_DELETE);
    query_int(&q, ":table", d->id);
    query_text(&q, ":name", name);
    bool row = false;
    const enum fault f = query_step(&q, &row, why);
    if (f || !row)
        return f;
    const bool has_blob = !query_column_null(&q, 0);
    const int64_t blob = query_column_int(&q, 0);
    d->segments++;
    d->bytes += query_column_int(&q, 1); /* 0 for NULL */
    query_done(&q);
    return has_blob ? copy_keep(db, d, name, blob, why) : FAULT_NONE;
}

static enum fault count_write(struct db *db, const struct deletion *d, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_TABLE_COUNT);
    query_int(&q, ":table", d->id);
    query_int(&q, ":segments", -d->segments);
    query_int(&q, ":bytes", -d->bytes);
    return query_run(&q, NULL, why);
}

enum fault pinot_deleted_expire(struct db *db, int64_t now, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_DELETED_EXPIRE);
    query_int(&q, ":now", now);
    query_int(&q, ":most", EXPIRE_PIECE);
    return query_run(&q, NULL, why);
}

enum fault pinot_segment_delete(struct db *db, const char *table, const char *const *names,
                                size_t count, int64_t keep_ms, int64_t now, struct problem *why)
{
    struct deletion d = { .table = table, .keep_ms = keep_ms, .now = now };
    enum fault f = db_begin(db, why);
    if (!f)
        f = table_find(db, &d, why);
    for (size_t i = 0; i < count && !f; i++)
        f = delete_one(db, &d, names[i], why);
    if (!f)
        f = count_write(db, &d, why);
    if (!f)
        f = pinot_deleted_expire(db, now, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db); /* does nothing after a commit */
    return f;
}

/* The names of one piece, read before any is deleted. */
struct piece {
    char (*names)[NAME_MAX_BYTES];
    size_t count;
};

static enum fault piece_add(void *ctx, const struct pinot_segment_row *row, struct problem *why)
{
    struct piece *piece = ctx;
    (void)why;
    (void)strncpy(piece->names[piece->count], row->name, NAME_MAX_BYTES - 1);
    piece->names[piece->count][NAME_MAX_BYTES - 1] = '\0';
    piece->count++;
    return FAULT_NONE;
}

static enum fault delete_piece(struct db *db, struct deletion *d, struct piece *piece,
                               struct problem *why)
{
    char last[NAME_MAX_BYTES] = "";
    piece->count = 0;
    d->segments = 0;
    d->bytes = 0;
    enum fault f = db_begin(db, why);
    if (!f)
        f = table_find(db, d, why);
    if (!f)
        f = pinot_segment_names(db, d->id, last, DELETE_PIECE, piece_add, piece, why);
    for (size_t i = 0; i < piece->count && !f; i++)
        f = delete_one(db, d, piece->names[i], why);
    if (!f)
        f = count_write(db, d, why);
    if (!f)
        f = pinot_deleted_expire(db, d->now, why);
    if (!f)
        f = db_commit(db, why);
    db_rollback(db);
    return f;
}

enum fault pinot_segment_delete_all(struct db *db, const char *table, int64_t keep_ms, int64_t now,
                                    struct problem *why)
{
    struct deletion d = { .table = table, .keep_ms = keep_ms, .now = now };
    struct piece piece = { .names = calloc(DELETE_PIECE, sizeof *piece.names) };
    if (!piece.names)
        return problem_internal(why, "out of memory");
    enum fault f = FAULT_NONE;
    do {
        f = delete_piece(db, &d, &piece, why);
    } while (!f && piece.count == DELETE_PIECE);
    free(piece.names);
    return f;
}
