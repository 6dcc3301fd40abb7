#include "opteryx/dataset.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "tabular/columns.h"
#include "tabular/format.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

static enum fault no_dataset(struct problem *why)
{
    return problem_set(why, FAULT_MISSING, "Dataset not found");
}

/* The name in the path, once the caller has the right to it. */
static enum fault target_find(struct exchange *x, enum right right, struct opteryx_target *target,
                              struct problem *why)
{
    const char *path = exchange_path(x, 0);
    const bool named = validate_target(path, target);
    enum fault f = auth_require(x, right, named ? path : NULL, why);
    return f || named ? f : no_dataset(why);
}

/* Begins a look at the rows, which look_end() ends, with those of the path's dataset.  They are of
 * one moment, so that a dataset that is dropped meanwhile is not mixed with its successor.  arena:
 * for the columns; NULL without them. */
static enum fault look_begin(struct exchange *x, struct arena *arena, struct opteryx_target *target,
                             struct opteryx_dataset *dataset, struct problem *why)
{
    bool found = false;
    enum fault f = target_find(x, RIGHT_READ, target, why);
    if (!f)
        f = db_read_begin(x->db, why);
    if (!f)
        f = opteryx_store_dataset_get(x->db, target, arena, dataset, &found, why);
    return f || found ? f : no_dataset(why);
}

/* Ends it, with f so far: what was read, or not found, is made durable before anybody hears of it. */
static enum fault look_end(struct exchange *x, enum fault f, struct problem *why)
{
    struct problem of_settling = PROBLEM_NONE;
    db_read_end(x->db);
    if ((f && f != FAULT_MISSING) || db_settle(x->db, &of_settling) == FAULT_NONE)
        return f;
    *why = of_settling;
    return of_settling.fault;
}

/* Adds "name": value; value NULL means that there was no memory for it. */
static bool add(json_object *object, const char *name, json_object *value)
{
    return value && json_add(object, name, value);
}

static bool add_text(json_object *object, const char *name, const char *text)
{
    return json_add(object, name, json_string(text));
}

static bool add_number(json_object *object, const char *name, int64_t number)
{
    return add(object, name, json_object_new_int64(number));
}

static bool add_time(json_object *object, const char *name, int64_t at)
{
    char iso[CLOCK_ISO_MAX];
    clock_iso(at, iso);
    return add_text(object, name, iso);
}

static bool add_totals(json_object *object, const struct opteryx_totals *totals)
{
    json_object *made = json_object_new_object();
    return add(object, "totals", made) && add_number(made, "files", totals->files) &&
           add_number(made, "rows", totals->rows) && add_number(made, "bytes", totals->bytes);
}

static bool add_change(json_object *object, const char *name, int64_t files, int64_t rows)
{
    json_object *made = json_object_new_object();
    return add(object, name, made) && add_number(made, "files", files) &&
           add_number(made, "rows", rows);
}

static bool snapshot_fill(json_object *object, const struct opteryx_snapshot *s)
{
    return add_text(object, "commit_id", s->commit_id) &&
           add_number(object, "sequence", s->sequence) && add_text(object, "parent", s->parent) &&
           add_text(object, "operation", s->operation) && add_text(object, "message", s->message) &&
           add_text(object, "author", s->author) && add_time(object, "at", s->at) &&
           add_change(object, "added", s->files_added, s->rows_added) &&
           add_change(object, "removed", s->files_removed, s->rows_removed) &&
           add_totals(object, &s->totals);
}

/* The columns of a row, as clients read them. */
static bool add_schema(struct exchange *x, json_object *object, const char *json,
                       struct problem *why)
{
    struct columns columns;
    columns_init(&columns, x->arena);
    return columns_read(&columns, json, why) == FAULT_NONE &&
           add(object, "schema", opteryx_request_schema(&columns));
}

/* Answers with body when ok, else with the reason or the lack of memory. */
static enum fault answer(struct exchange *x, bool ok, json_object *body, struct problem *why)
{
    if (ok)
        return exchange_reply_json(x, OPTERYX_OK, body, why);
    json_object_put(body);
    return why->fault ? why->fault : opteryx_request_no_memory(why);
}

/* ---- lists ---- */

/* One page of a list while it is filled. */
struct page {
    struct exchange *x;
    json_object *entries;
    int64_t limit;
    int64_t count;
    size_t bytes;           /* of the entries' texts that clients chose */
    int64_t last;           /* the number of the last entry */
    const char *workspace;  /* NULL: all */
    const char *collection; /* NULL: all */
    const char *table;      /* of the files, or of the last dataset */
    bool more;
};

/* A new entry with a text of the client's, which may be NULL; NULL when the page is full, which sets
 * more, or without memory, which sets why. */
static json_object *entry_add(struct page *page, const char *text, struct problem *why)
{
    if (page->count == page->limit || page->bytes > OPTERYX_PAGE_BYTES) {
        page->more = true;
        return NULL;
    }
    page->count++;
    page->bytes += text ? strlen(text) : 0;
    json_object *entry = json_object_new_object();
    if (!entry || json_object_array_add(page->entries, entry) != 0) {
        json_object_put(entry);
        (void)opteryx_request_no_memory(why);
        return NULL;
    }
    return entry;
}

/* ?limit= and, where lists go by numbers, ?after=. */
static enum fault page_begin(struct exchange *x, struct page *page, int64_t *after, bool *invalid,
                             struct problem *why)
{
    const struct validate_bounds limit = { "query", "limit", 1, OPTERYX_PAGE_MAX };
    const struct validate_bounds past = { "query", "after", 0, INT32_MAX };
    struct validate v;
    enum fault f = FAULT_NONE;
    *page = (struct page){ .x = x, .limit = OPTERYX_PAGE };
    validate_init(&v);
    validate_integer(&v, &limit, exchange_query(x, "limit"), &page->limit);
    if (after)
        validate_integer(&v, &past, exchange_query(x, "after"), after);
    *invalid = v.count > 0;
    if (*invalid)
        f = opteryx_refuse_invalid(x, &v, why);
    validate_release(&v);
    page->entries = *invalid ? NULL : json_object_new_array();
    return !f && !*invalid && !page->entries ? opteryx_request_no_memory(why) : f;
}

/* The entries and the way to the next page; next: its after, taken. */
static bool page_add(struct page *page, json_object *body, const char *name, json_object *next)
{
    const bool ok = json_add(body, name, json_object_get(page->entries));
    return json_add(body, "next", next) && ok;
}

/* Whether a name is behind all that the filter lets through. */
static bool is_past(const struct page *page, const struct opteryx_target *target)
{
    const int workspace = page->workspace ? strcmp(target->workspace, page->workspace) : -1;
    const int collection = page->collection ? strcmp(target->collection, page->collection) : -1;
    return workspace > 0 || (workspace == 0 && collection > 0);
}

static bool is_listed(const struct page *page, const struct opteryx_target *target)
{
    char table[sizeof *target];
    (void)snprintf(table, sizeof table, "%s.%s.%s", target->workspace, target->collection,
                   target->dataset);
    return (!page->workspace || strcmp(target->workspace, page->workspace) == 0) &&
           (!page->collection || strcmp(target->collection, page->collection) == 0) &&
           auth_scope_matches(page->x->who->scope, table);
}

static enum fault list_each(void *ctx, const struct opteryx_listed *listed, bool *enough,
                            struct problem *why)
{
    struct page *page = ctx;
    *enough = is_past(page, &listed->target);
    if (*enough || !is_listed(page, &listed->target))
        return FAULT_NONE;
    json_object *entry = entry_add(page, NULL, why);
    *enough = page->more;
    if (!entry)
        return why->fault;
    page->table = opteryx_request_table(page->x, &listed->target);
    if (!add_text(entry, "table", page->table) || !page->table ||
        !add_text(entry, "commit_id", listed->commit_id) || !add_totals(entry, &listed->totals) ||
        !add_time(entry, "changed_at", listed->changed_at))
        return opteryx_request_no_memory(why);
    return FAULT_NONE;
}

/* The one workspace that the caller's scope lies in; NULL when there may be more. */
static const char *scope_workspace(struct exchange *x)
{
    const char *scope = x->who->scope;
    const size_t len = strcspn(scope, ".,*?[");
    return scope[len] == '.' && !strchr(scope, ',') ? arena_strdup(x->arena, scope, len) : NULL;
}

/* Moves the start of the list to what the filter lets through; false when that is nothing. */
static bool list_seek(const struct page *page, struct opteryx_target *after)
{
    const char *const collection = page->collection ? page->collection : "";
    if ((page->workspace && !validate_is_name(page->workspace)) ||
        (page->collection && !validate_is_name(page->collection)))
        return false;
    if (!page->workspace)
        return true;
    const int workspace = strcmp(after->workspace, page->workspace);
    if (workspace < 0 || (workspace == 0 && strcmp(after->collection, collection) < 0)) {
        (void)snprintf(after->workspace, sizeof after->workspace, "%s", page->workspace);
        (void)snprintf(after->collection, sizeof after->collection, "%s", collection);
        after->dataset[0] = '\0';
    }
    return true;
}

enum fault opteryx_dataset_list(struct exchange *x, struct problem *why)
{
    struct page page;
    struct opteryx_target after = { .workspace = "" };
    bool invalid = false;
    const char *text = exchange_query(x, "after");
    enum fault f = page_begin(x, &page, NULL, &invalid, why);
    if (f || invalid)
        return f;
    page.workspace = exchange_query(x, "workspace");
    page.collection = exchange_query(x, "collection");
    if (text && !validate_target(text, &after))
        f = problem_set(why, FAULT_UNPROCESSABLE, "after is not the name of a dataset");
    if (!f)
        f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f && !page.workspace)
        page.workspace = scope_workspace(x);
    if (!f && list_seek(&page, &after))
        f = opteryx_store_dataset_list(x->db, &after, list_each, &page, why);
    if (!f)
        f = db_settle(x->db, why);
    if (!f) {
        json_object *body = json_object_new_object();
        json_object *next = page.more ? json_string(page.table) : NULL;
        f = answer(x, page_add(&page, body, "datasets", next), body, why);
    }
    json_object_put(page.entries);
    return f;
}

static enum fault snapshots_each(void *ctx, const struct opteryx_snapshot *snapshot, bool *enough,
                                 struct problem *why)
{
    struct page *page = ctx;
    json_object *entry = entry_add(page, snapshot->message, why);
    *enough = page->more;
    if (!entry)
        return why->fault;
    page->last = snapshot->sequence;
    return snapshot_fill(entry, snapshot) ? FAULT_NONE : opteryx_request_no_memory(why);
}

enum fault opteryx_dataset_snapshots(struct exchange *x, struct problem *why)
{
    struct page page;
    struct opteryx_target target = { .workspace = "" };
    struct opteryx_dataset dataset = { .number = 0 };
    int64_t before = INT64_MAX;
    bool invalid = false;
    enum fault f = page_begin(x, &page, &before, &invalid, why);
    if (f || invalid)
        return f;
    f = look_begin(x, NULL, &target, &dataset, why);
    if (!f)
        f = opteryx_store_dataset_snapshots(x->db, dataset.number, before, page.limit + 1,
                                            snapshots_each, &page, why);
    f = look_end(x, f, why);
    if (!f) {
        json_object *body = json_object_new_object();
        json_object *next = page.more ? json_object_new_int64(page.last) : NULL;
        f = answer(x, page_add(&page, body, "snapshots", next), body, why);
    }
    json_object_put(page.entries);
    return f;
}

/* ---- one of each ---- */

enum fault opteryx_dataset_show(struct exchange *x, struct problem *why)
{
    struct opteryx_target target = { .workspace = "" };
    struct opteryx_dataset dataset = { .number = 0 };
    struct opteryx_snapshot snapshot = { .sequence = 0 };
    enum fault f = look_begin(x, x->arena, &target, &dataset, why);
    if (!f)
        f = opteryx_store_dataset_snapshot(x->db, dataset.number, dataset.commit_id, x->arena,
                                           &snapshot, why);
    f = look_end(x, f, why);
    if (f)
        return f;
    json_object *body = json_object_new_object();
    json_object *current = json_object_new_object();
    const bool ok = add(body, "snapshot", current) &&
                    add_text(body, "table", opteryx_request_table(x, &target)) &&
                    add_text(body, "workspace", target.workspace) &&
                    add_text(body, "collection", target.collection) &&
                    add_text(body, "dataset", target.dataset) &&
                    add_schema(x, body, dataset.columns, why) &&
                    snapshot_fill(current, &snapshot) && add_totals(body, &dataset.totals) &&
                    add_time(body, "created_at", dataset.created_at);
    return answer(x, ok, body, why);
}

static enum fault files_each(void *ctx, const struct opteryx_file *file, bool *enough,
                             struct problem *why)
{
    struct page *page = ctx;
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    json_object *entry = entry_add(page, file->name, why);
    *enough = page->more;
    if (!entry)
        return why->fault;
    page->last = file->number;
    text_hex(file->sha256, sizeof file->sha256, digest);
    const char *url =
        arena_printf(page->x->arena, "%s/v1/datasets/%s/files/%lld", exchange_base_url(page->x),
                     page->table, (long long)file->number);
    if (!url || !add_number(entry, "number", file->number) ||
        !add_text(entry, "name", file->name) || !add_text(entry, "kind", file->kind) ||
        !add_number(entry, "rows", file->rows) || !add_number(entry, "bytes", file->bytes) ||
        !add_text(entry, "sha256", digest) || !add_text(entry, "url", url))
        return opteryx_request_no_memory(why);
    return FAULT_NONE;
}

/* The body of a snapshot's answer, its page of files filled already. */
static enum fault snapshot_answer(struct exchange *x, struct page *page,
                                  const struct opteryx_snapshot *snapshot, const char *columns,
                                  struct problem *why)
{
    json_object *body = json_object_new_object();
    json_object *next = page->more ? json_object_new_int64(page->last) : NULL;
    const bool ok = page_add(page, body, "files", next) && snapshot_fill(body, snapshot) &&
                    add_schema(x, body, columns, why);
    return answer(x, ok, body, why);
}

enum fault opteryx_dataset_snapshot(struct exchange *x, struct problem *why)
{
    struct page page;
    struct opteryx_target target = { .workspace = "" };
    struct opteryx_dataset dataset = { .number = 0 };
    struct opteryx_snapshot snapshot = { .sequence = 0 };
    const char *columns = NULL;
    int64_t after = 0;
    bool invalid = false;
    enum fault f = page_begin(x, &page, &after, &invalid, why);
    if (f || invalid)
        return f;
    f = look_begin(x, NULL, &target, &dataset, why);
    page.table = exchange_path(x, 0);
    if (!f)
        f = opteryx_store_dataset_snapshot(x->db, dataset.number, exchange_path(x, 1), x->arena,
                                           &snapshot, why);
    if (!f)
        f = opteryx_store_dataset_columns(x->db, dataset.number, snapshot.structure, x->arena,
                                          &columns, why);
    const struct opteryx_files wanted = {
        .dataset = dataset.number, .snapshot = &snapshot, .after = after, .most = page.limit + 1
    };
    if (!f)
        f = opteryx_store_dataset_files(x->db, &wanted, files_each, &page, why);
    f = look_end(x, f, why);
    if (!f)
        f = snapshot_answer(x, &page, &snapshot, columns, why);
    json_object_put(page.entries);
    return f;
}

/* The file whose number ctx points to. */
static enum fault file_find(struct exchange *x, void *ctx, struct exchange_content *out,
                            struct problem *why)
{
    const int64_t *number = ctx;
    struct opteryx_target target = { .workspace = "" };
    struct opteryx_dataset dataset = { .number = 0 };
    struct opteryx_file file = { .number = 0 };
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    enum fault f = look_begin(x, NULL, &target, &dataset, why);
    if (!f)
        f = opteryx_store_dataset_file(x->db, dataset.number, *number, x->arena, &file, why);
    f = look_end(x, f, why);
    if (f)
        return f;
    text_hex(file.sha256, sizeof file.sha256, digest);
    *out = (struct exchange_content){ .ref = file.ref,
                                      .content_type = format_media_type(file.kind),
                                      .etag = arena_printf(x->arena, "\"%s\"", digest) };
    return FAULT_NONE;
}

enum fault opteryx_dataset_file(struct exchange *x, struct problem *why)
{
    const struct validate_bounds bounds = { "path", "number", 1, INT32_MAX };
    struct validate v;
    int64_t number = 0;
    enum fault f = FAULT_NONE;
    validate_init(&v);
    validate_integer(&v, &bounds, exchange_path(x, 1), &number);
    const bool invalid = v.count > 0;
    if (invalid)
        f = opteryx_refuse_invalid(x, &v, why);
    validate_release(&v);
    return invalid ? f : exchange_reply_content(x, file_find, &number, why);
}

/* ---- going back ---- */

static enum fault rollback_checked(struct exchange *x, const char *to, struct problem *why)
{
    struct opteryx_target target = { .workspace = "" };
    struct opteryx_dataset dataset = { .number = 0 };
    struct opteryx_snapshot snapshot = { .sequence = 0 };
    char id[OPTERYX_COMMIT_ID_MAX];
    enum fault f = target_find(x, RIGHT_WRITE, &target, why);
    if (f)
        return f;
    opteryx_request_commit_id(x, id);
    const struct opteryx_rollback rollback = { .target = &target,
                                               .to = to,
                                               .id = id,
                                               .if_match = opteryx_request_if_match(x),
                                               .author = x->who->name,
                                               .now = x->now };
    f = opteryx_store_dataset_rollback(x->db, &rollback, why);
    if (f)
        return f;
    f = look_begin(x, NULL, &target, &dataset, why);
    if (!f)
        f = opteryx_store_dataset_snapshot(x->db, dataset.number, id, x->arena, &snapshot, why);
    f = look_end(x, f, why);
    if (f)
        return f;
    json_object *body = json_object_new_object();
    return answer(x, snapshot_fill(body, &snapshot), body, why);
}

enum fault opteryx_dataset_rollback(struct exchange *x, struct problem *why)
{
    struct validate v;
    json_object *body = NULL;
    const char *to = NULL;
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, false, &body, why);
    if (!f && v.count == 0)
        validate_rollback(&v, body, &to);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why) : rollback_checked(x, to, why);
    validate_release(&v);
    return f;
}
