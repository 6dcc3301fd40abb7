#include "db/blob_rows.h"

#include <assert.h>
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

enum fault blob_rows_contents(struct db *db, int64_t file,
                              enum fault (*each)(void *arg, const struct blob_ref *ref,
                                                 struct problem *why),
                              void *arg, struct problem *why)
{
    enum { START, BYTES, DIGEST };
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_CONTENTS);
    query_int(&q, ":file", file);

    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        struct blob_ref ref = { .file = file,
                                .start = query_column_int(&q, START),
                                .bytes = query_column_int(&q, BYTES) };
        read_digest(&q, DIGEST, ref.digest);
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
