#include "opteryx/gather.h"

#include "base/clock.h"
#include "base/limits.h"
#include "db/opteryx_store.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* The way through the parts. */
struct walk {
    struct gather *out;
    struct arena *scratch; /* of one part's columns */
    struct text last;      /* the columns of the part before: most parts have the same */
    int64_t part;          /* where we are */
    int64_t untold;        /* issues past OPTERYX_INSPECT_ISSUES_MAX */
};

static enum fault no_memory(struct problem *why)
{
    return problem_internal(why, "no memory to put parts together");
}

/* Clients read {"issue","part"} and nothing else: early releases fail on more members.  part NULL:
 * of the session; taken. */
static enum fault issue_list(struct walk *walk, const char *text, json_object *part,
                             struct problem *why)
{
    json_object *issue = json_object_new_object();
    if (!issue || json_object_array_add(walk->out->issues, issue) != 0) {
        json_object_put(issue);
        json_object_put(part);
        return no_memory(why);
    }
    const bool ok = json_add(issue, "issue", json_string(text));
    return json_add(issue, "part", part) && ok ? FAULT_NONE : no_memory(why);
}

static enum fault issue_add(struct walk *walk, const char *text, struct problem *why)
{
    if (json_object_array_length(walk->out->issues) == OPTERYX_INSPECT_ISSUES_MAX) {
        walk->untold++;
        return FAULT_NONE;
    }
    return issue_list(walk, text, json_object_new_int64(walk->part), why);
}

static enum fault untold_add(struct walk *walk, struct problem *why)
{
    char text[PROBLEM_TEXT_MAX];
    if (walk->untold == 0)
        return FAULT_NONE;
    (void)snprintf(text, sizeof text, "%lld more issues are not listed", (long long)walk->untold);
    return issue_list(walk, text, NULL, why);
}

static enum fault told(void *ctx, const char *column, const char *note, struct problem *why)
{
    struct walk *walk = ctx;
    (void)column; /* the note names it */
    return walk->out->issues ? issue_add(walk, note, why) : FAULT_NONE;
}

/* The issues that were found when the part was stored. */
static enum fault stored_issues(struct walk *walk, const char *json, struct problem *why)
{
    json_object *issues = NULL;
    struct problem of_parser = PROBLEM_NONE;
    if (json_parse(json, strlen(json), &issues, NULL, &of_parser) ||
        !json_object_is_type(issues, json_type_array)) {
        json_object_put(issues);
        return problem_internal(why, "a part's issues do not parse");
    }
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < json_object_array_length(issues); i++) {
        const char *text = json_text_of(json_object_array_get_idx(issues, i), "issue");
        f = text ? issue_add(walk, text, why) : problem_internal(why, "an issue has no text");
    }
    json_object_put(issues);
    return f;
}

static enum fault part_show(struct walk *walk, const struct opteryx_part *part, struct problem *why)
{
    char uploaded_at[CLOCK_ISO_MAX];
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    clock_iso(part->uploaded_at, uploaded_at);
    text_hex(part->sha256, sizeof part->sha256, digest);
    json_object *shown = json_object_new_object();
    if (!shown || json_object_array_add(walk->out->list, shown) != 0) {
        json_object_put(shown);
        return no_memory(why);
    }
    if (!json_add(shown, "id", json_object_new_int64(part->part)) ||
        !json_add(shown, "rows", json_object_new_int64(part->rows)) ||
        !json_add(shown, "bytes", json_object_new_int64(part->bytes)) ||
        !json_add(shown, "kind", json_string(part->kind)) ||
        !json_add(shown, "blob", json_string(digest)) ||
        !json_add(shown, "uploaded_at", json_string(uploaded_at)))
        return no_memory(why);
    return stored_issues(walk, part->issues, why);
}

static enum fault structure_add(struct walk *walk, const char *json, struct problem *why)
{
    struct columns columns;
    const bool first = walk->out->parts == 0;
    if (!first && strcmp(text_string(&walk->last), json) == 0)
        return FAULT_NONE;
    arena_reset(walk->scratch);
    columns_init(&columns, walk->scratch);
    enum fault f = columns_read(&columns, json, why);
    if (!f)
        f = columns_merge(&walk->out->columns, &columns, first, told, walk, why);
    text_clear(&walk->last);
    text_adds(&walk->last, json);
    return f;
}

static enum fault each(void *ctx, const struct opteryx_part *part, struct problem *why)
{
    struct walk *walk = ctx;
    walk->part = part->part;
    enum fault f = structure_add(walk, part->columns, why);
    if (!f && walk->out->list)
        f = part_show(walk, part, why);
    walk->out->parts++;
    walk->out->rows += part->rows;
    return f;
}

enum fault gather_parts(struct db *db, const char *session, bool shown, struct arena *arena,
                        struct gather *out, struct problem *why)
{
    struct walk walk = { .out = out, .scratch = arena_create(ARENA_MAX) };
    text_init(&walk.last, ARENA_MAX);
    *out = (struct gather){ .parts = 0 };
    columns_init(&out->columns, arena);
    if (shown) {
        out->list = json_object_new_array();
        out->issues = json_object_new_array();
    }
    enum fault f = FAULT_NONE;
    if (!walk.scratch || (shown && (!out->list || !out->issues)))
        f = no_memory(why);
    if (!f)
        f = opteryx_store_parts(db, session, each, &walk, why);
    if (!f)
        f = untold_add(&walk, why);
    text_release(&walk.last);
    arena_destroy(walk.scratch);
    return f;
}
