#include "pinot/replace.h"

#include "base/limits.h"
#include "db/pinot_store_lineage.h"
#include "pinot/config_json.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/segments_read.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_MAX = 8 * NAME_MAX_BYTES,
    MS_IN_HOUR = 3600 * 1000,
    SHOWN_MAX = 200 /* bytes of a list that a text quotes */
};

/* A call under way. */
struct replacing {
    struct exchange *x;
    struct tables_of_name tables; /* one, of the type that is asked for */
    json_object *body;            /* NULL: none was sent */
    struct pinot_lineage_call call;
};

/* ---- the request ---- */

static enum fault find_table(struct replacing *r, enum right right, struct problem *why)
{
    enum fault f = tables_of_name(r->x, right, &r->tables, why);
    if (!f && r->tables.type == PINOT_NO_TYPE)
        f = problem_set(why, FAULT_MALFORMED, "Table type should either be offline or realtime");
    return f ? f : tables_required(&r->tables, true, why);
}

/* A body is optional but for a start; empty is none. */
static enum fault read_body(struct replacing *r, struct problem *why)
{
    struct problem cause = PROBLEM_NONE;
    const char *text = NULL;
    size_t len = 0;
    const enum fault f = exchange_body_text(r->x, PINOT_REPLACE_MAX, &text, &len, why);
    if (f || len == 0)
        return f;
    if (json_parse(text, len, &r->body, NULL, &cause))
        return problem_set(why, cause.fault, "%s", cause.text);
    if (json_object_is_type(r->body, json_type_object) || !r->body)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "the body is not a JSON object");
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Where the first of the texts that equal name stands. */
static size_t place_of(const char *const *sorted, size_t count, const char *name)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(sorted[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Keeps the first of each name.  sorted: the same names, to be sorted; seen: count zero bytes. */
static size_t keep_first(const char **names, const char **sorted, char *seen, size_t count)
{
    size_t kept = 0;
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 0; i < count; i++) {
        const size_t place = place_of(sorted, count, names[i]);
        if (!seen[place])
            names[kept++] = names[i];
        seen[place] = 1;
    }
    return kept;
}

static enum fault read_names(struct replacing *r, const char *member, const char *const **out,
                             size_t *count, struct problem *why)
{
    json_object *list = NULL;
    if (!r->body || !json_object_object_get_ex(r->body, member, &list) || !list)
        return FAULT_NONE;
    const bool array = json_object_is_type(list, json_type_array);
    const size_t n = array ? json_object_array_length(list) : 0;
    if (n > PINOT_BATCH_SEGMENTS_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "'%s' has more than %d segments", member,
                           PINOT_BATCH_SEGMENTS_MAX);
    const char **names = arena_alloc(r->x->arena, (2 * n + 1) * sizeof *names);
    char *seen = arena_alloc(r->x->arena, n + 1);
    if (!names || !seen)
        return problem_set(why, FAULT_TOO_LARGE, "the request is too large");
    bool good = array;
    for (size_t i = 0; i < n && good; i++) {
        json_object *name = json_object_array_get_idx(list, i);
        good = json_object_is_type(name, json_type_string) &&
               strlen(json_object_get_string(name)) == (size_t)json_object_get_string_len(name);
        names[i] = good ? json_object_get_string(name) : "";
        names[n + i] = names[i];
    }
    if (!good)
        return problem_set(why, FAULT_MALFORMED, "'%s' is not a list of segment names", member);
    for (size_t i = 0; i < n; i++) {
        const enum fault f = segment_name_check(names[i], why);
        if (f)
            return f;
    }
    *out = names;
    *count = keep_first(names, names + n, seen, n);
    return FAULT_NONE;
}

static void prepare(struct replacing *r)
{
    const struct exchange *x = r->x;
    r->call.table = r->tables.tables[0].name;
    r->call.now = x->now;
    r->call.expired_before = x->now - x->config->replace_hours * MS_IN_HOUR;
}

/* ---- refusals, in the controller's words ---- */

static enum fault refused_reason(const struct pinot_lineage_call *call, struct problem *why)
{
    const struct pinot_lineage_refusal *r = &call->refusal;
    switch (r->what) {
    case PINOT_LINEAGE_FROM_ABSENT:
        return problem_set(why, FAULT_MALFORMED,
                           "Segment: %s from 'segmentsFrom' does not exist in table: %s",
                           r->segment, call->table);
    case PINOT_LINEAGE_TO_PRESENT:
        return problem_set(why, FAULT_MALFORMED,
                           "Segment: %s from 'segmentsTo' exists in table: %s", r->segment,
                           call->table);
    case PINOT_LINEAGE_FROM_TAKEN:
        return problem_set(why, FAULT_MALFORMED,
                           "Segment: %s from 'segmentsFrom' exists in table: %s, entry id: %s as "
                           "'segmentsFrom' (replacing a replaced segment)",
                           r->segment, call->table, r->entry);
    case PINOT_LINEAGE_TO_TAKEN:
        return problem_set(why, FAULT_MALFORMED,
                           "Segment: %s from 'segmentsTo' exists in table: %s, entry id: %s as "
                           "'segmentTo' (name conflict)",
                           r->segment, call->table, r->entry);
    case PINOT_LINEAGE_DONE:
    case PINOT_LINEAGE_NO_TABLE:
    case PINOT_LINEAGE_NO_ENTRY:
    case PINOT_LINEAGE_STATE:
    case PINOT_LINEAGE_TO_ABSENT:
    case PINOT_LINEAGE_TO_FOREIGN:
    case PINOT_LINEAGE_FROM_GONE:
    case PINOT_LINEAGE_TO_REPLACED:
        break;
    }
    return problem_internal(why, "a replacement was refused without a reason");
}

static void list_names(struct text *out, const char *const *names, size_t count)
{
    text_addc(out, '[');
    for (size_t i = 0; i < count && out->len < SHOWN_MAX; i++) {
        text_adds(out, i > 0 ? ", " : "");
        text_adds(out, names[i]);
    }
    text_addc(out, ']');
}

/* A conflict with another entry: the controller's sentence, and behind it the cause that it logs. */
static enum fault refused_conflict(const struct pinot_lineage_call *call, struct problem *why)
{
    struct problem reason = PROBLEM_NONE;
    struct text from;
    struct text to;
    (void)refused_reason(call, &reason);
    text_init(&from, SHOWN_MAX + NAME_MAX_BYTES);
    text_init(&to, SHOWN_MAX + NAME_MAX_BYTES);
    list_names(&from, call->from, call->from_count);
    list_names(&to, call->to, call->to_count);
    const enum fault f = problem_set(
        why, FAULT_MALFORMED,
        "Failed to update the segment lineage during startReplaceSegments. (tableName = %s, "
        "segmentsFrom = %.200s, segmentsTo = %.200s): %s",
        call->table, text_string(&from), text_string(&to), reason.text);
    text_release(&from);
    text_release(&to);
    return f;
}

static enum fault no_table(const struct pinot_lineage_call *call, struct problem *why)
{
    return problem_set(why, FAULT_MISSING, "Table '%s' not found.", call->table);
}

static enum fault start_refused(const struct pinot_lineage_call *call, struct problem *why)
{
    switch (call->refusal.what) {
    case PINOT_LINEAGE_DONE:
        return FAULT_NONE;
    case PINOT_LINEAGE_NO_TABLE:
        return no_table(call, why);
    case PINOT_LINEAGE_FROM_TAKEN:
    case PINOT_LINEAGE_TO_TAKEN:
        return refused_conflict(call, why);
    case PINOT_LINEAGE_FROM_ABSENT:
    case PINOT_LINEAGE_TO_PRESENT:
    case PINOT_LINEAGE_NO_ENTRY:
    case PINOT_LINEAGE_STATE:
    case PINOT_LINEAGE_TO_ABSENT:
    case PINOT_LINEAGE_TO_FOREIGN:
    case PINOT_LINEAGE_FROM_GONE:
    case PINOT_LINEAGE_TO_REPLACED:
        break;
    }
    return refused_reason(call, why);
}

/* Of the two others the controller tells the same, whatever the cause. */
static enum fault entry_refused(const struct pinot_lineage_call *call, const char *verb,
                                struct problem *why)
{
    if (call->refusal.what == PINOT_LINEAGE_DONE)
        return FAULT_NONE;
    if (call->refusal.what == PINOT_LINEAGE_NO_TABLE)
        return no_table(call, why);
    return problem_set(why, FAULT_MALFORMED,
                       "Failed to update the segment lineage during %s. (tableName = %s, "
                       "segmentLineageEntryId = %.64s)",
                       verb, call->table, call->entry);
}

/* ---- the routes ---- */

/* Random, as Java's UUID.randomUUID() (RFC 9562 section 5.4). */
static const char *new_entry(struct exchange *x)
{
    enum { UUID_BYTES = 16, VERSION_AT = 6, VARIANT_AT = 8 };
    enum { VERSION = 0x40, VERSION_MASK = 0x0F, VARIANT = 0x80, VARIANT_MASK = 0x3F };
    uint8_t bytes[UUID_BYTES];
    char hex[2 * UUID_BYTES + 1];
    memcpy(bytes, x->random, sizeof bytes);
    bytes[VERSION_AT] = (uint8_t)((bytes[VERSION_AT] & VERSION_MASK) | VERSION);
    bytes[VARIANT_AT] = (uint8_t)((bytes[VARIANT_AT] & VARIANT_MASK) | VARIANT);
    text_hex(bytes, sizeof bytes, hex);
    return arena_printf(x->arena, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
                        hex + 20);
}

/* Whether each push of the table's data takes the place of the one before. */
static bool is_refresh(const char *config)
{
    struct problem ignored = PROBLEM_NONE;
    json_object *table = NULL;
    if (json_parse(config, strlen(config), &table, NULL, &ignored))
        return false;
    json_object *batch =
        config_json_member(config_json_member(table, "ingestionConfig"), "batchIngestionConfig");
    json_object *segments = config_json_member(table, "segmentsConfig");
    const char *kind = batch ? json_text_of(batch, "segmentIngestionType") : NULL;
    if (!kind && segments)
        kind = json_text_of(segments, "segmentPushType");
    const bool refresh = kind && text_same(kind, "REFRESH");
    json_object_put(table);
    return refresh;
}

static enum fault start(struct replacing *r, struct problem *why)
{
    struct pinot_lineage_call *call = &r->call;
    enum fault f = read_body(r, why);
    if (!f)
        f = read_names(r, "segmentsFrom", &call->from, &call->from_count, why);
    if (!f)
        f = read_names(r, "segmentsTo", &call->to, &call->to_count, why);
    if (!f && call->from_count == 0 && call->to_count == 0)
        f = problem_set(why, FAULT_MALFORMED,
                        "'segmentsFrom' and 'segmentsTo' cannot both be empty");
    if (f)
        return f;
    prepare(r);
    call->entry = new_entry(r->x);
    call->force = request_flag(request_query(r->x, "forceCleanup"), false);
    call->refresh = is_refresh(r->tables.tables[0].config);
    if (!call->entry)
        return problem_set(why, FAULT_TOO_LARGE, "the request is too large");
    f = pinot_store_lineage_begin(r->x->db, call, why);
    return f ? f : start_refused(call, why);
}

/* POST /segments/{table}/startReplaceSegments */
enum fault pinot_replace_start(struct exchange *x, struct problem *why)
{
    struct replacing r = { .x = x };
    struct text body;
    enum fault f = find_table(&r, RIGHT_WRITE, why);
    if (!f)
        f = start(&r, why);
    json_object_put(r.body);
    if (f)
        return f;
    text_init(&body, JSON_REPLY_MAX);
    text_addf(&body, "{\"segmentLineageEntryId\":\"%s\"}", r.call.begun);
    f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}

/* What end and revert have in common before their one transaction. */
static enum fault find_entry(struct replacing *r, struct problem *why)
{
    enum fault f = find_table(r, RIGHT_WRITE, why);
    if (!f)
        f = read_body(r, why);
    if (f)
        return f;
    prepare(r);
    r->call.entry = request_query(r->x, "segmentLineageEntryId");
    if (r->call.entry)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "'segmentLineageEntryId' should not be null");
}

/* POST /segments/{table}/endReplaceSegments */
enum fault pinot_replace_end(struct exchange *x, struct problem *why)
{
    struct replacing r = { .x = x };
    enum fault f = find_entry(&r, why);
    if (!f)
        f = read_names(&r, "segmentsTo", &r.call.to, &r.call.to_count, why);
    if (!f) {
        r.call.cleanup = request_flag(request_query(x, "cleanup"), false) &&
                         !is_refresh(r.tables.tables[0].config);
        f = pinot_store_lineage_end(x->db, &r.call, why);
    }
    if (!f)
        f = entry_refused(&r.call, "endReplaceSegments", why);
    json_object_put(r.body);
    return f ? f : exchange_reply_empty(x, PINOT_OK, why);
}

/* POST /segments/{table}/revertReplaceSegments */
enum fault pinot_replace_revert(struct exchange *x, struct problem *why)
{
    struct replacing r = { .x = x };
    enum fault f = find_entry(&r, why);
    if (!f) {
        r.call.force = request_flag(request_query(x, "forceRevert"), false);
        f = pinot_store_lineage_revert(x->db, &r.call, why);
    }
    if (!f)
        f = entry_refused(&r.call, "revertReplaceSegments", why);
    json_object_put(r.body);
    return f ? f : exchange_reply_empty(x, PINOT_OK, why);
}

/* ---- the lineage ---- */

/* One entry while it is read. */
struct telling {
    struct replacing *r;
    struct pinot_lineage last; /* that was sent */
    struct pinot_lineage at;   /* that was read */
    struct text from;
    struct text to;
    bool found;
};

static enum fault add_segment(void *ctx, const char *segment, bool replacing, struct problem *why)
{
    struct telling *t = ctx;
    struct text *side = replacing ? &t->to : &t->from;
    (void)why;
    text_adds(side, side->len > 0 ? "," : "");
    json_quote(side, segment, strlen(segment));
    return FAULT_NONE;
}

static enum fault read_entry(struct db *db, void *ctx, struct problem *why)
{
    struct telling *t = ctx;
    t->at = t->last;
    text_clear(&t->from);
    text_clear(&t->to);
    return pinot_store_lineage_next(db, t->r->tables.tables[0].id, &t->at, &t->found, add_segment,
                                    t, why);
}

static enum fault send_entry(struct telling *t, bool first, struct problem *why)
{
    struct exchange *x = t->r->x;
    struct text head;
    if (text_failed(&t->from) || text_failed(&t->to))
        return problem_internal(why, "a lineage entry is too large");
    text_init(&head, NAME_MAX_BYTES + PINOT_ENTRY_MAX);
    text_addf(&head, "%s\"%s\":{\"state\":\"%s\",\"timestamp\":%" PRId64 ",\"segmentsFrom\":[",
              first ? "" : ",", t->at.entry, t->at.state, t->at.changed_at);
    enum fault f = exchange_write(x, text_string(&head), head.len, why);
    if (!f)
        f = exchange_write(x, text_string(&t->from), t->from.len, why);
    if (!f)
        f = exchange_write(x, "],\"segmentsTo\":[", sizeof "],\"segmentsTo\":[" - 1, why);
    if (!f)
        f = exchange_write(x, text_string(&t->to), t->to.len, why);
    if (!f)
        f = exchange_write(x, "]}", 2, why);
    text_release(&head);
    return f;
}

/* The first entry has been read. */
static enum fault send_entries(struct telling *t, struct problem *why)
{
    struct exchange *x = t->r->x;
    struct text head;
    const char *table = t->r->tables.tables[0].name;
    bool first = true;
    text_init(&head, HEAD_MAX);
    text_adds(&head, "{\"tableNameWithType\":");
    json_quote(&head, table, strlen(table));
    text_adds(&head, ",\"lineageEntries\":{");
    enum fault f = exchange_stream_begin(x, PINOT_OK, "application/json", -1, why);
    if (!f)
        f = exchange_write(x, text_string(&head), head.len, why);
    text_release(&head);
    while (!f && t->found) {
        f = send_entry(t, first, why);
        first = false;
        t->last = t->at;
        if (!f)
            f = db_read(x->db, read_entry, t, why);
    }
    if (!f)
        f = exchange_write(x, "}}", 2, why);
    return f ? f : exchange_stream_end(x, why);
}

/* GET /segments/{table}/lineage; the controller's answer is empty before the first replacement */
enum fault pinot_replace_lineage(struct exchange *x, struct problem *why)
{
    struct replacing r = { .x = x };
    struct telling t = { .r = &r };
    text_init(&t.from, JSON_REPLY_MAX / 4);
    text_init(&t.to, JSON_REPLY_MAX / 4);
    enum fault f = find_table(&r, RIGHT_READ, why);
    if (!f)
        f = db_read(x->db, read_entry, &t, why);
    if (!f)
        f = t.found ? send_entries(&t, why) : exchange_reply_empty(x, PINOT_OK, why);
    text_release(&t.from);
    text_release(&t.to);
    return f;
}
