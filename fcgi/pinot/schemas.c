#include "pinot/schemas.h"

#include "auth/auth.h"
#include "base/limits.h"
#include "db/pinot_store_config.h"
#include "pinot/configs.h"
#include "pinot/names.h"
#include "pinot/reply.h"
#include "pinot/request.h"
#include "pinot/schema_config.h"
#include "json/json.h"

#include <string.h>

static enum fault read_schema(struct exchange *x, enum right right, struct schema_config *schema,
                              struct problem *why)
{
    const char *text = NULL;
    size_t len = 0;
    enum fault f = auth_require(x, right, NULL, why);
    if (!f)
        f = request_config(x, &text, &len, why);
    if (!f)
        f = schema_config_parse(text, len, exchange_header(x, "database"), x->arena, schema, why);
    return f ? f : auth_require(x, right, schema->name, why);
}

static enum fault write_schema(struct exchange *x, enum configs_write how,
                               const struct schema_config *schema, struct problem *why)
{
    const struct configs configs = {
        .how = how,
        .force = request_flag(request_query(x, "force"), false),
        .raw = schema->name,
        .schema = schema,
    };
    return configs_put(x, &configs, why);
}

/* POST /schemas */
enum fault pinot_schemas_post(struct exchange *x, struct problem *why)
{
    struct schema_config schema = { 0 };
    const bool override = request_flag(request_query(x, "override"), true);
    enum fault f = read_schema(x, RIGHT_ADMIN, &schema, why);
    if (!f)
        f = write_schema(x, override ? CONFIGS_SCHEMA_PUT : CONFIGS_SCHEMA_NEW, &schema, why);
    if (f)
        return f;
    const char *status = arena_printf(x->arena, "%s successfully added", schema.name);
    return pinot_reply_written(x, schema.unrecognized, status, why);
}

/* The schema that the path names, and the right to it. */
static enum fault named(struct exchange *x, enum right right, struct table_name *name,
                        struct problem *why)
{
    enum fault f = table_name_parse(exchange_path(x, 0), exchange_header(x, "database"), name, why);
    return f ? f : auth_require(x, right, name->given, why);
}

/* PUT /schemas/{schema} */
enum fault pinot_schema_replace(struct exchange *x, struct problem *why)
{
    struct schema_config schema = { 0 };
    struct table_name name;
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    if (!f)
        f = read_schema(x, RIGHT_ADMIN, &schema, why);
    if (!f && strcmp(schema.name, name.given) != 0) {
        f = problem_set(why, FAULT_MALFORMED,
                        "Schema name mismatch for uploaded schema, tried to add schema with name "
                        "%s as %s",
                        schema.name, name.given);
    }
    if (!f)
        f = write_schema(x, CONFIGS_SCHEMA_REPLACE, &schema, why);
    if (f)
        return f;
    const char *status = arena_printf(x->arena, "%s successfully added", schema.name);
    return pinot_reply_written(x, schema.unrecognized, status, why);
}

/* POST /schemas/validate: the schema as it would be read back */
enum fault pinot_schemas_validate(struct exchange *x, struct problem *why)
{
    struct schema_config schema = { 0 };
    struct text body;
    enum fault f = read_schema(x, RIGHT_READ, &schema, why);
    if (!f)
        f = write_schema(x, CONFIGS_SCHEMA_CHECK, &schema, why);
    text_init(&body, JSON_REPLY_MAX);
    if (!f) {
        text_add(&body, schema.config, strlen(schema.config) - 1);
        text_adds(&body, ",\"unrecognizedProperties\":");
        json_write(&body, schema.unrecognized);
        text_addc(&body, '}');
        f = pinot_reply_text(x, &body, why);
    }
    text_release(&body);
    return f;
}

struct listing {
    struct exchange *x;
    struct text body;
};

static enum fault add_name(void *ctx, const char *name, const char *raw, struct problem *why)
{
    struct listing *list = ctx;
    (void)raw;
    (void)why;
    if (!auth_scope_matches(list->x->who->scope, name))
        return FAULT_NONE;
    text_adds(&list->body, list->body.len > 1 ? "," : "");
    json_quote(&list->body, name, strlen(name));
    return FAULT_NONE;
}

/* GET /schemas: those that the token's scope covers */
enum fault pinot_schemas_list(struct exchange *x, struct problem *why)
{
    struct listing list = { .x = x };
    text_init(&list.body, JSON_REPLY_MAX);
    text_addc(&list.body, '[');
    enum fault f = auth_require(x, RIGHT_READ, NULL, why);
    if (!f)
        f = pinot_store_schema_list(x->db, add_name, &list, why);
    text_addc(&list.body, ']');
    if (!f)
        f = pinot_reply_text(x, &list.body, why);
    text_release(&list.body);
    return f;
}

/* GET /schemas/{schema} */
enum fault pinot_schema_read(struct exchange *x, struct problem *why)
{
    struct table_name name;
    const char *config = NULL;
    enum fault f = named(x, RIGHT_READ, &name, why);
    if (!f)
        f = pinot_store_schema_get(x->db, name.given, x->arena, &config, why);
    if (f)
        return f;
    if (!config)
        return problem_set(why, FAULT_MISSING, "Schema not found");
    return exchange_reply(x, PINOT_OK, "application/json", config, strlen(config), why);
}

/* DELETE /schemas/{schema} */
enum fault pinot_schemas_delete(struct exchange *x, struct problem *why)
{
    struct table_name name;
    struct pinot_schema_deletion deletion;
    enum fault f = named(x, RIGHT_ADMIN, &name, why);
    if (!f)
        f = pinot_store_schema_delete(x->db, name.given, &deletion, why);
    if (f)
        return f;
    if (deletion.table[0]) {
        return problem_set(why, FAULT_CONFLICT,
                           "Cannot delete schema %s, as it is associated with table %s", name.given,
                           deletion.table);
    }
    if (!deletion.found)
        return problem_set(why, FAULT_MISSING, "Schema %s not found", name.given);
    return pinot_reply_status(x, arena_printf(x->arena, "Schema %s deleted", name.given), why);
}
