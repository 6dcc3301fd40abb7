#include "opteryx/session.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "db/opteryx_store.h"
#include "db/opteryx_store_dataset.h"
#include "opteryx/reply.h"
#include "opteryx/request.h"
#include "tabular/columns.h"
#include "json/json.h"

#include <ctype.h>
#include <stdio.h>

enum {
    ID_RANDOM = 16, /* bytes: 128 bits that nobody guesses */
};

/* "20260102030405-" and the random bytes in hexadecimal. */
static void id_make(const struct exchange *x, char out[OPTERYX_SESSION_ID_MAX])
{
    char iso[CLOCK_ISO_MAX];
    size_t len = 0;
    clock_iso(x->now, iso);
    for (const char *at = iso; *at; at++) {
        if (isdigit((unsigned char)*at))
            out[len++] = *at;
    }
    out[len++] = '-';
    text_hex(x->random, ID_RANDOM, out + len);
}

/* {"column":"type"} of a dataset that exists, null otherwise. */
static enum fault declared(struct exchange *x, const struct opteryx_target *target,
                           json_object **out, struct problem *why)
{
    struct opteryx_dataset dataset = { .number = 0 };
    struct columns columns;
    bool found = false;
    columns_init(&columns, x->arena);
    enum fault f = opteryx_store_dataset_get(x->db, target, x->arena, &dataset, &found, why);
    if (f || !found)
        return f;
    f = columns_read(&columns, dataset.columns, why);
    json_object *map = f ? NULL : json_object_new_object();
    for (size_t i = 0; map && i < columns.count; i++) {
        char word[TYPE_TEXT_MAX];
        type_print(&columns.list[i].type, word);
        if (!json_add(map, columns.list[i].name, json_string(word))) {
            json_object_put(map);
            map = NULL;
        }
    }
    *out = map;
    return !f && !map ? opteryx_request_no_memory(why) : f;
}

static bool add_target(json_object *body, const struct opteryx_target *target)
{
    json_object *made = json_object_new_object();
    return json_add(body, "target", made) &&
           json_add(made, "workspace", json_string(target->workspace)) &&
           json_add(made, "collection", json_string(target->collection)) &&
           json_add(made, "dataset", json_string(target->dataset));
}

static enum fault answer(struct exchange *x, const struct opteryx_session *session,
                         json_object *declared_schema, struct problem *why)
{
    char expires_at[CLOCK_ISO_MAX];
    clock_iso(session->expires_at, expires_at);
    const char *url = arena_printf(x->arena, "%s/v1/upload/%s", exchange_base_url(x), session->id);
    json_object *body = json_object_new_object();
    bool ok = url && body && json_add(body, "session_id", json_string(session->id)) &&
              json_add(body, "url", json_string(url)) &&
              json_add(body, "expires_at", json_string(expires_at)) &&
              json_add(body, "parts", json_object_new_boolean(true));
    if (session->has_target) {
        ok = ok && add_target(body, &session->target) &&
             json_add(body, "declared_schema", json_object_get(declared_schema));
    }
    if (!ok) {
        json_object_put(body);
        return opteryx_request_no_memory(why);
    }
    return exchange_reply_json(x, OPTERYX_CREATED, body, why);
}

static enum fault open_checked(struct exchange *x, struct opteryx_session *session,
                               struct problem *why)
{
    json_object *declared_schema = NULL;
    const char *table = NULL;
    if (session->has_target)
        table = opteryx_request_table(x, &session->target);
    enum fault f = auth_require(x, RIGHT_WRITE, table, why);
    if (f)
        return f;
    session->owner = x->who->name;
    session->owner_id = x->who->id;
    session->created_at = x->now;
    session->expires_at = x->now + x->config->session_hours * CLOCK_HOUR_MS;
    id_make(x, session->id);
    if (session->has_target)
        f = declared(x, &session->target, &declared_schema, why);
    if (!f)
        f = opteryx_store_session_add(x->db, session, why);
    if (!f)
        f = answer(x, session, declared_schema, why);
    json_object_put(declared_schema);
    return f;
}

enum fault opteryx_session_open(struct exchange *x, struct problem *why)
{
    struct opteryx_session session = { .has_target = false };
    struct validate v;
    json_object *body = NULL;
    validate_init(&v);
    enum fault f = opteryx_request_json(x, &v, true, &body, why);
    if (!f && v.count == 0)
        validate_session(&v, body, &session.target, &session.has_target);
    if (!f)
        f = v.count ? opteryx_refuse_invalid(x, &v, why) : open_checked(x, &session, why);
    validate_release(&v);
    return f;
}
