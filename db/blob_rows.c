#include "db/blob_rows.h"

#include <assert.h>

enum fault blob_rows_add(struct db *db, const struct blob_ref *ref, int64_t *blob,
                         struct problem *why)
{
    struct query q = query_for(db, STMT_BLOB_ADD);
    query_int(&q, ":file", ref->file);
    query_int(&q, ":start", ref->start);
    query_int(&q, ":bytes", ref->bytes);

    const enum fault f = query_run(&q, NULL, why);
    if (!f)
        *blob = query_added(&q);
    return f;
}

struct blob_ref blob_rows_ref(const struct query *q, int first)
{
    enum { FILE_NUMBER, START, BYTES };
    return (struct blob_ref){ .file = query_column_int(q, first + FILE_NUMBER),
                              .start = query_column_int(q, first + START),
                              .bytes = query_column_int(q, first + BYTES) };
}

enum fault blob_rows_get(struct db *db, int64_t blob, struct blob_ref *out, bool *found,
                         struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_GET);
    query_int(&q, ":blob", blob);

    const enum fault f = query_step(&q, &row, why);
    if (!f && row)
        *out = blob_rows_ref(&q, 0);
    query_done(&q);
    if (!f)
        *found = row;
    return f;
}

enum fault blob_rows_contents(struct db *db, int64_t file,
                              enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                 struct problem *why),
                              void *arg, struct problem *why)
{
    enum { START, BYTES };
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_CONTENTS);
    query_int(&q, ":file", file);

    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        const struct blob_ref ref = { .file = file,
                                      .start = query_column_int(&q, START),
                                      .bytes = query_column_int(&q, BYTES) };
        f = each(arg, &ref, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

enum fault blob_rows_move(struct db *db, const struct blob_ref *from, const struct blob_ref *to,
                          struct problem *why)
{
    assert(from->bytes == to->bytes);
    struct query q = query_for(db, STMT_BLOB_MOVE);
    query_int(&q, ":file", from->file);
    query_int(&q, ":start", from->start);
    query_int(&q, ":bytes", from->bytes);
    query_int(&q, ":to_file", to->file);
    query_int(&q, ":to_start", to->start);
    return query_run(&q, NULL, why);
}

/* The last row of the next piece, and how many it has. */
static enum fault piece_of(struct db *db, int64_t after, int64_t most, int64_t *last,
                           int64_t *count, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_PIECE);
    query_int(&q, ":after", after);
    query_int(&q, ":most", most);

    const enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        *last = query_column_int(&q, 0); /* 0 for none */
        *count = query_column_int(&q, 1);
    }
    query_done(&q);
    return f;
}

enum fault blob_rows_forget(struct db *db, int64_t most, struct blob_rows_piece *piece,
                            struct problem *why)
{
    int64_t last = 0;
    int64_t count = 0;
    int64_t forgotten = 0;

    enum fault f = piece_of(db, piece->after, most, &last, &count, why);
    if (!f && count > 0) {
        struct query q = query_for(db, STMT_BLOB_FORGET);
        query_int(&q, ":after", piece->after);
        query_int(&q, ":last", last);
        f = query_run(&q, &forgotten, why);
    }
    if (f)
        return f;
    piece->looked_at = count;
    piece->forgotten = forgotten;
    if (count > 0)
        piece->after = last;
    return FAULT_NONE;
}
