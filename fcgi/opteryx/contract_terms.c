#include "opteryx/contract_terms.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

/* The index of a text among words; the error and -1 when it is none of them. */
static int word_of(struct validate *v, const struct validate_loc *loc, json_object *value,
                   const char *const *words, const char *expected)
{
    char message[PROBLEM_TEXT_MAX];
    char ctx[PROBLEM_TEXT_MAX];
    const char *word =
        json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    (void)snprintf(message, sizeof message, "Input should be %s", expected);
    (void)snprintf(ctx, sizeof ctx, "{\"expected\":\"%s\"}", expected);
    if (json_object_is_type(value, json_type_string))
        validate_error_text(v, "enum", loc, message, word, ctx);
    else
        validate_error(v, "enum", loc, message, value);
    return -1;
}

/* A list of texts as names; what is no text is an error. */
static enum fault names_read(struct validate *v, json_object *list, struct columns *out,
                             struct problem *why)
{
    const struct validate_loc loc = { { "body", "ignore" } };
    const struct type none = { .kind = TYPE_NULL };
    if (!json_object_is_type(list, json_type_array)) {
        validate_error(v, "list_type", &loc, "Input should be a valid list", list);
        return FAULT_NONE;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const char *name = validate_string(v, &loc, json_object_array_get_idx(list, i));
        if (!name)
            return FAULT_NONE;
        if (columns_find(out, name))
            continue;
        const enum fault f = columns_add(out, name, strlen(name), &none, true, why);
        if (f)
            return f;
    }
    return FAULT_NONE;
}

/* One {"name","type"} of the declared columns. */
static enum fault column_read(struct validate *v, json_object *entry, struct contract_terms *out,
                              struct problem *why)
{
    const struct validate_loc loc = { { "body", "schema", "columns" } };
    const struct validate_loc of_name = { { "body", "schema", "columns", "name" } };
    const struct validate_loc of_type = { { "body", "schema", "columns", "type" } };
    json_object *value = NULL;
    struct type type = { .kind = TYPE_NULL };
    const char *name = NULL;
    const char *word = NULL;
    if (!validate_object(v, &loc, entry))
        return FAULT_NONE;
    if (validate_member(v, &of_name, entry, "name", &value))
        name = validate_string(v, &of_name, value);
    if (validate_member(v, &of_type, entry, "type", &value))
        word = validate_string(v, &of_type, value);
    if (!name || !word)
        return FAULT_NONE;
    if (columns_find(&out->columns, name)) {
        validate_error_text(v, "value_error", &of_name, "Value error, a column is declared twice",
                            name, NULL);
        return FAULT_NONE;
    }
    if (!type_parse(word, &type)) {
        out->unknown_type = out->unknown_type ? out->unknown_type : word;
        out->unknown_column = out->unknown_column ? out->unknown_column : name;
        return FAULT_NONE;
    }
    return columns_add(&out->columns, name, strlen(name), &type, true, why);
}

static enum fault columns_list(struct validate *v, json_object *schema, struct contract_terms *out,
                               struct problem *why)
{
    const struct validate_loc loc = { { "body", "schema", "columns" } };
    json_object *list = NULL;
    enum fault f = FAULT_NONE;
    if (!validate_member(v, &loc, schema, "columns", &list))
        return FAULT_NONE;
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0) {
        validate_error(v, "list_type", &loc, "Input should be a valid list of columns", list);
        return FAULT_NONE;
    }
    for (size_t i = 0; !f && v->count == 0 && i < json_object_array_length(list); i++)
        f = column_read(v, json_object_array_get_idx(list, i), out, why);
    return f;
}

static enum fault schema_read(struct validate *v, json_object *schema, struct contract_terms *out,
                              struct problem *why)
{
    static const char *const modes[] = { "declared", "infer", "dataset", "auto", NULL };
    static const char *const writes[] = { "append", "overwrite", NULL };
    const struct validate_loc loc = { { "body", "schema" } };
    const struct validate_loc of_mode = { { "body", "schema", "mode" } };
    const struct validate_loc of_write = { { "body", "schema", "write" } };
    json_object *value = NULL;
    if (!validate_object(v, &loc, schema))
        return FAULT_NONE;
    if (validate_member(v, &of_mode, schema, "mode", &value)) {
        const int mode =
            word_of(v, &of_mode, value, modes, "'declared', 'infer', 'dataset' or 'auto'");
        out->mode = mode < 0 ? CONTRACT_NO_MODE : (enum contract_mode)mode;
    }
    if (json_object_object_get_ex(schema, "write", &value))
        out->overwrites = word_of(v, &of_write, value, writes, "'append' or 'overwrite'") == 1;
    return out->mode == CONTRACT_DECLARED ? columns_list(v, schema, out, why) : FAULT_NONE;
}

enum fault contract_terms_read(struct validate *v, json_object *body, struct contract_terms *out,
                               struct problem *why)
{
    static const char *const conflicts[] = { "fail", "overwrite", "append", NULL };
    const struct validate_loc loc = { { "body", "contract" } };
    const struct validate_loc of_target = { { "body", "target" } };
    const struct validate_loc of_conflict = { { "body", "on_conflict" } };
    json_object *value = NULL;
    out->mode = CONTRACT_NO_MODE;
    out->on_conflict = OPTERYX_APPEND;
    if (!validate_object(v, &loc, body))
        return FAULT_NONE;
    if (validate_member(v, &of_target, body, "target", &value))
        validate_target_object(v, value, &out->target);
    if (json_object_object_get_ex(body, "on_conflict", &value)) {
        const int word =
            word_of(v, &of_conflict, value, conflicts, "'fail', 'append' or 'overwrite'");
        out->on_conflict = word < 0 ? OPTERYX_FAIL : (enum opteryx_mode)word;
    }
    enum fault f = FAULT_NONE;
    if (json_object_object_get_ex(body, "schema", &value) && value)
        f = schema_read(v, value, out, why);
    if (!f && json_object_object_get_ex(body, "ignore", &value) && value)
        f = names_read(v, value, &out->ignored, why);
    return f;
}

/* ---- amendments ---- */

static void retype(struct validate *v, const char *name, json_object *value,
                   struct contract_amendment *out)
{
    const struct validate_loc loc = { { "body", "columns", name } };
    struct column *column = columns_find(out->columns, name);
    const char *word = validate_string(v, &loc, value);
    struct type type = { .kind = TYPE_NULL };
    if (!word)
        return;
    if (!column) {
        out->missing = out->missing ? out->missing : name;
    } else if (!type_parse(word, &type)) {
        out->unknown_type = out->unknown_type ? out->unknown_type : word;
        out->unknown_column = out->unknown_column ? out->unknown_column : name;
    } else {
        column->type = type;
    }
}

enum fault contract_terms_amend(struct validate *v, json_object *body,
                                struct contract_amendment *out, struct problem *why)
{
    const struct validate_loc loc = { { "body" } };
    const struct validate_loc of_columns = { { "body", "columns" } };
    json_object *value = NULL;
    if (!validate_object(v, &loc, body))
        return FAULT_NONE;
    if (json_object_object_get_ex(body, "columns", &value) && value &&
        validate_object(v, &of_columns, value)) {
        const struct json_object_iterator end = json_object_iter_end(value);
        struct json_object_iterator at = json_object_iter_begin(value);
        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
            retype(v, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at), out);
    }
    out->ignores = json_object_object_get_ex(body, "ignore", &value) && value;
    if (!out->ignores)
        return FAULT_NONE;
    const enum fault f = names_read(v, value, out->ignored, why);
    for (size_t i = 0; !f && i < out->ignored->count; i++) {
        const char *name = out->ignored->list[i].name;
        if (!columns_find(out->columns, name) && !columns_find(out->others, name))
            out->missing = out->missing ? out->missing : name;
    }
    return f;
}
