#include "opteryx/contract.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "stream/digest.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum {
    CONTRACT_TEXT_MAX = 12 * MIB, /* bytes of a contract as JSON */
    EXTRA_MAX = 16 * KIB,         /* of the members of a refusal */
};

void contract_init(struct contract *contract, struct exchange *x, struct arena *arena)
{
    *contract = (struct contract){ .x = x, .arena = arena };
    columns_init(&contract->columns, arena);
    columns_init(&contract->sampled, arena);
    columns_init(&contract->ignored, arena);
    text_init(&contract->writes, JSON_BODY_MAX);
}

void contract_release(struct contract *contract)
{
    text_release(&contract->writes);
}

enum fault contract_names(const char *json, struct columns *out, struct problem *why)
{
    const struct type none = { .kind = TYPE_NULL };
    json_object *list = NULL;
    struct problem of_parser = PROBLEM_NONE;
    enum fault f = json_parse(json, strlen(json), &list, NULL, &of_parser);
    if (f || !json_object_is_type(list, json_type_array))
        f = problem_internal(why, "a list of names is damaged");
    for (size_t i = 0; !f && i < json_object_array_length(list); i++) {
        json_object *name = json_object_array_get_idx(list, i);
        f = columns_add(out, json_object_get_string(name), (size_t)json_object_get_string_len(name),
                        &none, true, why);
    }
    json_object_put(list);
    return f;
}

static enum fault written(void *ctx, const struct opteryx_written *write, struct problem *why)
{
    struct contract *contract = ctx;
    struct text *out = &contract->writes;
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    const char *source = write->source ? write->source : "";
    text_hex(write->sha256, sizeof write->sha256, digest);
    text_adds(out, contract->write_count++ ? "," : "");
    contract->last_at = (int64_t)out->len;
    text_adds(out, "{\"source\":");
    json_quote(out, source, strlen(source));
    text_addf(out, ",\"rows\":%lld,\"bytes\":%lld,\"object\":\"%s\"}", (long long)write->rows,
              (long long)write->bytes, digest);
    if (__builtin_add_overflow(contract->rows, write->rows, &contract->rows) || text_failed(out))
        return problem_set(why, FAULT_TOO_LARGE, "the contract's writes take too much room");
    return FAULT_NONE;
}

static enum fault look(struct db *db, void *ctx, struct problem *why)
{
    struct contract *contract = ctx;
    struct exchange *x = contract->x;
    arena_reset(contract->arena);
    contract_release(contract);
    contract_init(contract, x, contract->arena);
    enum fault f = opteryx_store_contract_get(db, exchange_path(x, 0), x->who->id, x->now,
                                              contract->arena, &contract->row, why);
    if (!f)
        f = columns_read(&contract->columns, contract->row.columns, why);
    if (!f)
        f = columns_read(&contract->sampled, contract->row.sampled, why);
    if (!f)
        f = contract_names(contract->row.ignored, &contract->ignored, why);
    if (!f)
        f = opteryx_store_contract_writes(db, contract->row.session.id, written, contract, why);
    contract->fixed = !f && strcmp(contract->row.mode, "infer") != 0;
    return f;
}

enum fault contract_reload(struct contract *contract, struct problem *why)
{
    return db_read(contract->x->db, look, contract, why);
}

enum fault contract_load(struct contract *contract, enum right right, struct problem *why)
{
    struct exchange *x = contract->x;
    enum fault f = auth_require(x, right, NULL, why);
    if (!f)
        f = contract_reload(contract, why);
    const char *table = f ? NULL : opteryx_request_table(x, &contract->row.session.target);
    if (!f && !table)
        f = opteryx_request_no_memory(why);
    return f ? f : auth_require(x, right, table, why);
}

struct opteryx_contract_at contract_at(const struct contract *contract)
{
    return (struct opteryx_contract_at){ .id = contract->row.session.id,
                                         .owner_id = contract->x->who->id,
                                         .now = contract->x->now };
}

/* A JSON list of the names. */
static void names_write(const struct columns *names, struct text *out)
{
    text_addc(out, '[');
    for (size_t i = 0; i < names->count; i++) {
        text_adds(out, i ? "," : "");
        json_quote(out, names->list[i].name, strlen(names->list[i].name));
    }
    text_addc(out, ']');
}

static const char *keep(struct contract *contract, const struct text *text)
{
    return text_failed(text) ? NULL : arena_strdup(contract->arena, text_string(text), text->len);
}

enum fault contract_seal(struct contract *contract, struct problem *why)
{
    uint8_t digest[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    struct text text;
    text_init(&text, CONTRACT_TEXT_MAX);
    names_write(&contract->ignored, &text);
    contract->row.ignored = keep(contract, &text);
    text_clear(&text);
    columns_write(&contract->columns, &text);
    contract->row.columns = keep(contract, &text);
    text_addc(&text, '\n');
    if (contract->row.ignored)
        text_adds(&text, contract->row.ignored);
    digest_sha256_of(text_string(&text), text.len, digest);
    text_hex(digest, sizeof digest, hex);
    contract->row.fingerprint = arena_strdup(contract->arena, hex, sizeof hex - 1);
    const bool failed = text_failed(&text) || !contract->row.ignored || !contract->row.columns ||
                        !contract->row.fingerprint;
    text_release(&text);
    return failed ? problem_set(why, FAULT_TOO_LARGE, "the columns take too much room")
                  : FAULT_NONE;
}

enum fault contract_schema(const struct contract *contract, struct columns *out,
                           struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < contract->columns.count; i++) {
        const struct column *column = &contract->columns.list[i];
        if (!columns_find(&contract->ignored, column->name))
            f = columns_add(out, column->name, strlen(column->name), &column->type,
                            column->nullable, why);
    }
    return f;
}

/* ---- the plan ---- */

enum plan_action contract_plan(const struct contract *contract, const struct column *from,
                               const struct column **to, struct contract_issue *issue,
                               bool *has_issue)
{
    char words[2][TYPE_TEXT_MAX];
    const struct column *known = columns_find(&contract->columns, from->name);
    *has_issue = false;
    *to = known ? known : from;
    if (columns_find(&contract->ignored, from->name))
        return PLAN_IGNORED;
    if (!known) {
        *has_issue = true;
        *issue = (struct contract_issue){ "column_undeclared", from->name, "", true };
        (void)snprintf(issue->detail, sizeof issue->detail,
                       "column '%.256s' is not declared; ignore it or declare it", from->name);
        return PLAN_UNDECLARED;
    }
    const enum plan_action action = plan_of(&from->type, &known->type, !contract->row.parquet);
    if (action == PLAN_UNSUPPORTED) {
        type_print(&from->type, words[0]);
        type_print(&known->type, words[1]);
        *has_issue = true;
        *issue = (struct contract_issue){ "cast_unsupported", from->name, "", true };
        (void)snprintf(issue->detail, sizeof issue->detail,
                       "column '%.256s' of type %s cannot be stored as %s", from->name, words[0],
                       words[1]);
    }
    return !contract->fixed && action == PLAN_KEEP ? PLAN_UNDECLARED : action;
}

bool contract_lacks(const struct contract *contract, const struct column *column,
                    struct contract_issue *issue)
{
    if (contract->sampled.count == 0 || columns_find(&contract->sampled, column->name) ||
        columns_find(&contract->ignored, column->name))
        return false;
    *issue = (struct contract_issue){ "column_missing", column->name, "", !column->nullable };
    (void)snprintf(issue->detail, sizeof issue->detail,
                   column->nullable ? "column '%.256s' is not in the data and becomes null"
                                    : "column '%.256s' is not in the data and may not be null",
                   column->name);
    return true;
}

bool contract_blocked(const struct contract *contract, struct contract_issue *issue)
{
    const struct column *to = NULL;
    bool has_issue = false;
    for (size_t i = 0; i < contract->sampled.count; i++) {
        (void)contract_plan(contract, &contract->sampled.list[i], &to, issue, &has_issue);
        if (has_issue && issue->blocking)
            return true;
    }
    for (size_t i = 0; i < contract->columns.count; i++) {
        if (contract_lacks(contract, &contract->columns.list[i], issue) && issue->blocking)
            return true;
    }
    return false;
}

/* ---- as JSON ---- */

static void add_member(struct text *out, const char *name, const char *value)
{
    text_addf(out, ",\"%s\":", name);
    if (value)
        json_quote(out, value, strlen(value));
    else
        text_adds(out, "null");
}

static void add_target(struct text *out, const struct opteryx_target *target)
{
    text_addf(out, ",\"target\":{\"workspace\":\"%s\",\"collection\":\"%s\",\"dataset\":\"%s\"}",
              target->workspace, target->collection, target->dataset);
}

static void add_schema(struct text *out, const struct contract *contract)
{
    char word[TYPE_TEXT_MAX];
    bool any = false;
    text_adds(out, ",\"schema\":[");
    for (size_t i = 0; i < contract->columns.count; i++) {
        const struct column *column = &contract->columns.list[i];
        if (columns_find(&contract->ignored, column->name))
            continue;
        type_print(&column->type, word);
        text_adds(out, any ? ",{\"name\":" : "{\"name\":");
        json_quote(out, column->name, strlen(column->name));
        text_addf(out, ",\"type\":\"%s\"}", word);
        any = true;
    }
    text_addc(out, ']');
}

static void add_plan(struct text *out, const struct contract *contract)
{
    char words[2][TYPE_TEXT_MAX];
    struct contract_issue issue = { .code = NULL };
    text_adds(out, ",\"plan\":[");
    for (size_t i = 0; i < contract->sampled.count; i++) {
        const struct column *from = &contract->sampled.list[i];
        const struct column *to = NULL;
        bool has_issue = false;
        const enum plan_action action = contract_plan(contract, from, &to, &issue, &has_issue);
        type_print(&from->type, words[0]);
        type_print(&to->type, words[1]);
        text_adds(out, i ? ",{\"column\":" : "{\"column\":");
        json_quote(out, from->name, strlen(from->name));
        text_addf(out, ",\"from\":\"%s\",\"to\":\"%s\",\"action\":\"%s\"}", words[0], words[1],
                  plan_word(action));
    }
    text_addc(out, ']');
}

static void add_issue(struct text *out, const struct contract_issue *issue, size_t *count)
{
    if (*count == OPTERYX_INSPECT_ISSUES_MAX)
        return;
    text_addf(out, "%s{\"code\":\"%s\"", (*count)++ ? "," : "", issue->code);
    add_member(out, "column", issue->column);
    add_member(out, "detail", issue->detail);
    text_addf(out, ",\"severity\":\"%s\"}", issue->blocking ? "blocking" : "warning");
}

static void add_issues(struct text *out, const struct contract *contract)
{
    struct contract_issue issue = { .code = NULL };
    const struct column *to = NULL;
    size_t count = 0;
    bool has_issue = false;
    text_adds(out, ",\"issues\":[");
    for (size_t i = 0; i < contract->sampled.count; i++) {
        (void)contract_plan(contract, &contract->sampled.list[i], &to, &issue, &has_issue);
        if (has_issue)
            add_issue(out, &issue, &count);
    }
    for (size_t i = 0; i < contract->columns.count; i++) {
        if (contract_lacks(contract, &contract->columns.list[i], &issue))
            add_issue(out, &issue, &count);
    }
    text_addc(out, ']');
}

enum fault contract_write(const struct contract *contract, const char *values, bool last,
                          struct text *out, struct problem *why)
{
    char expires_at[CLOCK_ISO_MAX];
    const struct opteryx_contract *row = &contract->row;
    clock_iso(row->session.expires_at, expires_at);
    text_addf(out, "{\"contract_id\":\"%s\",\"state\":\"%s\",\"mode\":\"%s\"", row->session.id,
              opteryx_store_contract_word(row->state), row->mode);
    add_target(out, &row->session.target);
    add_member(out, "write", row->overwrites ? "overwrite" : "append");
    add_schema(out, contract);
    add_plan(out, contract);
    add_issues(out, contract);
    add_member(out, "schema_fingerprint", row->fingerprint);
    if (values)
        text_addf(out, ",\"values\":%s", values);
    if (last)
        text_addf(out, ",\"written\":[%s]", text_string(&contract->writes) + contract->last_at);
    text_addf(out, ",\"writes\":[%s],\"rows_written\":%lld", text_string(&contract->writes),
              (long long)contract->rows);
    add_member(out, "snapshot", row->snapshot);
    add_member(out, "expires_at", expires_at);
    text_addc(out, '}');
    return text_failed(out) ? opteryx_request_no_memory(why) : FAULT_NONE;
}

enum fault contract_reply(const struct contract *contract, int status, const char *values,
                          bool last, struct problem *why)
{
    struct text out;
    text_init(&out, CONTRACT_TEXT_MAX);
    enum fault f = contract_write(contract, values, last, &out, why);
    if (!f)
        f = exchange_reply(contract->x, status, "application/json", text_string(&out), out.len,
                           why);
    text_release(&out);
    return f;
}

enum fault contract_refuse(struct exchange *x, int status, const char *code, const char *message,
                           const char *extra, struct problem *why)
{
    struct text out;
    text_init(&out, JSON_BODY_MAX);
    text_addf(&out, "{\"error\":{\"code\":\"%s\"", code);
    add_member(&out, "message", message);
    text_adds(&out, extra);
    text_adds(&out, "}}");
    enum fault f = text_failed(&out) ? opteryx_request_no_memory(why)
                                     : exchange_reply(x, status, "application/json",
                                                      text_string(&out), out.len, why);
    text_release(&out);
    return f;
}

enum fault contract_refuse_type(struct exchange *x, const char *column, const char *declared,
                                struct problem *why)
{
    static const char vocabulary[] =
        "INT8 to INT64, UINT8 to UINT64, FLOAT32, FLOAT64, BOOL, DATE, TIME, "
        "TIMESTAMP[s|ms|us|ns], DECIMAL(p, s), VARCHAR, NVARCHAR, VARBINARY, VARIANT, IPV4";
    char message[PROBLEM_TEXT_MAX];
    struct text extra;
    text_init(&extra, EXTRA_MAX);
    add_member(&extra, "column", column);
    (void)snprintf(message, sizeof message, "'%.128s' is not a type; types are %s", declared,
                   vocabulary);
    text_addf(&extra, ",\"declared\":");
    json_quote(&extra, declared, strnlen(declared, TYPE_TEXT_MAX));
    enum fault f =
        contract_refuse(x, OPTERYX_INVALID, "type_unknown", message, text_string(&extra), why);
    text_release(&extra);
    return f;
}

enum fault contract_refuse_missing(struct exchange *x, const char *column, struct problem *why)
{
    char message[PROBLEM_TEXT_MAX];
    struct text extra;
    text_init(&extra, EXTRA_MAX);
    text_adds(&extra, ",\"column\":");
    json_quote(&extra, column, strnlen(column, OPTERYX_COLUMN_NAME_MAX));
    (void)snprintf(message, sizeof message, "there is no column '%.256s'", column);
    enum fault f =
        contract_refuse(x, OPTERYX_INVALID, "column_missing", message, text_string(&extra), why);
    text_release(&extra);
    return f;
}

enum fault contract_refuse_issue(struct exchange *x, const struct contract_issue *issue,
                                 struct problem *why)
{
    struct text extra;
    text_init(&extra, EXTRA_MAX);
    add_member(&extra, "column", issue->column);
    enum fault f =
        contract_refuse(x, OPTERYX_CONFLICT, issue->code, issue->detail, text_string(&extra), why);
    text_release(&extra);
    return f;
}
