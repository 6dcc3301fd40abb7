/*
 * fuzz_pinot_config.c - the JSON that a Pinot client sends: table configs, schemas and the header
 * that modifies custom maps.  What was kept of a config is a config itself and is kept as it is.
 */
#include "base/arena.h"
#include "base/limits.h"
#include "pinot/custom_map.h"
#include "pinot/schema_config.h"
#include "pinot/table_config.h"
#include "json/json.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static void must_be_object(const char *text)
{
    struct problem why = PROBLEM_NONE;
    json_object *object = NULL;
    assert(json_parse(text, strlen(text), &object, NULL, &why) == FAULT_NONE);
    assert(json_object_is_type(object, json_type_object));
    json_object_put(object);
}

static void check_table(const char *text, size_t len, struct arena *arena)
{
    struct problem why = PROBLEM_NONE;
    struct table_config first = { 0 };
    struct table_config second = { 0 };
    if (table_config_parse(text, len, NULL, arena, &first, &why))
        return;
    const struct pinot_table *table = &first.table;
    assert(strlen(table->name) < NAME_MAX_BYTES && table->raw[0] != '\0');
    assert(table->replication > 0 && table->deleted_keep_ms >= 0);
    must_be_object(table->config);
    assert(!table_config_parse(table->config, strlen(table->config), NULL, arena, &second, &why));
    assert(strcmp(second.table.config, table->config) == 0);
    assert(strcmp(second.table.name, table->name) == 0);
    assert(second.table.quota_bytes == table->quota_bytes);
    assert(json_object_object_length(second.unrecognized) == 0);
}

static void check_schema(const char *text, size_t len, struct arena *arena)
{
    struct problem why = PROBLEM_NONE;
    struct schema_config first = { 0 };
    struct schema_config second = { 0 };
    if (schema_config_parse(text, len, "db", arena, &first, &why))
        return;
    assert(strlen(first.name) < NAME_MAX_BYTES);
    assert(!schema_config_parse(first.config, strlen(first.config), "db", arena, &second, &why));
    assert(strcmp(first.config, second.config) == 0 && strcmp(first.name, second.name) == 0);
}

static void check_modifier(const char *text, struct arena *arena)
{
    struct problem why = PROBLEM_NONE;
    struct custom_modifier modifier;
    const char *after = NULL;
    const char *again = NULL;
    const bool good =
        !custom_modifier_parse(text, arena, &modifier, &why) &&
        !custom_modifier_apply(&modifier, "{\"a\":\"1\"}", "{\"b\":\"2\"}", false, &after, &why);
    if (good && after) {
        must_be_object(after);
        const char *kept = arena_strdup(arena, after, strlen(after));
        assert(kept && !custom_modifier_apply(&modifier, kept, NULL, true, &again, &why));
        assert(again && strcmp(again, kept) == 0); /* a second time changes nothing */
    }
    custom_modifier_release(&modifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *arena = arena_create(ARENA_MAX);
    assert(arena);
    const char *text = arena_strdup(arena, (const char *)bytes, len);
    if (text) {
        check_table(text, len, arena);
        check_schema(text, len, arena);
        check_modifier(text, arena);
    }
    arena_destroy(arena);
    return 0;
}
