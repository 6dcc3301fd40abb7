/*
 * contract_negotiate.c - the route of contract.h that makes a contract of terms and samples.
 */
#include "opteryx/contract.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/config.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/contract_sample.h"
#include "opteryx/contract_terms.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "json/json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum field { FIELD_OTHER = 0, FIELD_TERMS, FIELD_SAMPLE };

struct negotiation {
    struct exchange *x;
    struct contract contract;
    struct arena *scratch; /* of one sample */
    enum field field;
    struct text terms_text;
    bool has_terms;
    struct contract_sample sample;
    struct contract_values values;
    int64_t samples;
    bool merged; /* a sample with columns has come */
    bool exists; /* the dataset does */
    char disagrees[OPTERYX_COLUMN_NAME_MAX + 1];
    struct contract_terms terms;
    struct opteryx_dataset dataset;
};

/* ---- the body ---- */

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct negotiation *n = ctx;
    n->field = FIELD_OTHER;
    if (strcmp(head->name, "contract") == 0) {
        n->field = FIELD_TERMS;
        n->has_terms = true;
        text_clear(&n->terms_text);
        return FAULT_NONE;
    }
    if (strcmp(head->name, "sample") != 0)
        return FAULT_NONE;
    n->field = FIELD_SAMPLE;
    if (n->samples == OPTERYX_SAMPLES_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "a negotiation takes %d samples",
                           OPTERYX_SAMPLES_MAX);
    n->samples++;
    arena_reset(n->scratch);
    return contract_sample_begin(&n->sample, n->x, n->scratch, &n->values, head, why);
}

static enum fault part_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct negotiation *n = ctx;
    if (n->field == FIELD_SAMPLE)
        return contract_sample_feed(&n->sample, bytes, len, why);
    if (n->field != FIELD_TERMS)
        return FAULT_NONE;
    text_add(&n->terms_text, bytes, len);
    return text_failed(&n->terms_text)
               ? problem_set(why, FAULT_TOO_LARGE, "a contract's terms have at most %d bytes",
                             OPTERYX_CONTRACT_MAX)
               : FAULT_NONE;
}

/* A column that one of two lists lacks; NULL when they agree. */
static const char *disagreement(const struct columns *a, const struct columns *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!columns_find(b, a->list[i].name))
            return a->list[i].name;
    }
    for (size_t i = 0; i < b->count; i++) {
        if (!columns_find(a, b->list[i].name))
            return b->list[i].name;
    }
    return NULL;
}

static enum fault part_end(void *ctx, struct problem *why)
{
    struct negotiation *n = ctx;
    struct columns *all = &n->contract.sampled;
    bool parquet = false;
    if (n->field != FIELD_SAMPLE)
        return FAULT_NONE;
    struct reading *reading = arena_alloc(n->scratch, sizeof *reading);
    if (!reading)
        return problem_internal(why, "no memory for a sample");
    enum fault f = contract_sample_end(&n->sample, reading, &parquet, why);
    contract_sample_release(&n->sample);
    if (f || reading->columns.count == 0)
        return f;
    n->contract.row.parquet = n->contract.row.parquet || parquet;
    const char *name = n->merged ? disagreement(all, &reading->columns) : NULL;
    if (name && !n->disagrees[0])
        (void)snprintf(n->disagrees, sizeof n->disagrees, "%s", name);
    f = columns_merge(all, &reading->columns, !n->merged, NULL, NULL, why);
    n->merged = true;
    return f;
}

/* Not a form, or one without terms: as FastAPI says it. */
static void no_terms(struct validate *v)
{
    const struct validate_loc loc = { { "body", "contract" } };
    validate_error_text(v, "missing", &loc, "Field required", NULL, NULL);
}

static void put_object(void *object)
{
    json_object_put(object);
}

static enum fault terms_parse(struct negotiation *n, struct validate *v, struct problem *why)
{
    const struct validate_loc loc = { { "body", "contract" } };
    struct problem of_parser = PROBLEM_NONE;
    struct json_error error = { 0, "Expecting value" };
    json_object *body = NULL;
    const char *text = text_string(&n->terms_text);
    enum fault f = json_parse(text, n->terms_text.len, &body, &error, &of_parser);
    if (f == FAULT_MALFORMED) {
        validate_error_text(v, "json_invalid", &loc, "JSON decode error", text, NULL);
        return FAULT_NONE;
    }
    if (f) {
        *why = of_parser;
        return f;
    }
    if (!arena_defer(n->x->arena, put_object, body))
        return problem_set(why, FAULT_TOO_LARGE, "the terms are too large");
    return contract_terms_read(v, body, &n->terms, why);
}

/* ---- what is agreed on ---- */

static enum fault no_source(struct exchange *x, int status, const char *message,
                            struct problem *why)
{
    return contract_refuse(x, status, "schema_source_required", message,
                           ",\"modes\":[\"declared\",\"infer\",\"dataset\"]", why);
}

/* "ct_20260102030405_" and random digits. */
static void id_make(const struct exchange *x, char out[OPTERYX_SESSION_ID_MAX])
{
    enum { ID_RANDOM = 6 };
    char iso[CLOCK_ISO_MAX];
    size_t len = strlen(CONTRACT_PREFIX);
    (void)snprintf(out, OPTERYX_SESSION_ID_MAX, "%s", CONTRACT_PREFIX);
    clock_iso(x->now, iso);
    for (const char *at = iso; *at; at++) {
        if (isdigit((unsigned char)*at))
            out[len++] = *at;
    }
    out[len++] = '_';
    text_hex(x->random, ID_RANDOM, out + len);
}

static enum fault dataset_look(struct db *db, void *ctx, struct problem *why)
{
    struct negotiation *n = ctx;
    n->exists = false;
    return opteryx_store_dataset_get(db, &n->terms.target, n->contract.arena, &n->dataset,
                                     &n->exists, why);
}

static enum fault exists_already(struct negotiation *n, const char *detail, struct problem *why)
{
    char message[PROBLEM_TEXT_MAX];
    (void)snprintf(message, sizeof message, "%.400s exists already%s%.400s",
                   opteryx_request_table(n->x, &n->terms.target), detail[0] ? ": " : "", detail);
    return contract_refuse(n->x, OPTERYX_CONFLICT, "dataset_exists", message, "", why);
}

/* Declared columns onto a dataset that is appended to: they take its rows, too. */
static enum fault declared_fits(struct negotiation *n, struct problem *why)
{
    struct columns known;
    struct columns both;
    columns_init(&known, n->contract.arena);
    columns_init(&both, n->contract.arena);
    enum fault f = columns_read(&known, n->dataset.columns, why);
    return f ? f : columns_append(&known, &n->terms.columns, &both, why);
}

/* Which mode it is in the end; *replied when it is none. */
static enum fault resolve(struct negotiation *n, bool *replied, struct problem *why)
{
    struct contract_terms *terms = &n->terms;
    struct problem of_columns = PROBLEM_NONE;
    *replied = true;
    if (terms->mode == CONTRACT_NO_MODE)
        return no_source(n->x, OPTERYX_BAD_REQUEST, "say where the schema comes from", why);
    if (terms->mode == CONTRACT_AUTO)
        terms->mode = n->exists ? CONTRACT_DATASET : CONTRACT_INFER;
    if (terms->mode != CONTRACT_DECLARED && n->samples == 0)
        return problem_set(why, FAULT_UNPROCESSABLE, "a sample is needed");
    if (terms->mode == CONTRACT_DATASET && !n->exists)
        return no_source(n->x, OPTERYX_CONFLICT,
                         "the dataset does not exist; declare or infer its columns", why);
    if (n->exists && (terms->mode == CONTRACT_INFER || terms->on_conflict == OPTERYX_FAIL))
        return exists_already(n, "", why);
    if (terms->mode == CONTRACT_DECLARED)
        terms->overwrites = terms->overwrites || terms->on_conflict == OPTERYX_OVERWRITE;
    if (n->exists && terms->mode == CONTRACT_DECLARED && !terms->overwrites) {
        const enum fault f = declared_fits(n, &of_columns);
        if (f == FAULT_CONFLICT)
            return exists_already(n, of_columns.text, why);
        if (f) {
            *why = of_columns;
            return f;
        }
    }
    *replied = false;
    return FAULT_NONE;
}

static enum fault copy(struct columns *to, const struct columns *from, bool nullable,
                       struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < from->count; i++) {
        const struct column *column = &from->list[i];
        if (!columns_find(to, column->name))
            f = columns_add(to, column->name, strlen(column->name), &column->type,
                            nullable || column->nullable, why);
    }
    return f;
}

static enum fault fill(struct negotiation *n, struct problem *why)
{
    static const char *const modes[] = { "declared", "infer", "dataset" };
    struct contract *contract = &n->contract;
    struct opteryx_contract *row = &contract->row;
    struct exchange *x = n->x;
    struct text sampled;
    const enum contract_mode mode = n->terms.mode;
    enum fault f = FAULT_NONE;
    if (mode == CONTRACT_DATASET)
        f = columns_read(&contract->columns, n->dataset.columns, why);
    else
        f = copy(&contract->columns,
                 mode == CONTRACT_DECLARED ? &n->terms.columns : &contract->sampled, true, why);
    if (!f)
        f = copy(&contract->ignored, &n->terms.ignored, true, why);
    text_init(&sampled, JSON_BODY_MAX);
    columns_write(&contract->sampled, &sampled);
    row->sampled = text_failed(&sampled)
                       ? NULL
                       : arena_strdup(contract->arena, text_string(&sampled), sampled.len);
    text_release(&sampled);
    if (!f && !row->sampled)
        f = problem_set(why, FAULT_TOO_LARGE, "the samples have too many columns");
    row->mode = modes[mode];
    row->overwrites = n->terms.overwrites && n->exists;
    row->state = mode == CONTRACT_INFER ? OPTERYX_PROPOSED : OPTERYX_ACCEPTED;
    row->structure = n->exists ? n->dataset.structure_id : NULL;
    row->base = n->exists ? n->dataset.commit_id : NULL;
    row->declared = n->exists ? n->dataset.columns : NULL;
    row->session.target = n->terms.target;
    row->session.has_target = true;
    row->session.owner = x->who->name;
    row->session.owner_id = x->who->id;
    row->session.created_at = x->now;
    row->session.expires_at = x->now + x->config->session_hours * CLOCK_HOUR_MS;
    id_make(x, row->session.id);
    contract->fixed = mode != CONTRACT_INFER;
    return f ? f : contract_seal(contract, why);
}

/* A name to ignore that nothing has. */
static const char *ignored_missing(const struct negotiation *n)
{
    for (size_t i = 0; i < n->terms.ignored.count; i++) {
        const char *name = n->terms.ignored.list[i].name;
        if (!columns_find(&n->contract.columns, name) && !columns_find(&n->contract.sampled, name))
            return name;
    }
    return NULL;
}

/* The new contract, with a value of each column beside it. */
static enum fault reply_made(struct negotiation *n, struct problem *why)
{
    struct text values;
    text_init(&values, JSON_BODY_MAX);
    text_addc(&values, '{');
    for (size_t i = 0; i < n->values.names.count; i++) {
        const char *name = n->values.names.list[i].name;
        text_adds(&values, i ? "," : "");
        json_quote(&values, name, strlen(name));
        text_addc(&values, ':');
        json_quote(&values, n->values.texts[i], strlen(n->values.texts[i]));
    }
    text_addc(&values, '}');
    enum fault f = text_failed(&values) ? opteryx_request_no_memory(why)
                                        : contract_reply(&n->contract, OPTERYX_CREATED,
                                                         text_string(&values), false, why);
    text_release(&values);
    return f;
}

static enum fault agree(struct negotiation *n, struct problem *why)
{
    bool replied = false;
    struct exchange *x = n->x;
    const char *table = opteryx_request_table(x, &n->terms.target);
    enum fault f =
        table ? auth_require(x, RIGHT_WRITE, table, why) : opteryx_request_no_memory(why);
    if (f)
        return f;
    if (n->terms.unknown_type)
        return contract_refuse_type(x, n->terms.unknown_column, n->terms.unknown_type, why);
    if (n->disagrees[0]) {
        const struct contract_issue issue = { "sources_disagree", n->disagrees,
                                              "the samples do not have the same columns", true };
        return contract_refuse_issue(x, &issue, why);
    }
    f = db_read(x->db, dataset_look, n, why);
    if (!f)
        f = resolve(n, &replied, why);
    if (f || replied)
        return f;
    f = fill(n, why);
    const char *missing = f ? NULL : ignored_missing(n);
    if (missing)
        return contract_refuse_missing(x, missing, why);
    if (!f)
        f = opteryx_store_contract_add(x->db, &n->contract.row, OPTERYX_CONTRACTS_OPEN_MAX, why);
    if (!f)
        f = reply_made(n, why);
    return f;
}

/* Once the caller may write at all: the form, its terms, and the rest. */
static enum fault negotiate(struct negotiation *n, struct validate *v, struct problem *why)
{
    static const struct multipart_sink sink = { part_begin, part_body, part_end };
    struct problem of_form = PROBLEM_NONE;
    enum fault f = exchange_multipart(n->x, &sink, n, &of_form);
    const bool no_form = f && of_form.code &&
                         (strcmp(of_form.code, MULTIPART_NO_TYPE) == 0 ||
                          strcmp(of_form.code, MULTIPART_NOT_MULTIPART) == 0);
    if (f && !no_form) {
        *why = of_form;
        return f;
    }
    if (no_form || !n->has_terms) {
        no_terms(v);
        return opteryx_refuse_invalid(n->x, v, why);
    }
    f = terms_parse(n, v, why);
    if (f)
        return f;
    return v->count ? opteryx_refuse_invalid(n->x, v, why) : agree(n, why);
}

enum fault opteryx_contract_negotiate(struct exchange *x, struct problem *why)
{
    struct validate v;
    struct arena *arena = arena_create(CONTRACT_ARENA_MAX);
    struct negotiation n = { .x = x, .scratch = arena_create(ARENA_MAX) };
    validate_init(&v);
    text_init(&n.terms_text, OPTERYX_CONTRACT_MAX);
    contract_init(&n.contract, x, arena);
    columns_init(&n.terms.columns, arena);
    columns_init(&n.terms.ignored, arena);
    columns_init(&n.values.names, arena);
    enum fault f = auth_require(x, RIGHT_WRITE, NULL, why);
    if (!f && arena && n.scratch)
        n.values.texts = arena_alloc(arena, OPTERYX_COLUMNS_MAX * sizeof *n.values.texts);
    if (!f && !n.values.texts)
        f = opteryx_request_no_memory(why);
    if (!f)
        f = negotiate(&n, &v, why);
    contract_sample_release(&n.sample);
    contract_release(&n.contract);
    text_release(&n.terms_text);
    validate_release(&v);
    arena_destroy(n.scratch);
    arena_destroy(arena);
    return f;
}
