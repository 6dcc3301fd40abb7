#include "pinot/custom_map.h"

#include "base/limits.h"
#include "json/json.h"

#include <string.h>

static void put_object(void *object)
{
    json_object_put(object);
}

static enum fault malformed(struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED,
                       "Pinot-SegmentZKMetadataCustomMapModifier must be "
                       "{\"mapModifyMode\":\"UPDATE\" or \"REPLACE\",\"map\":{...}} with texts");
}

static bool all_texts(json_object *map)
{
    json_object_object_foreach(map, key, value)
    {
        (void)key;
        if (!json_object_is_type(value, json_type_string))
            return false;
    }
    return true;
}

enum fault custom_modifier_parse(const char *header, struct arena *arena,
                                 struct custom_modifier *out, struct problem *why)
{
    struct problem ignored = PROBLEM_NONE;
    json_object *given = NULL;
    *out = (struct custom_modifier){ 0 };
    text_init(&out->after, PINOT_CUSTOM_MAP_MAX);
    if (!header)
        return FAULT_NONE;
    if (json_parse(header, strlen(header), &given, NULL, &ignored))
        return malformed(why);
    if (given && !arena_defer(arena, put_object, given))
        return problem_set(why, FAULT_TOO_LARGE, "the request is too large");
    const char *mode =
        json_object_is_type(given, json_type_object) ? json_text_of(given, "mapModifyMode") : NULL;
    json_object *map = NULL;
    if (!mode || !json_object_object_get_ex(given, "map", &map) ||
        !json_object_is_type(map, json_type_object) || !all_texts(map))
        return malformed(why);
    out->replace = strcmp(mode, "REPLACE") == 0;
    if (!out->replace && strcmp(mode, "UPDATE") != 0)
        return malformed(why);
    out->map = map;
    return FAULT_NONE;
}

void custom_modifier_release(struct custom_modifier *modifier)
{
    text_release(&modifier->after);
}

/* Lays the members of from over onto. */
static bool lay_over(json_object *onto, json_object *from)
{
    json_object_object_foreach(from, key, value)
    {
        if (!json_add(onto, key, json_object_get(value)))
            return false;
    }
    return true;
}

/* The same with a map as text; rows and metadata hold what this program wrote. */
static bool lay_over_text(json_object *onto, const char *text)
{
    struct problem ignored = PROBLEM_NONE;
    json_object *from = NULL;
    if (!text)
        return true;
    if (json_parse(text, strlen(text), &from, NULL, &ignored))
        return false;
    const bool laid = !from || lay_over(onto, from);
    json_object_put(from);
    return laid;
}

enum fault custom_modifier_apply(void *ctx, const char *before, const char *given, bool same_crc,
                                 const char **after, struct problem *why)
{
    struct custom_modifier *modifier = ctx;
    json_object *map = json_object_new_object();
    bool done = map != NULL;
    if (done && !modifier->replace)
        done = lay_over_text(map, before) && (same_crc || lay_over_text(map, given));
    done = done && lay_over(map, modifier->map);
    text_clear(&modifier->after);
    if (done && json_object_object_length(map) > 0)
        json_write(&modifier->after, map);
    json_object_put(map);
    if (!done)
        return problem_internal(why, "a custom map could not be made");
    if (text_failed(&modifier->after))
        return problem_set(why, FAULT_TOO_LARGE, "a custom map has more than %d bytes",
                           PINOT_CUSTOM_MAP_MAX);
    *after = modifier->after.len > 0 ? text_string(&modifier->after) : NULL;
    return FAULT_NONE;
}
