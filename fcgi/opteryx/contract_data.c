/*
 * contract_data.c - the route of contract.h that takes a file of any size: decoded, verified, hashed
 * and stored in one pass.
 */
#include "opteryx/contract.h"

#include "base/config.h"
#include "blob/blob.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/source.h"
#include "stream/digest.h"

#include <stdio.h>
#include <string.h>

struct data {
    struct exchange *x;
    struct contract *contract;
    struct source source;
    struct format *format;
    struct digest *digest;
    struct blob_writer *writer;
    uint64_t decoded;
    struct opteryx_part part;
};

static enum fault take(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct data *data = ctx;
    enum fault f = opteryx_request_ratio(data->x, &data->decoded, len, why);
    if (!f)
        f = format_feed(data->format, bytes, len, why);
    if (f)
        return f;
    digest_add(data->digest, bytes, len);
    return blob_write(data->writer, bytes, len, why);
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
        f = format_create(data->source.kind, x->arena, &data->format, why);
    if (!f)
        f = blob_begin(x->blobs, most, &data->writer, why);
    if (!f)
        f = exchange_body(x, UINT64_MAX, source_feed, &data->source, why);
    if (!f)
        f = source_end(&data->source, false, &whole, why);
    if (!f)
        f = seal(data, why);
    if (!f)
        f = format_end(data->format, &source, reading, why);
    data->part.rows = reading->rows;
    data->part.kind = format_word(format_kind_of(data->format));
    data->part.encoding = coding_name(data->source.coding);
    data->part.columns = "[]";
    data->part.issues = "[]";
    return f;
}

/* Whether the columns of a file are those that were agreed on; *issue says when not. */
static bool fits(struct contract *contract, const struct columns *columns, bool text,
                 struct contract_issue *issue)
{
    const struct column *to = NULL;
    bool has_issue = false;
    contract->sampled = *columns;
    contract->row.parquet = !text;
    for (size_t i = 0; i < columns->count; i++) {
        const enum plan_action action =
            contract_plan(contract, &columns->list[i], &to, issue, &has_issue);
        if (has_issue)
            return false;
        if (action == PLAN_CAST) {
            *issue =
                (struct contract_issue){ "value_not_castable", columns->list[i].name, "", true };
            (void)snprintf(issue->detail, sizeof issue->detail,
                           "column '%.256s' holds values of another type", columns->list[i].name);
            return false;
        }
    }
    for (size_t i = 0; i < contract->columns.count; i++) {
        if (contract_lacks(contract, &contract->columns.list[i], issue) && issue->blocking)
            return false;
    }
    return true;
}

static enum fault write_data(struct data *data, struct problem *why)
{
    struct contract *contract = data->contract;
    struct exchange *x = data->x;
    struct contract_issue issue = { .code = NULL };
    const struct opteryx_contract_at at = contract_at(contract);
    struct reading *reading = arena_alloc(x->arena, sizeof *reading);
    if (!reading)
        return opteryx_request_no_memory(why);
    enum fault f = receive(data, reading, why);
    if (f)
        return f;
    if (!fits(contract, &reading->columns, format_kind_of(data->format) != FORMAT_PARQUET, &issue))
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
    if (f)
        return f;
    if (contract_blocked(contract, &issue))
        return contract_refuse_issue(x, &issue, why);
    data.part.file_name = opteryx_request_file_name(x);
    data.part.uploaded_at = x->now;
    f = source_init(&data.source, x->arena, data.part.file_name, exchange_header(x, "Content-Type"),
                    exchange_header(x, "Content-Encoding"), why);
    if (!f)
        f = write_data(&data, why);
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
