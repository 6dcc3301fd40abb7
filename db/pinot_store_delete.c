#include "db/pinot_store_delete.h"

#include "base/limits.h"
#include "db/pinot_store_segment.h"

#include <stdlib.h>
#include <string.h>

/* Segments that one transaction of a large delete takes: the writers' lock is held for a few
 * milliseconds. */
enum { DELETE_PIECE = 500, EXPIRE_PIECE = 1000 };

/* Begins anew: a transaction's body may run more than once. */
enum fault pinot_store_deleting_begin(struct db *db, struct pinot_deleting *d, struct problem *why)
{
    enum { KEEP_MS = 11 }; /* columns of PINOT_TABLE_GET */
    struct pinot_deletion *deletion = d->deletion;
    struct query q = query_for(db, STMT_PINOT_TABLE_GET);
    query_text(&q, ":name", deletion->table);
    d->segments = 0;
    d->bytes = 0;
    const enum fault f = query_step(&q, &deletion->found, why);
    if (f || !deletion->found)
        return f;
    const int64_t most = query_column_int(&q, KEEP_MS);
    d->table = query_column_int(&q, 0);
    d->keep_ms = deletion->keep_ms < 0 || deletion->keep_ms > most ? most : deletion->keep_ms;
    query_done(&q);
    return FAULT_NONE;
}

static enum fault copy_keep(struct db *db, const struct pinot_deleting *d, const char *name,
                            int64_t blob, struct problem *why)
{
    int64_t expires = 0;
    if (d->keep_ms == 0)
        return FAULT_NONE;
    if (__builtin_add_overflow(d->deletion->now, d->keep_ms, &expires))
        expires = INT64_MAX;
    struct query q = query_for(db, STMT_PINOT_DELETED_ADD);
    query_text(&q, ":table", d->deletion->table);
    query_text(&q, ":name", name);
    query_int(&q, ":blob", blob);
    query_int(&q, ":now", d->deletion->now);
    query_int(&q, ":expires", expires);
    return query_run(&q, NULL, why);
}

enum fault pinot_store_deleting_one(struct db *db, struct pinot_deleting *d, const char *name,
                                    struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_SEGMENT_DELETE);
    query_int(&q, ":table", d->table);
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

static enum fault count_write(struct db *db, const struct pinot_deleting *d, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_TABLE_COUNT);
    query_int(&q, ":table", d->table);
    query_int(&q, ":segments", -d->segments);
    query_int(&q, ":bytes", -d->bytes);
    return query_run(&q, NULL, why);
}

enum fault pinot_store_deleted_expire(struct db *db, int64_t now, struct problem *why)
{
    struct query q = query_for(db, STMT_PINOT_DELETED_EXPIRE);
    query_int(&q, ":now", now);
    query_int(&q, ":most", EXPIRE_PIECE);
    return query_run(&q, NULL, why);
}

enum fault pinot_store_deleting_end(struct db *db, const struct pinot_deleting *d,
                                    struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (d->segments > 0)
        f = count_write(db, d, why);
    return f ? f : pinot_store_deleted_expire(db, d->deletion->now, why);
}

static enum fault named_body(struct db *db, void *ctx, struct problem *why)
{
    struct pinot_deleting d = { .deletion = ctx };
    enum fault f = pinot_store_deleting_begin(db, &d, why);
    if (f || !d.deletion->found)
        return f;
    for (size_t i = 0; i < d.deletion->count && !f; i++)
        f = pinot_store_deleting_one(db, &d, d.deletion->names[i], why);
    return f ? f : pinot_store_deleting_end(db, &d, why);
}

enum fault pinot_store_delete_named(struct db *db, struct pinot_deletion *deletion,
                                    struct problem *why)
{
    return db_write(db, named_body, deletion, why);
}

/* The names of one piece, read before any is deleted. */
struct piece {
    struct pinot_deletion *deletion;
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

static enum fault piece_body(struct db *db, void *ctx, struct problem *why)
{
    struct piece *piece = ctx;
    struct pinot_deleting d = { .deletion = piece->deletion };
    char last[NAME_MAX_BYTES] = "";
    piece->count = 0;
    enum fault f = pinot_store_deleting_begin(db, &d, why);
    if (f || !d.deletion->found)
        return f;
    const struct pinot_segment_list all = { .table = d.table, .hidden = true };
    f = pinot_store_segment_names(db, &all, last, DELETE_PIECE, piece_add, piece, why);
    for (size_t i = 0; i < piece->count && !f; i++)
        f = pinot_store_deleting_one(db, &d, piece->names[i], why);
    return f ? f : pinot_store_deleting_end(db, &d, why);
}

enum fault pinot_store_delete_all(struct db *db, struct pinot_deletion *deletion,
                                  struct problem *why)
{
    struct piece piece = { .deletion = deletion,
                           .names = calloc(DELETE_PIECE, sizeof *piece.names) };
    if (!piece.names)
        return problem_internal(why, "out of memory");
    enum fault f = FAULT_NONE;
    do {
        f = db_write(db, piece_body, &piece, why);
    } while (!f && piece.count == DELETE_PIECE);
    free(piece.names);
    return f;
}
