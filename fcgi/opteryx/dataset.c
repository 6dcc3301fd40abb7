#include "opteryx/dataset.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/dataset_look.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "opteryx/validate.h"
#include "tabular/columns.h"
#include "tabular/format.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* The columns of a row, as clients read them. */
static bool add_schema(struct exchange *x, json_object *object, const char *json,
                       struct problem *why)
{
    struct columns columns;
    columns_init(&columns, x->arena);
    return columns_read(&columns, json, why) == FAULT_NONE &&
           dataset_look_add(object, "schema", opteryx_request_schema(&columns));
}

/* ---- lists ---- */

/* One page of a list while it is filled. */
struct page {
    struct exchange *x;
    json_object *entries;
    int64_t limit;
    int64_t count;
    size_t bytes;                       /* of the entries' texts that clients chose */
    int64_t last;                       /* the number of the last entry */
    const char *workspace;              /* NULL: all */
    const char *collection;             /* NULL: all */
    const char *table;                  /* of the files, or of the last dataset */
    const struct opteryx_target *start; /* of the list of datasets */
    bool more;
};

/* Empties the page, for a transaction that runs again. */
static enum fault page_reset(struct page *page, struct problem *why)
{
    json_object_put(page->entries);
    page->entries = json_object_new_array();
    page->count = 0;
    page->bytes = 0;
    page->more = false;
    return page->entries ? FAULT_NONE : opteryx_request_no_memory(why);
}

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
    return f;
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
    if (!dataset_look_add_text(entry, "table", page->table) || !page->table ||
        !dataset_look_add_text(entry, "commit_id", listed->commit_id) ||
        !dataset_look_add_totals(entry, &listed->totals) ||
        !dataset_look_add_time(entry, "changed_at", listed->changed_at))
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

static enum fault list_look(struct db *db, void *ctx, struct problem *why)
{
    struct page *page = ctx;
    const enum fault f = page_reset(page, why);
    return f ? f : opteryx_store_dataset_list(db, page->start, list_each, page, why);
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
    page.start = &after;
    if (!f && list_seek(&page, &after))
        f = db_read(x->db, list_look, &page, why);
    else if (!f)
        f = page_reset(&page, why);
    if (!f) {
        json_object *body = json_object_new_object();
        json_object *next = page.more ? json_string(page.table) : NULL;
        f = dataset_look_answer(x, page_add(&page, body, "datasets", next), body, why);
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
    return dataset_look_snapshot(entry, snapshot) ? FAULT_NONE : opteryx_request_no_memory(why);
}

static enum fault snapshots_look(struct db *db, void *ctx, struct problem *why)
{
    struct look *look = ctx;
    enum fault f = page_reset(look->page, why);
    if (!f)
        f = dataset_look_get(db, look, NULL, why);
    return f ? f
             : opteryx_store_dataset_snapshots(db, look->dataset.number, look->after,
                                               look->page->limit + 1, snapshots_each, look->page,
                                               why);
}

enum fault opteryx_dataset_snapshots(struct exchange *x, struct problem *why)
{
    struct page page;
    struct look look = { .x = x, .after = INT64_MAX, .page = &page };
    bool invalid = false;
    enum fault f = page_begin(x, &page, &look.after, &invalid, why);
    if (f || invalid)
        return f;
    f = dataset_look_target(x, RIGHT_READ, &look.target, why);
    if (!f)
        f = db_read(x->db, snapshots_look, &look, why);
    if (!f) {
        json_object *body = json_object_new_object();
        json_object *next = page.more ? json_object_new_int64(page.last) : NULL;
        f = dataset_look_answer(x, page_add(&page, body, "snapshots", next), body, why);
    }
    json_object_put(page.entries);
    return f;
}

/* ---- one of each ---- */

static enum fault show_look(struct db *db, void *ctx, struct problem *why)
{
    struct look *look = ctx;
    const enum fault f = dataset_look_get(db, look, look->x->arena, why);
    return f ? f
             : opteryx_store_dataset_snapshot(db, look->dataset.number, look->dataset.commit_id,
                                              look->x->arena, &look->snapshot, why);
}

enum fault opteryx_dataset_show(struct exchange *x, struct problem *why)
{
    struct look look = { .x = x };
    enum fault f = dataset_look_target(x, RIGHT_READ, &look.target, why);
    if (!f)
        f = db_read(x->db, show_look, &look, why);
    if (f)
        return f;
    json_object *body = json_object_new_object();
    json_object *current = json_object_new_object();
    const bool ok = dataset_look_add(body, "snapshot", current) &&
                    dataset_look_add_text(body, "table", opteryx_request_table(x, &look.target)) &&
                    dataset_look_add_text(body, "workspace", look.target.workspace) &&
                    dataset_look_add_text(body, "collection", look.target.collection) &&
                    dataset_look_add_text(body, "dataset", look.target.dataset) &&
                    add_schema(x, body, look.dataset.columns, why) &&
                    dataset_look_snapshot(current, &look.snapshot) &&
                    dataset_look_add_totals(body, &look.dataset.totals) &&
                    dataset_look_add_time(body, "created_at", look.dataset.created_at);
    return dataset_look_answer(x, ok, body, why);
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
    const char *parquet = url ? arena_printf(page->x->arena, "%s.parquet", url) : NULL;
    if (!parquet || !dataset_look_add_number(entry, "number", file->number) ||
        !dataset_look_add_text(entry, "name", file->name) ||
        !dataset_look_add_text(entry, "kind", file->kind) ||
        !dataset_look_add_number(entry, "rows", file->rows) ||
        !dataset_look_add_number(entry, "bytes", file->bytes) ||
        !dataset_look_add_text(entry, "sha256", digest) ||
        !dataset_look_add_text(entry, "url", url) ||
        !dataset_look_add_text(entry, "parquet_url", parquet))
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
    const bool ok = page_add(page, body, "files", next) && dataset_look_snapshot(body, snapshot) &&
                    add_schema(x, body, columns, why);
    return dataset_look_answer(x, ok, body, why);
}

static enum fault snapshot_look(struct db *db, void *ctx, struct problem *why)
{
    struct look *look = ctx;
    struct exchange *x = look->x;
    enum fault f = page_reset(look->page, why);
    if (!f)
        f = dataset_look_get(db, look, NULL, why);
    if (!f)
        f = opteryx_store_dataset_snapshot(db, look->dataset.number, exchange_path(x, 1), x->arena,
                                           &look->snapshot, why);
    if (!f)
        f = opteryx_store_dataset_columns(db, look->dataset.number, look->snapshot.structure,
                                          x->arena, &look->columns, why);
    const struct opteryx_files wanted = { .arena = x->arena,
                                          .dataset = look->dataset.number,
                                          .snapshot = &look->snapshot,
                                          .after = look->after,
                                          .most = look->page->limit + 1 };
    return f ? f : opteryx_store_dataset_files(db, &wanted, files_each, look->page, why);
}

enum fault opteryx_dataset_snapshot(struct exchange *x, struct problem *why)
{
    struct page page;
    struct look look = { .x = x, .page = &page };
    bool invalid = false;
    enum fault f = page_begin(x, &page, &look.after, &invalid, why);
    if (f || invalid)
        return f;
    page.table = exchange_path(x, 0);
    f = dataset_look_target(x, RIGHT_READ, &look.target, why);
    if (!f)
        f = db_read(x->db, snapshot_look, &look, why);
    if (!f)
        f = snapshot_answer(x, &page, &look.snapshot, look.columns, why);
    json_object_put(page.entries);
    return f;
}
