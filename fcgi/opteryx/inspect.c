#include "opteryx/inspect.h"

#include "auth/auth.h"
#include "db/opteryx_store.h"
#include "opteryx/gather.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "json/json.h"

static enum fault answer(struct exchange *x, const struct gather *found, struct problem *why)
{
    if (found->parts == 0)
        return exchange_reply_empty(x, OPTERYX_NO_CONTENT, why);
    json_object *body = json_object_new_object();
    if (!body || !json_add(body, "rows_estimate", json_object_new_int64(found->rows)) ||
        !json_add(body, "schema", opteryx_request_schema(&found->columns)) ||
        !json_add(body, "parts", json_object_get(found->list)) ||
        !json_add(body, "issues", json_object_get(found->issues))) {
        json_object_put(body);
        return opteryx_request_no_memory(why);
    }
    return exchange_reply_json(x, OPTERYX_OK, body, why);
}

enum fault opteryx_inspect(struct exchange *x, struct problem *why)
{
    struct opteryx_session session = { .has_target = false };
    struct gather found = { .parts = 0 };
    enum fault f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f)
        f = db_read_begin(x->db, why); /* the session and its parts, of one moment */
    if (!f)
        f = opteryx_store_session_get(x->db, exchange_path(x, 0), x->who->name, x->now, x->arena,
                                      &session, why);
    if (!f)
        f = gather_parts(x->db, session.id, true, x->arena, &found, why);
    db_read_end(x->db);
    if (!f)
        f = db_settle(x->db, why);
    if (!f)
        f = answer(x, &found, why);
    json_object_put(found.list);
    json_object_put(found.issues);
    return f;
}
