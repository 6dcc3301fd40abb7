#include "pinot/schema_config.h"

#include "base/limits.h"
#include "pinot/config_json.h"
#include "pinot/names.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 256 /* bytes of a config that a text quotes */ };

static const char *const schema_members[] = { "schemaName",
                                              "enableColumnBasedNullHandling",
                                              "dimensionFieldSpecs",
                                              "metricFieldSpecs",
                                              "timeFieldSpec",
                                              "dateTimeFieldSpecs",
                                              "complexFieldSpecs",
                                              "primaryKeyColumns",
                                              "tags",
                                              "description",
                                              NULL };

/* The lists of a schema; Pinot names each column's kind when it prints one. */
static const struct {
    const char *list;
    const char *kind;
    const char *types; /* that its columns may have, between blanks */
    const char *where; /* as the controller's texts say it */
} lists[] = {
    { "dimensionFieldSpecs", "DIMENSION",
      " INT LONG FLOAT DOUBLE BIG_DECIMAL BOOLEAN TIMESTAMP STRING JSON BYTES ", "DIMENSION/TIME" },
    { "metricFieldSpecs", "METRIC", " INT LONG FLOAT DOUBLE BIG_DECIMAL BYTES ", "METRIC" },
    { "dateTimeFieldSpecs", "DATE_TIME",
      " INT LONG FLOAT DOUBLE BIG_DECIMAL BOOLEAN TIMESTAMP STRING JSON BYTES ", "DIMENSION/TIME" },
    { "complexFieldSpecs", "COMPLEX", " STRUCT MAP LIST ", "COMPLEX" },
};

enum { LIST_COUNT = sizeof lists / sizeof lists[0], DATE_TIMES = 2 };

static const char all_types[] =
    " INT LONG FLOAT DOUBLE BIG_DECIMAL BOOLEAN TIMESTAMP STRING JSON BYTES STRUCT MAP LIST ";

static bool is_one_of(const char *words, const char *word)
{
    const size_t len = strlen(word);
    for (const char *at = words; *at; at++) {
        if (strncmp(at, word, len) == 0 && at > words && at[-1] == ' ' && at[len] == ' ')
            return true;
    }
    return false;
}

static enum fault invalid(const char *schema, const char *reason, const char *column,
                          struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED, "Invalid schema: %s. Reason: %s%.*s", schema, reason,
                       SHOWN_MAX, column);
}

/* ---- columns ---- */

static bool is_multi_valued(json_object *field)
{
    json_object *single = NULL;
    return json_object_object_get_ex(field, "singleValueField", &single) &&
           json_object_is_type(single, json_type_boolean) && !json_object_get_boolean(single);
}

static enum fault check_type(const char *schema, size_t list, const char *column, const char *type,
                             struct problem *why)
{
    if (is_one_of(lists[list].types, type))
        return FAULT_NONE;
    if (is_one_of(all_types, type)) {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid schema: %s. Reason: Unsupported data type: %s in %s field: "
                           "%.*s",
                           schema, type, lists[list].where, SHOWN_MAX, column);
    }
    return problem_set(why, FAULT_MALFORMED,
                       "Invalid schema: %s. Reason: '%.64s' is not a data type: column: %.*s "
                       "must have one of%s",
                       schema, type, SHOWN_MAX, column, all_types);
}

static enum fault check_field(const char *schema, size_t list, json_object *field,
                              const char *column, const char *type,
                              const struct schema_columns *columns, struct problem *why)
{
    if (!column || column[0] == '\0')
        return invalid(schema, "a column has no name in ", lists[list].list, why);
    if (column[strcspn(column, " \t\r\n\f\v")] != '\0') {
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid schema: %s. Reason: The column name \"%.*s\" should not "
                           "contain blank space.",
                           schema, SHOWN_MAX, column);
    }
    if (json_object_object_length(columns->types) >= PINOT_COLUMNS_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "a schema may have %d columns", PINOT_COLUMNS_MAX);
    if (json_object_object_get_ex(columns->types, column, NULL))
        return invalid(schema, "Field spec already exists for column: ", column, why);
    if (!type)
        return invalid(schema, "dataType is missing of column: ", column, why);
    enum fault f = check_type(schema, list, column, type, why);
    if (!f && is_multi_valued(field) &&
        (strcmp(type, "JSON") == 0 || strcmp(type, "BIG_DECIMAL") == 0)) {
        f = problem_set(why, FAULT_MALFORMED,
                        "Invalid schema: %s. Reason: %s columns cannot be of multi-value type: "
                        "%.*s",
                        schema, type, SHOWN_MAX, column);
    }
    return f;
}

static enum fault add_column(struct schema_columns *columns, const char *column, const char *kind,
                             const char *type, bool many, struct problem *why)
{
    char text[sizeof "DIMENSION BIG_DECIMAL MV"];
    (void)snprintf(text, sizeof text, "%s %s%s", kind, type, many ? " MV" : "");
    return json_add(columns->types, column, json_string(text)) ? FAULT_NONE
                                                               : config_json_no_memory(why);
}

/* One list.  schema NULL: it was kept, and what would not be taken is passed over. */
static enum fault read_list(json_object *from, size_t list, const char *schema,
                            struct schema_columns *columns, struct problem *why)
{
    json_object *fields = NULL;
    enum fault f = FAULT_NONE;
    if (!json_object_object_get_ex(from, lists[list].list, &fields) || !fields)
        return FAULT_NONE;
    if (!json_object_is_type(fields, json_type_array))
        return schema ? invalid(schema, "no list: ", lists[list].list, why) : FAULT_NONE;
    for (size_t i = 0; i < json_object_array_length(fields) && !f; i++) {
        json_object *field = json_object_array_get_idx(fields, i);
        const bool object = json_object_is_type(field, json_type_object);
        const char *column = object ? json_text_of(field, "name") : NULL;
        const char *type = object ? json_text_of(field, "dataType") : NULL;
        if (schema) {
            f = check_field(schema, list, field, column, type, columns, why);
            if (!f && !json_add(field, "fieldType", json_string(lists[list].kind)))
                f = config_json_no_memory(why);
        }
        if (!f && column && type && is_one_of(all_types, type))
            f = add_column(columns, column, lists[list].kind, type, is_multi_valued(field), why);
    }
    return f;
}

/* The old way to say which column is the time: what goes out of it, else what comes in. */
static enum fault read_time(json_object *from, const char *schema, struct schema_columns *columns,
                            struct problem *why)
{
    json_object *time = config_json_member(from, "timeFieldSpec");
    json_object *spec = config_json_member(time, "outgoingGranularitySpec");
    if (!spec)
        spec = config_json_member(time, "incomingGranularitySpec");
    const char *column = spec ? json_text_of(spec, "name") : NULL;
    const char *type = spec ? json_text_of(spec, "dataType") : NULL;
    enum fault f = FAULT_NONE;
    if (schema && time)
        f = check_field(schema, DATE_TIMES, time, column, type, columns, why);
    if (!f && column && type && is_one_of(all_types, type))
        f = add_column(columns, column, "TIME", type, false, why);
    return f;
}

static enum fault read_keys(json_object *from, const char *schema, struct schema_columns *columns,
                            struct problem *why)
{
    json_object *keys = NULL;
    if (!json_object_object_get_ex(from, "primaryKeyColumns", &keys) ||
        !json_object_is_type(keys, json_type_array) || json_object_array_length(keys) == 0)
        return FAULT_NONE;
    columns->keys = json_object_get(keys);
    for (size_t i = 0; i < json_object_array_length(keys) && schema; i++) {
        json_object *key = json_object_array_get_idx(keys, i);
        const char *column =
            json_object_is_type(key, json_type_string) ? json_object_get_string(key) : "";
        if (!json_object_object_get_ex(columns->types, column, NULL))
            return invalid(schema, "The primary key column must exist: ", column, why);
    }
    return FAULT_NONE;
}

static enum fault read_columns(json_object *from, const char *schema,
                               struct schema_columns *columns, struct problem *why)
{
    columns->keys = NULL;
    columns->types = json_object_new_object();
    enum fault f = columns->types ? FAULT_NONE : config_json_no_memory(why);
    for (size_t i = 0; i < LIST_COUNT && !f; i++)
        f = read_list(from, i, schema, columns, why);
    if (!f)
        f = read_time(from, schema, columns, why);
    if (!f)
        f = read_keys(from, schema, columns, why);
    if (f)
        schema_columns_release(columns);
    return f;
}

void schema_columns_release(struct schema_columns *columns)
{
    json_object_put(columns->types);
    json_object_put(columns->keys);
    *columns = (struct schema_columns){ 0 };
}

enum fault schema_columns_read(const char *config, struct schema_columns *out, struct problem *why)
{
    json_object *schema = NULL;
    enum fault f = json_parse(config, strlen(config), &schema, NULL, why);
    if (!f)
        f = read_columns(schema, NULL, out, why);
    json_object_put(schema);
    return f;
}

bool schema_columns_has_time(const struct schema_columns *columns, const char *name)
{
    json_object *type = NULL;
    if (!json_object_object_get_ex(columns->types, name, &type))
        return false;
    const char *text = json_object_get_string(type);
    return strncmp(text, "DATE_TIME ", sizeof "DATE_TIME " - 1) == 0 ||
           strncmp(text, "TIME ", sizeof "TIME " - 1) == 0;
}

/* ---- agreement ---- */

static void add_words(struct text *out, json_object *keys)
{
    text_addc(out, '[');
    for (size_t i = 0; keys && i < json_object_array_length(keys); i++) {
        text_adds(out, i > 0 ? ", " : "");
        text_adds(out, json_object_get_string(json_object_array_get_idx(keys, i)));
    }
    text_addc(out, ']');
}

/* What follows the kind: data type and number of values. */
static const char *value_of(const char *type)
{
    return type + strcspn(type, " ");
}

/* Both lists are of the columns in the way: those that are gone, or those that are another. */
static void add_columns(const struct schema_columns *before, const struct schema_columns *after,
                        bool gone, struct text *out)
{
    const size_t begin = out->len;
    json_object_object_foreach(before->types, column, type)
    {
        json_object *there = NULL;
        const bool found = json_object_object_get_ex(after->types, column, &there);
        const char *old = json_object_get_string(type);
        const char *new = found ? json_object_get_string(there) : "";
        if (found == gone || (found && strcmp(value_of(old), value_of(new)) == 0))
            continue;
        text_adds(out, out->len > begin ? ", " : "");
        text_adds(out, column);
        if (!gone)
            text_addf(out, " (old: %s, new: %s)", old, new);
    }
}

static bool add_line(const char *head, const struct schema_columns *before,
                     const struct schema_columns *after, bool gone, struct text *details)
{
    struct text columns;
    text_init(&columns, details->max);
    add_columns(before, after, gone, &columns);
    const bool any = columns.len > 0;
    if (any)
        text_addf(details, "\n- %s: [%s]", head, text_string(&columns));
    text_release(&columns);
    return any;
}

bool schema_columns_agree(const struct schema_columns *before, const struct schema_columns *after,
                          struct text *details)
{
    const bool keys =
        !before->keys || (after->keys && json_object_equal(before->keys, after->keys));
    if (!keys) {
        text_adds(details, "\n- Primary key columns changed (");
        add_words(details, before->keys);
        text_adds(details, " -> ");
        add_words(details, after->keys);
        text_addc(details, ')');
    }
    const bool missing = add_line("Missing columns (present in old schema but not in new)", before,
                                  after, true, details);
    const bool other = add_line("Incompatible field specifications", before, after, false, details);
    return keys && !missing && !other;
}

/* ---- the whole ---- */

static void put_object(void *object)
{
    json_object_put(object);
}

/* Hands the columns to the arena. */
static enum fault keep_columns(struct schema_columns *columns, struct arena *arena,
                               struct problem *why)
{
    json_object *const objects[] = { columns->types, columns->keys };
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        if (objects[i] && !arena_defer(arena, put_object, objects[i]))
            return config_json_no_memory(why);
    }
    return FAULT_NONE;
}

static enum fault read_name(json_object *schema, const char *database, struct arena *arena,
                            const char **out, struct problem *why)
{
    struct table_name name;
    const char *given = json_text_of(schema, "schemaName");
    if (!given || given[0] == '\0')
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid schema. Reason: 'schemaName' should not be null or empty");
    if (strstr(given, "__"))
        return problem_set(why, FAULT_MALFORMED,
                           "'schemaName' cannot contain double underscore ('__')");
    const enum fault f = table_name_parse(given, database, &name, why);
    return f ? f : config_json_keep_text(name.given, arena, out, why);
}

enum fault schema_config_read(json_object *schema, const char *path, const char *database,
                              struct arena *arena, struct schema_config *out, struct problem *why)
{
    json_object *nulls = NULL;
    enum fault f = read_name(schema, database, arena, &out->name, why);
    if (f)
        return f;
    if (!config_json_take_unknown(schema, schema_members, path, out->unrecognized) ||
        !json_add(schema, "schemaName", json_string(out->name)))
        return config_json_no_memory(why);
    f = read_columns(schema, out->name, &out->columns, why);
    if (!f)
        f = keep_columns(&out->columns, arena, why);
    if (f)
        return f;
    if (!json_object_object_get_ex(schema, "enableColumnBasedNullHandling", &nulls) &&
        !json_add(schema, "enableColumnBasedNullHandling", json_object_new_boolean(0)))
        return config_json_no_memory(why);
    return config_json_keep(schema, arena, &out->config, why);
}

enum fault schema_config_parse(const char *text, size_t len, const char *database,
                               struct arena *arena, struct schema_config *out, struct problem *why)
{
    char prefix[PROBLEM_TEXT_MAX / 2];
    json_object *schema = NULL;
    (void)snprintf(prefix, sizeof prefix, "Invalid schema config json string: %.*s. Reason: ",
                   len > SHOWN_MAX ? SHOWN_MAX : (int)len, text);
    enum fault f = config_json_parse(text, len, prefix, &schema, why);
    if (!f)
        f = config_json_unknown(arena, &out->unrecognized, why);
    if (!f)
        f = schema_config_read(schema, "", database, arena, out, why);
    json_object_put(schema);
    return f;
}
