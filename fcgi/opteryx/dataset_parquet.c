#include "opteryx/dataset_parquet.h"

#include "blob/blob.h"
#include "blob/scratch.h"
#include "db/opteryx_store_parquet.h"
#include "opteryx/dataset_look.h"
#include "opteryx/request.h"
#include "tabular/convert.h"
#include "tabular/format.h"

#include <string.h>

/* What one look at the rows finds. */
struct found {
    struct look look;
    struct opteryx_parquet parquet;
    bool made;    /* parquet is there, and of the dataset's columns */
    bool as_came; /* the file was uploaded as Parquet */
};

static enum fault look_body(struct db *db, void *ctx, struct problem *why)
{
    struct found *found = ctx;
    struct look *look = &found->look;
    found->made = false;
    enum fault f = dataset_look_get(db, look, look->x->arena, why);
    if (!f)
        f = opteryx_store_dataset_file(db, look->dataset.number, look->after, look->x->arena,
                                       &look->file, why);
    if (f)
        return f;
    found->as_came = strcmp(look->file.kind, format_word(FORMAT_PARQUET)) == 0;
    found->parquet =
        (struct opteryx_parquet){ .dataset = look->dataset.number, .number = look->after };
    f = opteryx_store_parquet_get(db, &found->parquet, &found->made, why);
    found->made = found->made && found->parquet.structure == look->dataset.structure;
    return f;
}

static enum fault find(struct exchange *x, int64_t number, struct found *found, struct problem *why)
{
    *found = (struct found){ .look = { .x = x, .after = number } };
    const enum fault f = dataset_look_target(x, RIGHT_READ, &found->look.target, why);
    return f ? f : db_read(x->db, look_body, found, why);
}

/* ---- making one ---- */

/* A content on its way through the conversion into another. */
struct making {
    struct exchange *x;
    struct blob_scratch *scratch;
    struct blob_writer *writer;
    struct convert *convert;
    struct columns columns;
};

static enum fault to_writer(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    return blob_write(ctx, bytes, len, why);
}

static enum fault feed_all(struct making *making, const struct blob_ref *from, struct problem *why)
{
    struct blob_reading reading;
    const void *bytes = NULL;
    size_t len = 0;
    enum fault f =
        blob_reading_begin(&reading, making->x->blobs, from, 0, (uint64_t)from->bytes, why);
    do {
        if (!f)
            f = blob_reading_next(&reading, &bytes, &len, why);
        if (!f && len > 0)
            f = convert_feed(making->convert, bytes, len, why);
    } while (!f && len > 0);
    return f;
}

static enum fault make(struct making *making, const struct look *look, struct problem *why)
{
    uint64_t rows = 0;
    uint64_t bytes = 0;
    struct parquet_write_spool spool = { .append = blob_scratch_append, .read = blob_scratch_read };
    const enum format_kind kind =
        strcmp(look->file.kind, format_word(FORMAT_CSV)) == 0 ? FORMAT_CSV : FORMAT_NDJSON;
    columns_init(&making->columns, making->x->arena);
    enum fault f = columns_read(&making->columns, look->dataset.columns, why);
    if (!f)
        f = blob_scratch_open(making->x->blobs, &making->scratch, why);
    if (!f)
        f = blob_begin(making->x->blobs, UINT64_MAX, &making->writer, why);
    spool.ctx = making->scratch;
    if (!f)
        f = convert_create(kind, &making->columns, NULL, to_writer, making->writer, &spool,
                           making->x->arena, &making->convert, why);
    if (!f)
        f = feed_all(making, &look->file.ref, why);
    return f ? f : convert_end(making->convert, &rows, &bytes, why);
}

/* Converts and names the result.  FAULT_GONE when the original was moved meanwhile. */
static enum fault convert_file(struct exchange *x, const struct found *found, struct problem *why)
{
    struct making making = { .x = x };
    struct opteryx_parquet parquet = found->parquet;
    parquet.structure = found->look.dataset.structure;
    enum fault f = make(&making, &found->look, why);
    if (f)
        blob_discard(making.writer);
    else
        f = blob_seal(making.writer, &parquet.ref, why);
    convert_destroy(making.convert);
    blob_scratch_close(making.scratch);
    if (!f)
        f = blob_flush(x->blobs, why);
    return f ? f : opteryx_store_parquet_put(x->db, &parquet, why);
}

/* ---- the answer ---- */

/* What is asked for, and what was found of it when it was last looked up. */
struct wanted {
    int64_t number;
    struct found found;
    bool looked; /* found has not been used for an answer */
};

static enum fault content(struct exchange *x, void *ctx, struct exchange_content *out,
                          struct problem *why)
{
    struct wanted *wanted = ctx;
    struct found *found = &wanted->found;
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    const enum fault f = wanted->looked ? FAULT_NONE : find(x, wanted->number, found, why);
    wanted->looked = false; /* a content that has moved is looked up again */
    if (f)
        return f;
    out->content_type = format_media_type(format_word(FORMAT_PARQUET));
    if (found->as_came) {
        text_hex(found->look.file.sha256, sizeof found->look.file.sha256, digest);
        out->ref = found->look.file.ref;
        out->etag = arena_printf(x->arena, "\"%s\"", digest);
        return FAULT_NONE;
    }
    if (!found->made)
        return problem_set(why, FAULT_BUSY,
                           "the dataset's columns changed while the file was converted, retry");
    out->ref = found->parquet.ref; /* its ETag is of its digest: another one of other columns */
    return FAULT_NONE;
}

enum fault opteryx_dataset_parquet(struct exchange *x, int64_t number, struct problem *why)
{
    enum { TRIES = 2 }; /* a content moves once: into the pack that its own was compacted to */
    struct wanted wanted = { .number = number };
    enum fault f = FAULT_NONE;
    for (int i = 0; i < TRIES; i++) {
        *why = PROBLEM_NONE;
        f = find(x, number, &wanted.found, why);
        wanted.looked = !f && (wanted.found.as_came || wanted.found.made);
        if (!f && !wanted.looked)
            f = convert_file(x, &wanted.found, why);
        if (f != FAULT_GONE)
            break;
    }
    return f ? f : exchange_reply_content(x, content, &wanted, why);
}
