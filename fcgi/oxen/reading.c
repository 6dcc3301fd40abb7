#include "oxen/reading.h"

#include "base/limits.h"
#include "base/number.h"
#include "db/oxen_store_push.h"
#include "oxen/entry_json.h"
#include "oxen/history.h"
#include "oxen/listing.h"
#include "oxen/reply.h"
#include "oxen/repository.h"

#include <stdbool.h>
#include <string.h>

/* What is asked for and found. */
struct reading {
    struct exchange *x;
    struct oxen_repository repository;
    struct oxen_tree tree;
    struct oxen_resource resource;
    struct oxen_found found;
    const char *path; /* where it was found */
    struct oxen_entry_json json;
    struct text out;
    int64_t page;
    int64_t page_size;
};

/* ---- around each answer ---- */

static void begin(struct reading *reading, struct exchange *x)
{
    *reading = (struct reading){ .x = x };
    oxen_tree_begin(&reading->tree, x, 0);
    text_init(&reading->out, JSON_REPLY_MAX);
}

/* Sends what was written, unless there was a fault. */
static enum fault end(struct reading *reading, enum fault f, struct problem *why)
{
    oxen_entry_json_end(&reading->json);
    oxen_tree_end(&reading->tree);
    if (!f)
        return oxen_reply_end(reading->x, &reading->out, why);
    text_release(&reading->out);
    return f;
}

static void start_reply(struct reading *reading)
{
    text_release(&reading->out);
    oxen_reply_begin(&reading->out, "resource_found", OXEN_VERSIONED);
}

static enum fault open_repository(struct reading *reading, struct problem *why)
{
    const enum fault f = oxen_repository_open(reading->x, &reading->repository, why);
    reading->tree.repository = reading->repository.id;
    return f;
}

static enum fault open_revision(struct reading *reading, struct problem *why)
{
    bool found = false;
    enum fault f = open_repository(reading, why);
    if (!f)
        f = oxen_resource_read(reading->x, &reading->repository, &reading->resource, &found, why);
    if (!f && !found)
        f = oxen_resource_missing(OXEN_NO_PATH, reading->resource.text, why);
    return f;
}

/* The entry at the path, or at the path as it was written. */
static enum fault find(struct reading *reading, bool *found, struct problem *why)
{
    const uint8_t *commit = reading->resource.commit.bytes;
    reading->path = reading->resource.path;
    enum fault f =
        oxen_lookup(&reading->tree, commit, reading->path, NULL, &reading->found, found, why);
    if (!f && !*found && strcmp(reading->resource.raw, reading->path) != 0) {
        reading->path = reading->resource.raw;
        f = oxen_lookup(&reading->tree, commit, reading->path, NULL, &reading->found, found, why);
    }
    return f;
}

static enum fault open_entry(struct reading *reading, struct problem *why)
{
    bool found = false;
    enum fault f = open_revision(reading, why);
    if (!f)
        f = find(reading, &found, why);
    if (!f && !found)
        f = oxen_resource_missing(OXEN_NO_RESOURCE, reading->resource.path, why);
    return f;
}

/* ---- one thing ---- */

/* GET .../revisions/{resource} */
enum fault oxen_reading_revision(struct exchange *x, struct problem *why)
{
    struct reading reading;
    begin(&reading, x);
    enum fault f = open_revision(&reading, why);
    if (!f)
        f = oxen_entry_json_begin(&reading.json, &reading.tree, &reading.resource, why);
    if (!f) {
        start_reply(&reading);
        oxen_reply_key(&reading.out, "resource");
        oxen_entry_json_resource(&reading.json, &reading.out, reading.resource.path);
    }
    return end(&reading, f, why);
}

/* GET .../meta/{resource} */
enum fault oxen_reading_meta(struct exchange *x, struct problem *why)
{
    struct reading reading;
    begin(&reading, x);
    enum fault f = open_entry(&reading, why);
    if (!f)
        f = oxen_entry_json_begin(&reading.json, &reading.tree, &reading.resource, why);
    if (!f) {
        start_reply(&reading);
        oxen_reply_key(&reading.out, "entry");
        f = oxen_entry_json_entry(&reading.json, &reading.out, &reading.found, reading.path, why);
    }
    return end(&reading, f, why);
}

/* GET .../tree/nodes/resource/{resource} */
enum fault oxen_reading_node(struct exchange *x, struct problem *why)
{
    struct reading reading;
    char digits[OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash;
    begin(&reading, x);
    const enum fault f = open_entry(&reading, why);
    if (f == FAULT_MISSING && why->code && strcmp(why->code, OXEN_DESCRIBED) != 0)
        why->code = NULL; /* recorded without a description */
    if (!f) {
        memcpy(hash.bytes, reading.found.child.hash, sizeof hash.bytes);
        oxen_hash_text(&hash, digits);
        start_reply(&reading);
        oxen_reply_text(&reading.out, "hash", digits);
    }
    return end(&reading, f, why);
}

static enum fault no_revision(const char *text, struct problem *why)
{
    return problem_code(why, FAULT_MISSING, OXEN_NO_REVISION, "Could not find branch or commit: %s",
                        text);
}

/* GET .../commits/{commit} */
enum fault oxen_reading_commit(struct exchange *x, struct problem *why)
{
    struct reading reading;
    bool found = false;
    begin(&reading, x);
    enum fault f = open_repository(&reading, why);
    if (!f)
        f = oxen_resource_revision(x, reading.repository.id, exchange_path(x, 2),
                                   &reading.resource.commit, &found, why);
    if (!f && !found && strcmp(exchange_path(x, 2), "missing_files") == 0)
        f = problem_set(why, FAULT_MISSING, "no such path"); /* a route that is not served */
    if (!f && !found)
        f = no_revision(exchange_path(x, 2), why);
    if (!f)
        f = oxen_entry_json_begin(&reading.json, &reading.tree, NULL, why);
    if (!f) {
        start_reply(&reading);
        oxen_reply_key(&reading.out, "commit");
        f = oxen_entry_json_commit(&reading.json, &reading.out, reading.resource.commit.bytes, why);
    }
    return end(&reading, f, why);
}

/* ---- pages ---- */

static enum fault read_number(struct exchange *x, const char *name, int64_t otherwise, int64_t *out,
                              struct problem *why)
{
    const char *text = exchange_query(x, name);
    *out = otherwise;
    if (text && (!number_i64(text, strlen(text), out) || *out < 1))
        return problem_set(why, FAULT_MALFORMED, "%s must be a number from 1 on", name);
    return FAULT_NONE;
}

static enum fault read_page(struct reading *reading, int64_t size, struct problem *why)
{
    enum fault f = read_number(reading->x, "page", 1, &reading->page, why);
    if (!f)
        f = read_number(reading->x, "page_size", size, &reading->page_size, why);
    if (reading->page_size > OXEN_PAGE_SIZE_MAX)
        reading->page_size = OXEN_PAGE_SIZE_MAX;
    if (!f && reading->page > OXEN_PAGES_MAX)
        f = problem_set(why, FAULT_MALFORMED, "page is %d at most", OXEN_PAGES_MAX);
    return f;
}

static uint64_t first_of(const struct reading *reading)
{
    return (uint64_t)(reading->page - 1) * (uint64_t)reading->page_size;
}

static int64_t pages(const struct reading *reading, int64_t entries)
{
    return (entries + reading->page_size - 1) / reading->page_size;
}

/* ---- folders ---- */

/* The entries of a page as they come. */
static enum fault add_entry(void *ctx, struct oxen_found *found, struct problem *why)
{
    struct reading *reading = ctx;
    struct oxen_node_entry entry;
    struct text *out = &reading->out;
    const enum fault f = oxen_lookup_entry(&reading->tree, found, &entry, why);
    if (f)
        return f;
    const char *path =
        arena_printf(reading->x->arena, "%s%s%.*s", reading->path, reading->path[0] ? "/" : "",
                     (int)entry.name.len, entry.name.bytes);
    if (!path)
        return problem_set(why, FAULT_TOO_LARGE, "too many entries on one page");
    if (out->data[out->len - 1] != '[')
        text_addc(out, ',');
    return oxen_entry_json_entry(&reading->json, out, found, path, why);
}

static enum fault write_dir(struct reading *reading, struct problem *why)
{
    struct text *out = &reading->out;
    struct oxen_listing asked = { first_of(reading), (uint64_t)reading->page_size, add_entry,
                                  reading, 0 };
    start_reply(reading);
    oxen_reply_key(out, "dir");
    enum fault f = oxen_entry_json_entry(&reading->json, out, &reading->found, reading->path, why);
    oxen_reply_key(out, "entries");
    text_addc(out, '[');
    if (!f && text_failed(out))
        f = problem_internal(why, "no memory for a folder");
    if (!f)
        f = oxen_listing_page(&reading->tree, reading->found.child.hash, &asked, why);
    if (f)
        return f;
    text_adds(out, "],\"resource\":{");
    oxen_reply_text(out, "path", reading->path);
    oxen_reply_text(out, "version", reading->resource.version);
    text_adds(out, "},\"metadata\":");
    f = oxen_entry_json_dir_metadata(&reading->json, out, &reading->found, why);
    oxen_reply_number(out, "page_size", reading->page_size);
    oxen_reply_number(out, "page_number", reading->page);
    oxen_reply_number(out, "total_pages", pages(reading, (int64_t)asked.total));
    oxen_reply_number(out, "total_entries", (int64_t)asked.total);
    return f;
}

/* GET .../dir/{resource}?page=&page_size= */
enum fault oxen_reading_dir(struct exchange *x, struct problem *why)
{
    enum { USUAL = 100 };
    struct reading reading;
    begin(&reading, x);
    enum fault f = open_entry(&reading, why);
    if (!f && reading.found.child.kind != OXEN_NODE_DIR)
        f = oxen_resource_missing(OXEN_NO_RESOURCE, reading.path, why);
    if (!f)
        f = read_page(&reading, USUAL, why);
    if (!f)
        f = oxen_entry_json_begin(&reading.json, &reading.tree, &reading.resource, why);
    if (!f)
        f = write_dir(&reading, why);
    return end(&reading, f, why);
}

/* ---- the log ---- */

struct log {
    struct reading *reading;
    struct oxen_history *history;
    const char *path; /* NULL: all commits; else those that changed what is there */
    uint64_t entries;
};

/* The hash of what is at the path in a commit; zeros when nothing is. */
static enum fault hash_at(struct log *log, const uint8_t *commit, uint8_t out[OXEN_HASH_BYTES],
                          struct problem *why)
{
    struct oxen_found at;
    bool found = false;
    const enum fault f =
        oxen_lookup(&log->reading->tree, commit, log->path, NULL, &at, &found, why);
    memset(out, 0, OXEN_HASH_BYTES);
    if (!f && found)
        memcpy(out, at.child.hash, OXEN_HASH_BYTES);
    return f;
}

/* Whether a commit differs at the path from every parent of it. */
static enum fault changed(struct log *log, const uint8_t *commit, bool *out, struct problem *why)
{
    static const uint8_t nothing[OXEN_HASH_BYTES] = { 0 };
    struct oxen_tree_node node;
    struct oxen_node_commit read;
    uint8_t parents[OXEN_PARENTS_MAX][OXEN_HASH_BYTES];
    uint8_t here[OXEN_HASH_BYTES] = { 0 };
    uint8_t there[OXEN_HASH_BYTES] = { 0 };
    size_t count = 0;
    bool found = false;
    enum fault f = oxen_tree_commit(&log->reading->tree, commit, &node, &read, &found, why);
    while (!f && found && count < OXEN_PARENTS_MAX && oxen_node_parent(&read, parents[count]))
        count++;
    if (!f)
        f = hash_at(log, commit, here, why);
    *out = memcmp(here, nothing, sizeof here) != 0 || count > 0;
    for (size_t i = 0; i < count && !f && *out; i++) {
        f = hash_at(log, parents[i], there, why);
        *out = memcmp(here, there, sizeof here) != 0;
    }
    return f;
}

static enum fault add_commit(struct log *log, const uint8_t *commit, struct problem *why)
{
    struct reading *reading = log->reading;
    struct text *out = &reading->out;
    const uint64_t first = first_of(reading);
    const uint64_t at = log->entries;
    bool counts = true;
    enum fault f = log->path ? changed(log, commit, &counts, why) : FAULT_NONE;
    if (f || !counts)
        return f;
    log->entries++;
    if (at < first || at - first >= (uint64_t)reading->page_size)
        return FAULT_NONE;
    if (at > first)
        text_addc(out, ',');
    return oxen_entry_json_commit(&reading->json, out, commit, why);
}

static enum fault add_commits(struct log *log, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (bool more = true; more && !f;) {
        uint8_t commit[OXEN_HASH_BYTES];
        f = oxen_history_next(log->history, commit, &more, why);
        if (!f && more)
            f = add_commit(log, commit, why);
    }
    return f;
}

static enum fault write_log(struct log *log, bool empty, struct problem *why)
{
    struct reading *reading = log->reading;
    struct text *out = &reading->out;
    enum fault f = oxen_entry_json_begin(&reading->json, &reading->tree, NULL, why);
    start_reply(reading);
    oxen_reply_key(out, "commits");
    text_addc(out, '[');
    if (!f && !empty)
        f = add_commits(log, why);
    text_addc(out, ']');
    const int64_t entries = (int64_t)log->entries;
    oxen_reply_number(out, "page_size", reading->page_size);
    oxen_reply_number(out, "page_number", reading->page);
    oxen_reply_number(out, "total_pages", empty ? 1 : pages(reading, entries));
    oxen_reply_number(out, "total_entries", entries);
    if (log->path)
        oxen_reply_truth(out, "has_more", pages(reading, entries) > reading->page);
    return f;
}

/* "base..head" in place of a revision, without a path. */
static enum fault begin_range(struct log *log, bool *found, struct problem *why)
{
    struct reading *reading = log->reading;
    const char *text = reading->resource.text;
    const char *dots = strstr(text, "..");
    struct oxen_hash hash;
    *found = dots;
    if (!dots)
        return FAULT_NONE;
    const char *base = arena_strdup(reading->x->arena, text, (size_t)(dots - text));
    if (!base)
        return problem_internal(why, "no memory for a revision");
    enum fault f =
        oxen_resource_revision(reading->x, reading->repository.id, base, &hash, found, why);
    if (!f && *found)
        f = oxen_history_add(log->history, hash.bytes, true, found, why);
    if (!f && *found)
        f = oxen_resource_revision(reading->x, reading->repository.id, dots + 2, &hash, found, why);
    if (!f && *found)
        f = oxen_history_add(log->history, hash.bytes, false, found, why);
    return f;
}

static enum fault begin_log(struct log *log, bool *empty, struct problem *why)
{
    struct reading *reading = log->reading;
    bool found = false;
    enum fault f =
        oxen_resource_read(reading->x, &reading->repository, &reading->resource, &found, why);
    *empty = false;
    if (!f && found) {
        f = oxen_history_add(log->history, reading->resource.commit.bytes, false, &found, why);
        log->path = reading->resource.path[0] ? reading->resource.path : NULL;
    } else if (!f) {
        f = begin_range(log, &found, why);
    }
    if (f || found)
        return f;
    *empty = reading->repository.branches == 0;
    return *empty ? FAULT_NONE : no_revision(reading->resource.text, why);
}

static enum fault check_path(struct log *log, struct problem *why)
{
    struct reading *reading = log->reading;
    bool found = true;
    const enum fault f = log->path ? find(reading, &found, why) : FAULT_NONE;
    if (f || found) {
        log->path = log->path ? reading->path : NULL;
        return f;
    }
    char digits[OXEN_HASH_TEXT_MAX];
    oxen_hash_text(&reading->resource.commit, digits);
    return problem_code(why, FAULT_MISSING, OXEN_NOT_IN_REVISION, "%s does not exist in %s.",
                        log->path, digits);
}

/* GET .../commits/history/{resource}?page=&page_size= */
enum fault oxen_reading_log(struct exchange *x, struct problem *why)
{
    enum { USUAL = 10 };
    struct reading reading;
    struct log log = { .reading = &reading };
    bool empty = false;
    begin(&reading, x);
    enum fault f = open_repository(&reading, why);
    if (!f)
        f = read_page(&reading, USUAL, why);
    if (!f) {
        log.history = oxen_history_create(&reading.tree);
        f = log.history ? begin_log(&log, &empty, why)
                        : problem_internal(why, "no memory for a history");
    }
    if (!f)
        f = check_path(&log, why);
    if (!f)
        f = write_log(&log, empty, why);
    oxen_history_destroy(log.history);
    return end(&reading, f, why);
}
