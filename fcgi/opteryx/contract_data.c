/*
 * contract_data.c - the route of contract.h that takes a file of any size: decoded, verified, hashed
 * and stored in one pass.
 */
#include "opteryx/contract.h"

#include "base/config.h"
#include "blob/blob.h"
#include "blob/scratch.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/source.h"
#include "stream/digest.h"
#include "tabular/convert.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum { EXTRA_MAX = 16 * KIB }; /* bytes of the members of a refusal */

struct data {
    struct exchange *x;
    struct contract *contract;
    struct source source;
    struct columns schema;   /* of the file that is written */
    struct format *format;   /* of Parquet, which stays as it was sent */
    struct convert *convert; /* of CSV and NDJSON, which become Parquet */
    struct blob_scratch *scratch;
    struct parquet_write_spool spool;
    struct digest *digest;
    struct blob_writer *writer;
    uint64_t decoded;
    struct opteryx_part part;
};

/* The bytes of the file that is kept. */
static enum fault store(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct data *data = ctx;
    digest_add(data->digest, bytes, len);
    return blob_write(data->writer, bytes, len, why);
}

/* What the content is, by its first bytes where nothing else has said it. */
static enum fault first(struct data *data, const void *bytes, size_t len, struct problem *why)
{
    struct contract *contract = data->contract;
    if (data->source.kind == FORMAT_UNKNOWN)
        data->source.kind = source_guess(bytes, len);
    if (data->source.kind == FORMAT_PARQUET)
        return format_create(FORMAT_PARQUET, data->x->arena, NULL, &data->format, why);
    enum fault f = contract_schema(contract, &data->schema, why);
    if (!f)
        f = blob_scratch_open(data->x->blobs, &data->scratch, why);
    data->spool =
        (struct parquet_write_spool){ data->scratch, blob_scratch_append, blob_scratch_read };
    return f ? f
             : convert_create(data->source.kind, &data->schema, &contract->ignored, store, data,
                              &data->spool, data->x->arena, &data->convert, why);
}

static enum fault take(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct data *data = ctx;
    enum fault f = opteryx_request_ratio(data->x, &data->decoded, len, why);
    if (!f && !data->format && !data->convert)
        f = first(data, bytes, len, why);
    if (!f && data->convert)
        return convert_feed(data->convert, bytes, len, why);
    if (!f)
        f = format_feed(data->format, bytes, len, why);
    return f ? f : store(data, bytes, len, why);
}

/* The stored content, for a reader that goes back into it. */
static enum fault read_back(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                            struct problem *why)
{
    const struct data *data = ctx;
    return blob_read(data->x->blobs, &data->part.ref, offset, bytes, len, got, why);
}

/* Seals what was written; it is durable then. */
static enum fault seal(struct data *data, struct problem *why)
{
    struct blob_writer *writer = data->writer;
    data->writer = NULL;
    enum fault f = blob_seal(writer, &data->part.ref, why);
    if (!f)
        f = blob_flush(data->x->blobs, why);
    data->part.bytes = data->part.ref.bytes;
    digest_sha256(data->digest, data->part.sha256);
    return f;
}

/* The end of a text: its rows are all in the file. */
static enum fault text_end(struct data *data, struct problem *why)
{
    uint64_t rows = 0;
    uint64_t bytes = 0;
    enum fault f = convert_end(data->convert, &rows, &bytes, why);
    if (!f)
        f = seal(data, why);
    data->part.rows = (int64_t)rows;
    return f;
}

/* The body, to its end; reading: of Parquet alone. */
static enum fault receive(struct data *data, struct reading *reading, struct problem *why)
{
    struct exchange *x = data->x;
    const struct thrift_source source = { data, read_back };
    const uint64_t most = (uint64_t)x->config->session_bytes_max;
    bool whole = false;
    data->source.decoded_max = most;
    data->source.sink = take;
    data->source.ctx = data;
    data->digest = digest_create(DIGEST_SHA256);
    enum fault f = data->digest ? FAULT_NONE : problem_internal(why, "no memory for a digest");
    if (!f)
        f = blob_begin(x->blobs, most, &data->writer, why);
    if (!f)
        f = exchange_body(x, UINT64_MAX, source_feed, &data->source, why);
    if (!f)
        f = source_end(&data->source, false, &whole, why);
    if (!f && !data->format && !data->convert)
        f = first(data, "", 0, why);
    if (!f && data->convert)
        return text_end(data, why);
    if (!f)
        f = seal(data, why);
    if (!f)
        f = format_end(data->format, &source, reading, why);
    data->part.rows = f ? 0 : reading->rows;
    return f;
}

/* A refusal of convert.h, with all that it tells. */
static enum fault refuse_value(struct data *data, const struct problem *because,
                               struct problem *why)
{
    const struct convert_refusal *refusal = convert_refusal(data->convert);
    struct text extra;
    text_init(&extra, EXTRA_MAX);
    text_adds(&extra, ",\"column\":");
    json_quote(&extra, refusal->column, strlen(refusal->column));
    if (refusal->row > 0)
        text_addf(&extra, ",\"row\":%lld", (long long)refusal->row);
    if (refusal->value[0]) {
        text_adds(&extra, ",\"value\":");
        json_quote(&extra, refusal->value, strlen(refusal->value));
    }
    if (refusal->declared[0])
        text_addf(&extra, ",\"declared\":\"%s\"", refusal->declared);
    enum fault f = contract_refuse(data->x, OPTERYX_CONFLICT, because->code, because->text,
                                   text_string(&extra), why);
    text_release(&extra);
    return f;
}

/* Whether the columns of a Parquet file are those that were agreed on; *issue says when not. */
static bool fits(struct contract *contract, const struct columns *columns,
                 struct contract_issue *issue)
{
    contract->sampled = *columns;
    contract->row.parquet = true;
    return !contract_blocked(contract, issue);
}

static enum fault write_data(struct data *data, struct problem *why)
{
    struct contract *contract = data->contract;
    struct exchange *x = data->x;
    struct contract_issue issue = { .code = NULL };
    struct problem because = PROBLEM_NONE;
    const struct opteryx_contract_at at = contract_at(contract);
    struct reading *reading = arena_alloc(x->arena, sizeof *reading);
    if (!reading)
        return opteryx_request_no_memory(why);
    enum fault f = receive(data, reading, &because);
    if (f == FAULT_CONFLICT && data->convert && because.code)
        return refuse_value(data, &because, why);
    if (f) {
        *why = because;
        return f;
    }
    if (data->format && !fits(contract, &reading->columns, &issue))
        return contract_refuse_issue(x, &issue, why);
    f = opteryx_store_contract_write(x->db, &at, &data->part, contract->row.fingerprint,
                                     x->config->session_bytes_max, why);
    if (!f)
        f = contract_reload(contract, why);
    return f ? f : contract_reply(contract, OPTERYX_OK, NULL, true, why);
}

static enum fault data_checked(struct contract *contract, struct problem *why)
{
    struct exchange *x = contract->x;
    struct data data = { .x = x, .contract = contract };
    struct contract_issue issue = { .code = NULL };
    enum fault f = opteryx_store_contract_takes(contract->row.state, OPTERYX_WRITE, why);
    if (!f)
        f = exchange_refuse_form(x, why);
    if (f)
        return f;
    if (contract_blocked(contract, &issue))
        return contract_refuse_issue(x, &issue, why);
    data.part.file_name = opteryx_request_file_name(x);
    data.part.uploaded_at = x->now;
    data.part.kind = format_word(FORMAT_PARQUET);
    data.part.columns = "[]";
    data.part.issues = "[]";
    columns_init(&data.schema, x->arena);
    f = source_init(&data.source, x->arena, data.part.file_name, exchange_header(x, "Content-Type"),
                    exchange_header(x, "Content-Encoding"), why);
    data.part.encoding = coding_name(data.source.coding);
    if (!f)
        f = write_data(&data, why);
    convert_destroy(data.convert);
    blob_scratch_close(data.scratch);
    source_release(&data.source);
    blob_discard(data.writer);
    digest_destroy(data.digest);
    return f;
}

enum fault opteryx_contract_data(struct exchange *x, struct problem *why)
{
    struct contract contract;
    struct arena *arena = arena_create(CONTRACT_ARENA_MAX);
    contract_init(&contract, x, arena);
    enum fault f =
        arena ? contract_load(&contract, RIGHT_WRITE, why) : opteryx_request_no_memory(why);
    if (!f)
        f = data_checked(&contract, why);
    contract_release(&contract);
    arena_destroy(arena);
    return f;
}
