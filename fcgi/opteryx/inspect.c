#include "opteryx/inspect.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "db/opteryx_store.h"
#include "opteryx/gather.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* What is found out in one transaction, which may run again. */
struct inspect {
    struct exchange *x;
    struct opteryx_session session;
    struct gather gather;
    json_object *parts;
    json_object *issues;
    int64_t rows;
    int64_t untold;
};

static void release(struct inspect *inspect)
{
    gather_release(&inspect->gather);
    json_object_put(inspect->parts);
    json_object_put(inspect->issues);
    inspect->parts = NULL;
    inspect->issues = NULL;
}

/* Clients read {"issue","part"} and nothing else: early releases fail on more members.  part NULL:
 * of the session; taken. */
static enum fault issue_list(struct inspect *inspect, const char *text, json_object *part,
                             struct problem *why)
{
    json_object *issue = json_object_new_object();
    if (!issue || json_object_array_add(inspect->issues, issue) != 0) {
        json_object_put(issue);
        json_object_put(part);
        return opteryx_request_no_memory(why);
    }
    const bool ok = json_add(issue, "issue", json_string(text));
    return json_add(issue, "part", part) && ok ? FAULT_NONE : opteryx_request_no_memory(why);
}

static enum fault issue_add(struct inspect *inspect, const char *text, json_object *part,
                            struct problem *why)
{
    if (json_object_array_length(inspect->issues) < OPTERYX_INSPECT_ISSUES_MAX)
        return issue_list(inspect, text, part, why);
    inspect->untold++;
    json_object_put(part);
    return FAULT_NONE;
}

/* The issues of a list that rows keep.  part: of all of them; -1: each has its own. */
static enum fault issues_add_kept(struct inspect *inspect, const char *json, int64_t part,
                                  struct problem *why)
{
    json_object *issues = NULL;
    struct problem of_parser = PROBLEM_NONE;
    if (strcmp(json, "[]") == 0)
        return FAULT_NONE;
    if (json_parse(json, strlen(json), &issues, NULL, &of_parser) ||
        !json_object_is_type(issues, json_type_array)) {
        json_object_put(issues);
        return problem_internal(why, "a part's issues do not parse");
    }
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < json_object_array_length(issues); i++) {
        json_object *issue = json_object_array_get_idx(issues, i);
        const char *text = json_text_of(issue, "issue");
        json_object *own = NULL;
        if (part < 0 && json_object_object_get_ex(issue, "part", &own))
            own = json_object_get(own);
        else
            own = json_object_new_int64(part);
        f = issue_add(inspect, text ? text : "", own, why);
    }
    json_object_put(issues);
    return f;
}

static enum fault each(void *ctx, const struct opteryx_part *part, struct problem *why)
{
    struct inspect *inspect = ctx;
    char uploaded_at[CLOCK_ISO_MAX];
    char digest[2 * OPTERYX_SHA256_BYTES + 1];
    clock_iso(part->uploaded_at, uploaded_at);
    text_hex(part->sha256, sizeof part->sha256, digest);
    json_object *shown = json_object_new_object();
    if (!shown || json_object_array_add(inspect->parts, shown) != 0) {
        json_object_put(shown);
        return opteryx_request_no_memory(why);
    }
    if (!json_add(shown, "id", json_object_new_int64(part->part)) ||
        !json_add(shown, "rows", json_object_new_int64(part->rows)) ||
        !json_add(shown, "bytes", json_object_new_int64(part->bytes)) ||
        !json_add(shown, "kind", json_string(part->kind)) ||
        !json_add(shown, "blob", json_string(digest)) ||
        !json_add(shown, "uploaded_at", json_string(uploaded_at)))
        return opteryx_request_no_memory(why);
    if (__builtin_add_overflow(inspect->rows, part->rows, &inspect->rows))
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "the parts hold more rows than can be counted");
    return issues_add_kept(inspect, part->issues, part->part, why);
}

/* The session and its parts, of one moment. */
static enum fault look(struct db *db, void *ctx, struct problem *why)
{
    struct inspect *inspect = ctx;
    struct exchange *x = inspect->x;
    release(inspect);
    gather_init(&inspect->gather, x->arena);
    inspect->rows = 0;
    inspect->parts = json_object_new_array();
    inspect->issues = json_object_new_array();
    enum fault f = FAULT_NONE;
    if (!inspect->parts || !inspect->issues)
        f = opteryx_request_no_memory(why);
    if (!f)
        f = opteryx_store_session_get(db, opteryx_request_session(x), x->who->id, x->now, NULL,
                                      &inspect->session, why);
    if (!f)
        f = gather_session(db, &inspect->session, x->arena, &inspect->gather, why);
    if (f)
        return f;
    inspect->untold = inspect->gather.untold;
    text_addc(&inspect->gather.notes, ']');
    f = issues_add_kept(inspect, text_string(&inspect->gather.notes), -1, why);
    return f ? f : opteryx_store_parts(db, inspect->session.id, each, inspect, why);
}

static enum fault answer(struct inspect *inspect, struct problem *why)
{
    char text[PROBLEM_TEXT_MAX];
    struct exchange *x = inspect->x;
    if (json_object_array_length(inspect->parts) == 0)
        return exchange_reply_empty(x, OPTERYX_NO_CONTENT, why);
    (void)snprintf(text, sizeof text, "%lld more issues are not listed",
                   (long long)inspect->untold);
    enum fault f = inspect->untold ? issue_list(inspect, text, NULL, why) : FAULT_NONE;
    if (f)
        return f;
    json_object *body = json_object_new_object();
    if (!body || !json_add(body, "rows_estimate", json_object_new_int64(inspect->rows)) ||
        !json_add(body, "schema", opteryx_request_schema(&inspect->gather.columns)) ||
        !json_add(body, "parts", json_object_get(inspect->parts)) ||
        !json_add(body, "issues", json_object_get(inspect->issues))) {
        json_object_put(body);
        return opteryx_request_no_memory(why);
    }
    return exchange_reply_json(x, OPTERYX_OK, body, why);
}

enum fault opteryx_inspect(struct exchange *x, struct problem *why)
{
    struct inspect inspect = { .x = x };
    enum fault f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f)
        f = db_read(x->db, look, &inspect, why);
    if (!f)
        f = answer(&inspect, why);
    release(&inspect);
    return f;
}
