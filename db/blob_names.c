#include "db/blob_names.h"

#include <stdlib.h>

struct blob_names {
    int64_t last;
    uint8_t bits[];
};

enum { BITS = 8 };

static enum fault read_last(struct db *db, int64_t *last, struct problem *why)
{
    bool row = false;
    struct query q = query_for(db, STMT_BLOB_LAST);
    const enum fault f = query_step(&q, &row, why);
    *last = !f && row ? query_column_int(&q, 0) : 0; /* 0 for none */
    query_done(&q);
    return f;
}

/* One walk. */
struct walk {
    struct blob_names *names;
    enum statement which;
    const char *parameter; /* NULL: the statement has none */
    int64_t value;
};

static enum fault walk_table(struct db *db, void *ctx, struct problem *why)
{
    const struct walk *walk = ctx;
    struct blob_names *names = walk->names;
    bool row = false;
    struct query q = query_for(db, walk->which);
    if (walk->parameter)
        query_int(&q, walk->parameter, walk->value);
    enum fault f = query_step(&q, &row, why);
    while (!f && row) {
        const int64_t blob = query_column_int(&q, 0);
        if (blob > 0 && blob <= names->last)
            names->bits[blob / BITS] |= (uint8_t)(1U << (blob % BITS));
        f = query_step(&q, &row, why);
    }
    query_done(&q);
    return f;
}

static enum fault walk_all(struct db *db, const struct blob_names_gone *gone,
                           struct blob_names *names, struct problem *why)
{
    const struct walk walks[] = {
        { names, STMT_BLOB_NAMES_SEGMENT, NULL, 0 },
        { names, STMT_BLOB_NAMES_DELETED, NULL, 0 },
        { names, STMT_BLOB_NAMES_PART, ":sessions", gone->sessions_before },
        { names, STMT_BLOB_NAMES_FILE, NULL, 0 },
        { names, STMT_BLOB_NAMES_PARQUET, NULL, 0 },
        { names, STMT_BLOB_NAMES_VERSION, NULL, 0 },
        { names, STMT_BLOB_NAMES_UPLOAD, ":uploads", gone->uploads_before },
        { names, STMT_BLOB_NAMES_OBJECT, NULL, 0 },
    };
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < sizeof walks / sizeof walks[0] && !f; i++) {
        struct walk walk = walks[i];
        f = db_read(db, walk_table, &walk, why);
    }
    return f;
}

enum fault blob_names_read(struct db *db, const struct blob_names_gone *gone,
                           struct blob_names **out, struct problem *why)
{
    int64_t last = 0;
    enum fault f = read_last(db, &last, why);
    if (f)
        return f;
    struct blob_names *names = calloc(1, sizeof *names + (size_t)(last / BITS) + 1);
    if (!names)
        return problem_internal(why, "no memory for the names of %lld contents", (long long)last);
    names->last = last;
    f = walk_all(db, gone, names, why);
    if (f)
        blob_names_destroy(names);
    else
        *out = names;
    return f;
}

void blob_names_destroy(struct blob_names *names)
{
    free(names);
}

bool blob_names_has(const struct blob_names *names, int64_t blob)
{
    return blob <= 0 || blob > names->last || (names->bits[blob / BITS] >> (blob % BITS) & 1) != 0;
}

int64_t blob_names_last(const struct blob_names *names)
{
    return names->last;
}
