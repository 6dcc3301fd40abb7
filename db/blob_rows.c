#include "db/blob_rows.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static bool is_known(const uint8_t digest[BLOB_DIGEST_BYTES])
{
    static const uint8_t unknown[BLOB_DIGEST_BYTES];
    return memcmp(digest, unknown, sizeof unknown) != 0;
}

static void bind_digest(struct query *q, const uint8_t digest[BLOB_DIGEST_BYTES])
{
    if (is_known(digest))
        query_blob(q, ":digest", digest, BLOB_DIGEST_BYTES);
    else
        query_null(q, ":digest");
}

/* All zero where there is none. */
static void read_digest(const struct query *q, int column, uint8_t out[BLOB_DIGEST_BYTES])
{
    size_t len = 0;
    const void *bytes = query_column_blob(q, column, &len);
    if (bytes && len == BLOB_DIGEST_BYTES)
        memcpy(out, bytes, len);
    else
        memset(out, 0, BLOB_DIGEST_BYTES);
}

enum fault blob_rows_add(struct db *db, const struct blob_ref *ref, int64_t *blob,
                         struct problem *why)
{
    struct query q = query_for(db, STMT_BLOB_ADD);
    query_int(&q, ":file", ref->file);
    query_int(&q, ":start", ref->start);
    query_int(&q, ":bytes", ref->bytes);
    bind_digest(&q, ref->digest);

    const enum fault f = query_run(&q, NULL, why);
    if (!f)
        *blob = query_added(&q);
    return f;
}

struct blob_ref blob_rows_ref(const struct query *q, int first)
{
    enum { FILE_NUMBER, START, BYTES, DIGEST };
    struct blob_ref ref = { .file = query_column_int(q, first + FILE_NUMBER),
                            .start = query_column_int(q, first + START),
                            .bytes = query_column_int(q, first + BYTES) };
    read_digest(q, first + DIGEST, ref.digest);
    return ref;
}

enum fault blob_rows_digest(struct db *db, int64_t blob, const uint8_t digest[BLOB_DIGEST_BYTES],
                            struct problem *why)
{
    struct query q = query_for(db, STMT_BLOB_DIGEST);
    query_int(&q, ":blob", blob);
    bind_digest(&q, digest);
    return query_run(&q, NULL, why);
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

static bool same_place(const struct blob_ref *a, const struct blob_ref *b)
{
    return a->start == b->start && a->bytes == b->bytes;
}

enum fault blob_rows_contents(struct db *db, int64_t file, const struct blob_names *only,
                              enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                 struct problem *why),
                              void *arg, struct problem *why)
{
    enum { START, BYTES, DIGEST, BLOB };
    struct blob_ref last = { .start = -1 };
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_CONTENTS);
    query_int(&q, ":file", file);

    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        struct blob_ref ref = { .file = file,
                                .start = query_column_int(&q, START),
                                .bytes = query_column_int(&q, BYTES) };
        read_digest(&q, DIGEST, ref.digest);
        if ((!only || blob_names_has(only, query_column_int(&q, BLOB))) && !same_place(&last, &ref))
            f = each(arg, &ref, why);
        last = ref;
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

enum fault blob_rows_walk(struct db *db, const struct blob_names *only,
                          enum fault (*each)(void *arg, const struct blob_ref *ref,
                                             struct problem *why),
                          void *arg, struct problem *why)
{
    enum { REF, BLOB = 4 };
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_WALK);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        const struct blob_ref ref = blob_rows_ref(&q, REF);
        if (!only || blob_names_has(only, query_column_int(&q, BLOB)))
            f = each(arg, &ref, why);
        if (!f)
            f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

enum fault blob_rows_move(struct db *db, const struct blob_ref *from, const struct blob_ref *to,
                          int64_t *rows, struct problem *why)
{
    assert(from->bytes == to->bytes);
    struct query q = query_for(db, STMT_BLOB_MOVE);
    query_int(&q, ":file", from->file);
    query_int(&q, ":start", from->start);
    query_int(&q, ":bytes", from->bytes);
    query_int(&q, ":to_file", to->file);
    query_int(&q, ":to_start", to->start);
    return query_run(&q, rows, why);
}

/* The last row of the next piece, and how many it has. */
static enum fault piece_of(struct db *db, const struct blob_rows_piece *piece, int64_t *last,
                           int64_t *count, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_PIECE);
    query_int(&q, ":after", piece->after);
    query_int(&q, ":most", piece->most < BLOB_ROWS_PIECE ? piece->most : BLOB_ROWS_PIECE);

    const enum fault f = query_step(&q, &row, why);
    if (!f && row) {
        *last = query_column_int(&q, 0); /* 0 for none */
        *count = query_column_int(&q, 1);
    }
    query_done(&q);
    return f;
}

/* Those of a piece that the walk has not found named. */
static enum fault unnamed_of(struct db *db, const struct blob_rows_piece *piece, int64_t last,
                             int64_t out[BLOB_ROWS_PIECE], size_t *count, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_LIST);
    query_int(&q, ":after", piece->after);
    query_int(&q, ":last", last);
    *count = 0;
    enum fault f = query_step(&q, &row, why);
    while (!f && row && *count < BLOB_ROWS_PIECE) {
        const int64_t blob = query_column_int(&q, 0);
        if (!blob_names_has(piece->names, blob))
            out[(*count)++] = blob;
        f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault forget_one(struct db *db, int64_t blob, int64_t *forgotten, struct problem *why)
{
    int64_t changes = 0;
    struct query q = query_for(db, STMT_BLOB_FORGET);
    query_int(&q, ":blob", blob);
    const enum fault f = query_run(&q, &changes, why);
    *forgotten += changes;
    return f;
}

/* What a piece comes to; piece itself stays as it was, for the body may be run again. */
struct forgetting {
    const struct blob_rows_piece *piece;
    struct blob_rows_piece after;
};

static enum fault forget_piece(struct db *db, void *ctx, struct problem *why)
{
    struct forgetting *f_ctx = ctx;
    const struct blob_rows_piece *piece = f_ctx->piece;
    int64_t unnamed[BLOB_ROWS_PIECE];
    size_t count = 0;
    int64_t last = 0;
    struct blob_rows_piece after = *piece;
    after.forgotten = 0;
    enum fault f = piece_of(db, piece, &last, &after.looked_at, why);
    if (!f && after.looked_at > 0) {
        after.after = last;
        f = unnamed_of(db, piece, last, unnamed, &count, why);
    }
    if (piece->count_only)
        after.forgotten = (int64_t)count;
    for (size_t i = 0; i < count && !f && !piece->count_only; i++)
        f = forget_one(db, unnamed[i], &after.forgotten, why);
    f_ctx->after = after;
    return f;
}

enum fault blob_rows_forget(struct db *db, struct blob_rows_piece *piece, struct problem *why)
{
    struct forgetting forgetting = { .piece = piece };
    const enum fault f = piece->count_only ? db_read(db, forget_piece, &forgetting, why)
                                           : db_write(db, forget_piece, &forgetting, why);
    if (!f)
        *piece = forgetting.after;
    return f;
}
