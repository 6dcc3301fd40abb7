#include "pinot/config_json.h"

#include "base/limits.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum {
    CONFIG_MAX = PINOT_CONFIG_MAX + 64 * KIB, /* what is filled in, too */
    PATH_TEXT_MAX = 512,
};

static void put_object(void *object)
{
    json_object_put(object);
}

enum fault config_json_no_memory(struct problem *why)
{
    return problem_internal(why, "no memory for a config");
}

enum fault config_json_parse(const char *text, size_t len, const char *prefix, json_object **out,
                             struct problem *why)
{
    struct problem cause = PROBLEM_NONE;
    json_object *object = NULL;
    if (json_parse(text, len, &object, NULL, &cause))
        return problem_set(why, cause.fault, "%s%s", prefix, cause.text);
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return problem_set(why, FAULT_MALFORMED, "%sthe config is not a JSON object", prefix);
    }
    *out = object;
    return FAULT_NONE;
}

static bool is_member(const char *const *members, const char *name)
{
    for (; *members; members++) {
        if (strcmp(*members, name) == 0)
            return true;
    }
    return false;
}

bool config_json_take_unknown(json_object *object, const char *const *members, const char *path,
                              json_object *unrecognized)
{
    char full[PATH_TEXT_MAX];
    struct json_object_iterator at = json_object_iter_begin(object);
    const struct json_object_iterator end = json_object_iter_end(object);
    while (!json_object_iter_equal(&at, &end)) {
        const char *name = json_object_iter_peek_name(&at);
        json_object *value = json_object_iter_peek_value(&at);
        json_object_iter_next(&at);
        if (is_member(members, name))
            continue;
        (void)snprintf(full, sizeof full, "%s/%s", path, name);
        if (!json_add(unrecognized, full, json_object_get(value)))
            return false;
        json_object_object_del(object, name);
    }
    return true;
}

bool config_json_fill(json_object *onto, json_object *from)
{
    json_object_object_foreach(from, name, value)
    {
        json_object *there = NULL;
        if (!json_object_object_get_ex(onto, name, &there)) {
            if (!json_add(onto, name, json_object_get(value)))
                return false;
        } else if (json_object_is_type(there, json_type_object) &&
                   json_object_is_type(value, json_type_object) &&
                   !config_json_fill(there, value)) {
            return false;
        }
    }
    return true;
}

enum fault config_json_keep(json_object *object, struct arena *arena, const char **out,
                            struct problem *why)
{
    struct text text;
    text_init(&text, CONFIG_MAX);
    json_write(&text, object);
    *out = text_failed(&text) ? NULL : arena_strdup(arena, text_string(&text), text.len);
    text_release(&text);
    return *out ? FAULT_NONE : problem_set(why, FAULT_TOO_LARGE, "the config is too large");
}

enum fault config_json_keep_text(const char *text, struct arena *arena, const char **out,
                                 struct problem *why)
{
    *out = text ? arena_strdup(arena, text, strlen(text)) : NULL;
    return text && !*out ? config_json_no_memory(why) : FAULT_NONE;
}

json_object *config_json_member(json_object *object, const char *name)
{
    json_object *value = NULL;
    if (object)
        (void)json_object_object_get_ex(object, name, &value);
    return json_object_is_type(value, json_type_object) ? value : NULL;
}

enum fault config_json_unknown(struct arena *arena, json_object **out, struct problem *why)
{
    *out = json_object_new_object();
    if (!*out || !arena_defer(arena, put_object, *out))
        return config_json_no_memory(why);
    return FAULT_NONE;
}
