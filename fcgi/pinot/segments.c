/*
 * segments.c - the routes that tell about one segment, and those that delete.
 */
#include "pinot/segments.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "db/pinot_store_delete.h"
#include "db/pinot_store_segment.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/segment_json.h"
#include "pinot/segments_read.h"
#include "pinot/table_config.h"
#include "stream/parameter.h"
#include "json/json.h"

#include <assert.h>
#include <string.h>

enum { SEGMENT_JSON_MAX = 2 * PINOT_CUSTOM_MAP_MAX + 64 * KIB };

/* ---- one segment ---- */

/* The segment that the path names, of the first table that has it.  *found is false for none. */
static enum fault find_segment(struct exchange *x, const struct tables_of_name *tables,
                               struct pinot_segment_row *row, bool *found, struct problem *why)
{
    enum fault f = FAULT_NONE;
    *found = false;
    for (size_t i = 0; i < tables->count && !f && !*found; i++)
        f = pinot_store_segment_get(x->db, tables->tables[i].id, exchange_path(x, 1), x->arena, row,
                                    found, why);
    return f;
}

/* Both types, whatever the query says: Pinot looks at the segment alone. */
static enum fault tables_of_path(struct exchange *x, struct tables_of_name *out,
                                 struct problem *why)
{
    const enum fault f = tables_of_name(x, RIGHT_READ, out, why);
    if (f || out->count > 0 || out->type == PINOT_NO_TYPE)
        return f;
    const enum pinot_type other = out->type == PINOT_OFFLINE ? PINOT_REALTIME : PINOT_OFFLINE;
    char full[NAME_MAX_BYTES];
    bool found = false;
    table_name_full(out->name.raw, other, full);
    const enum fault of_other =
        pinot_store_table_get(x->db, full, x->arena, &out->tables[0], &found, why);
    out->count = !of_other && found;
    return of_other;
}

/* GET /segments/{table}/{segment}/metadata */
enum fault pinot_segment_metadata(struct exchange *x, struct problem *why)
{
    struct tables_of_name tables;
    struct pinot_segment_row row = { 0 };
    struct text body;
    bool found = false;
    text_init(&body, SEGMENT_JSON_MAX);
    enum fault f = tables_of_path(x, &tables, why);
    if (!f)
        f = find_segment(x, &tables, &row, &found, why);
    if (!f && !found)
        f = problem_set(why, FAULT_MISSING, "Failed to find segment: %s in table: %s",
                        exchange_path(x, 1), tables.name.given);
    if (!f) {
        segment_json(&body, &row);
        f = pinot_reply_text(x, &body, why);
    }
    text_release(&body);
    return f;
}

/* As Pinot says it, but quoted where the name is no token (RFC 6266 section 4.1): what follows a
 * semicolon in it would be another parameter. */
static const char *disposition_of(struct exchange *x, const char *name)
{
    enum { SHOWN_MAX = 3 * NAME_MAX_BYTES };
    struct text shown;
    assert(name);
    const bool token = name[parameter_token(name)] == '\0';
    text_init(&shown, SHOWN_MAX);
    text_adds(&shown, token ? "attachment; filename=" : "attachment; filename=\"");
    for (const char *at = name; *at; at++) {
        text_adds(&shown, *at == '"' ? "\\" : "");
        text_addc(&shown, *at);
    }
    text_adds(&shown, token ? "" : "\"");
    const char *kept =
        text_failed(&shown) ? NULL : arena_strdup(x->arena, text_string(&shown), shown.len);
    text_release(&shown);
    return kept ? kept : "attachment";
}

/* The copy of the segment that the path names. */
static enum fault find_copy(struct exchange *x, void *ctx, struct exchange_content *out,
                            struct problem *why)
{
    const struct tables_of_name *tables = ctx;
    struct pinot_segment_row row = { 0 };
    bool found = false;
    const enum fault f = find_segment(x, tables, &row, &found, why);
    if (f)
        return f;
    if (!found || !row.has_blob)
        return problem_set(why, FAULT_MISSING, "Segment %s or table %s not found",
                           exchange_path(x, 1), tables->name.given);
    out->ref = row.blob;
    out->content_type = "application/octet-stream";
    out->disposition = disposition_of(x, row.name);
    return FAULT_NONE;
}

/* GET /segments/{table}/{segment} */
enum fault pinot_segment_download(struct exchange *x, struct problem *why)
{
    struct tables_of_name tables;
    const enum fault f = tables_of_path(x, &tables, why);
    return f ? f : exchange_reply_content(x, find_copy, &tables, why);
}

/* ---- deleting ---- */

static enum fault retention_of(struct exchange *x, const char *table, int64_t *keep_ms,
                               struct problem *why)
{
    const char *text = request_query(x, "retention");
    *keep_ms = -1;
    if (!text || table_config_period(text, keep_ms))
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "Failed to delete segments from table: %s, error message: Invalid time "
                       "spec '%.64s' (Valid examples: '3h', '4h30m')",
                       table, text);
}

/* Of a table that was there a moment ago. */
static enum fault delete_segments(struct exchange *x, struct pinot_deletion *deletion,
                                  struct problem *why)
{
    const enum fault f = deletion->names ? pinot_store_delete_named(x->db, deletion, why)
                                         : pinot_store_delete_all(x->db, deletion, why);
    if (f || deletion->found)
        return f;
    return problem_set(why, FAULT_MISSING, "Table '%s' not found.", deletion->table);
}

/* DELETE /segments/{table}/{segment}: also of one that is not there. */
enum fault pinot_segments_delete_one(struct exchange *x, struct problem *why)
{
    struct tables_of_name tables;
    struct pinot_deletion deletion = { .count = 1, .now = x->now };
    const char *const name = exchange_path(x, 1);
    enum fault f = tables_of_name(x, RIGHT_WRITE, &tables, why);
    if (!f)
        f = tables_required(&tables, true, why);
    if (!f)
        f = retention_of(x, tables.tables[0].name, &deletion.keep_ms, why);
    deletion.names = &name;
    for (size_t i = 0; i < tables.count && !f; i++) {
        deletion.table = tables.tables[i].name;
        f = delete_segments(x, &deletion, why);
    }
    return f ? f : pinot_reply_status(x, "Segment deleted", why);
}

/* "Deleted segments: [a, b] from table: t"; of more than a few the number alone */
static enum fault reply_deleted(struct exchange *x, const char *const *names, size_t count,
                                const char *table, struct problem *why)
{
    enum { NAMED_MAX = 5 };
    struct text status;
    if (count > NAMED_MAX) {
        return pinot_reply_status(
            x, arena_printf(x->arena, "Deleted %zu segments from table: %s", count, table), why);
    }
    text_init(&status, JSON_REPLY_MAX);
    text_adds(&status, "Deleted segments: [");
    for (size_t i = 0; i < count; i++) {
        text_adds(&status, i > 0 ? ", " : "");
        text_adds(&status, names[i]);
    }
    text_addf(&status, "] from table: %s", table);
    const enum fault f = pinot_reply_status(x, text_string(&status), why);
    text_release(&status);
    return f;
}

static enum fault delete_named(struct exchange *x, const struct tables_of_name *tables,
                               const char *const *names, size_t count, struct problem *why)
{
    struct pinot_deletion deletion = {
        .table = tables->tables[0].name, .names = names, .count = count, .now = x->now
    };
    enum fault f = retention_of(x, deletion.table, &deletion.keep_ms, why);
    if (!f)
        f = delete_segments(x, &deletion, why);
    return f ? f : reply_deleted(x, names, count, deletion.table, why);
}

static enum fault delete_all(struct exchange *x, const struct tables_of_name *tables,
                             struct problem *why)
{
    struct pinot_deletion deletion = { .table = tables->tables[0].name, .now = x->now };
    enum fault f = retention_of(x, deletion.table, &deletion.keep_ms, why);
    if (!f)
        f = delete_segments(x, &deletion, why);
    if (f)
        return f;
    return pinot_reply_status(
        x, arena_printf(x->arena, "All segments of table %s deleted", deletion.table), why);
}

/* DELETE /segments/{table}?type=&segments=&segments= */
enum fault pinot_segments_delete(struct exchange *x, struct problem *why)
{
    struct tables_of_name tables;
    const char *names[QUERY_PAIRS_MAX] = { NULL };
    size_t count = 0;
    enum fault f = tables_of_name(x, RIGHT_WRITE, &tables, why);
    if (!f && tables.type == PINOT_NO_TYPE)
        f = problem_set(why, FAULT_MALFORMED, "Table type must not be null");
    if (!f)
        f = tables_required(&tables, true, why);
    for (size_t i = 0; i < x->uri.pair_count && !f; i++) {
        const struct uri_pair *pair = &x->uri.pairs[i];
        if (strcmp(pair->name, "segments") == 0 && pair->value[0] != '\0')
            names[count++] = pair->value;
    }
    if (f)
        return f;
    return count > 0 ? delete_named(x, &tables, names, count, why) : delete_all(x, &tables, why);
}

/* A text; not one with a NUL inside, whose beginning may be another segment's name. */
static bool is_name(json_object *name)
{
    return json_object_is_type(name, json_type_string) &&
           strlen(json_object_get_string(name)) == (size_t)json_object_get_string_len(name);
}

static enum fault names_of(struct exchange *x, const char *const **out, size_t *count,
                           struct problem *why)
{
    json_object *list = NULL;
    enum fault f = exchange_json(x, JSON_BODY_MAX, &list, why);
    if (!f && !json_object_is_type(list, json_type_array))
        f = problem_set(why, FAULT_MALFORMED, "the body is not a JSON list of segment names");
    if (f)
        return f;
    const size_t n = json_object_array_length(list);
    if (n == 0)
        return problem_set(why, FAULT_MALFORMED, "Segments must be provided");
    const char **names = arena_alloc(x->arena, (n + 1) * sizeof *names);
    if (!names || n > PINOT_BATCH_SEGMENTS_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "the list has too many segments");
    for (size_t i = 0; i < n; i++) {
        json_object *name = json_object_array_get_idx(list, i);
        if (!is_name(name)) {
            return problem_set(why, FAULT_MALFORMED,
                               "the body is not a JSON list of segment names");
        }
        names[i] = json_object_get_string(name);
    }
    *out = names;
    *count = n;
    return FAULT_NONE;
}

/* POST /segments/{table}/delete */
enum fault pinot_segments_delete_listed(struct exchange *x, struct problem *why)
{
    static const char *const none[] = { "" };
    struct tables_of_name tables;
    const char *const *names = none;
    size_t count = 0;
    enum fault f = tables_of_name(x, RIGHT_WRITE, &tables, why);
    if (!f)
        f = names_of(x, &names, &count, why);
    if (!f)
        f = tables_required(&tables, true, why);
    return f ? f : delete_named(x, &tables, names, count, why);
}
