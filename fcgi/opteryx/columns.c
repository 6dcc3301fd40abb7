#include "opteryx/columns.h"

#include "base/limits.h"
#include "http/json.h"

#include <stdio.h>
#include <string.h>

enum {
    ROOM_FIRST = 16,  /* columns; the hash table begins past them */
    SLOTS_FACTOR = 2, /* slots a column of room, a power of two */
    NAMES_SHOWN = 8,  /* columns that a mismatch names */
};

void columns_init(struct columns *columns, struct arena *arena)
{
    *columns = (struct columns){ .arena = arena };
}

/* FNV-1a: names come from the client, but a table is filled by one request and bounded. */
static uint32_t hash_of(const char *name)
{
    const uint32_t offset = 2166136261U;
    const uint32_t prime = 16777619U;
    uint32_t hash = offset;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * prime;
    return hash;
}

/* The slot that holds name or is free for it. */
static size_t slot_of(const struct columns *columns, const char *name)
{
    size_t at = hash_of(name) & (columns->slot_count - 1);
    while (columns->slots[at] != 0 && strcmp(columns->list[columns->slots[at] - 1].name, name) != 0)
        at = (at + 1) & (columns->slot_count - 1);
    return at;
}

static void index_add(struct columns *columns, size_t i)
{
    const size_t at = slot_of(columns, columns->list[i].name);
    if (columns->slots[at] == 0) /* else the first of that name stays */
        columns->slots[at] = (uint32_t)i + 1;
}

/* Doubles the room; the arena takes the old list back at its reset. */
static bool grow(struct columns *columns)
{
    const size_t room = columns->room ? 2 * columns->room : ROOM_FIRST;
    struct column *list = arena_alloc(columns->arena, room * sizeof *list);
    uint32_t *slots = NULL;
    if (columns->room)
        slots = arena_alloc(columns->arena, room * SLOTS_FACTOR * sizeof *slots);
    if (!list || (columns->room && !slots))
        return false;
    if (columns->count)
        memcpy(list, columns->list, columns->count * sizeof *list);
    columns->list = list;
    columns->room = room;
    columns->slots = slots;
    columns->slot_count = slots ? room * SLOTS_FACTOR : 0;
    for (size_t i = 0; slots && i < columns->count; i++)
        index_add(columns, i);
    return true;
}

enum fault columns_add(struct columns *columns, const char *name, size_t len,
                       const struct type *type, bool nullable, struct problem *why)
{
    if (len > OPTERYX_COLUMN_NAME_MAX)
        return problem_set(why, FAULT_UNPROCESSABLE, "column %zu has a name of more than %d bytes",
                           columns->count + 1, (int)OPTERYX_COLUMN_NAME_MAX);
    if (memchr(name, '\0', len))
        return problem_set(why, FAULT_UNPROCESSABLE, "column %zu has a NUL in its name",
                           columns->count + 1);
    if (columns->count == OPTERYX_COLUMNS_MAX)
        return problem_set(why, FAULT_UNPROCESSABLE, "more than %d columns",
                           (int)OPTERYX_COLUMNS_MAX);
    const char *copy = arena_strdup(columns->arena, name, len);
    if (!copy || (columns->count == columns->room && !grow(columns)))
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    columns->list[columns->count] =
        (struct column){ .name = copy, .type = *type, .nullable = nullable };
    if (columns->slots)
        index_add(columns, columns->count);
    columns->count++;
    return FAULT_NONE;
}

struct column *columns_find(const struct columns *columns, const char *name)
{
    if (columns->slots) {
        const uint32_t found = columns->slots[slot_of(columns, name)];
        return found ? &columns->list[found - 1] : NULL;
    }
    for (size_t i = 0; i < columns->count; i++) {
        if (strcmp(columns->list[i].name, name) == 0)
            return &columns->list[i];
    }
    return NULL;
}

void columns_write(const struct columns *columns, struct text *out)
{
    char word[TYPE_TEXT_MAX];
    text_addc(out, '[');
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->list[i];
        type_print(&column->type, word);
        text_adds(out, i ? ",{\"name\":" : "{\"name\":");
        json_quote(out, column->name, strlen(column->name));
        text_addf(out, ",\"type\":\"%s\",\"nullable\":%s}", word,
                  column->nullable ? "true" : "false");
    }
    text_addc(out, ']');
}

static enum fault damaged(struct problem *why)
{
    return problem_internal(why, "stored columns are damaged");
}

static enum fault row_add(struct columns *columns, json_object *row, struct problem *why)
{
    struct type type = { .kind = TYPE_NULL };
    json_object *nullable = NULL;
    const char *name = json_text_of(row, "name");
    const char *word = json_text_of(row, "type");
    if (!name || !word || !type_parse(word, &type) ||
        !json_object_object_get_ex(row, "nullable", &nullable))
        return damaged(why);
    return columns_add(columns, name, strlen(name), &type, json_object_get_boolean(nullable), why);
}

/* The length of the object at the start of a text, whose members are no objects; 0: none. */
static size_t object_len(const char *text)
{
    bool quoted = false;
    for (const char *at = text; *at; at++) {
        if (quoted && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (*at == '}' && !quoted)
            return (size_t)(at - text) + 1;
    }
    return 0;
}

/* One at a time: a tree of all of them would take many times the memory of the columns. */
enum fault columns_read(struct columns *columns, const char *json, struct problem *why)
{
    enum fault f = FAULT_NONE;
    const char *at = json;
    if (*at != '[')
        return damaged(why);
    for (at++; !f && *at == '{'; at += *at == ',') {
        json_object *row = NULL;
        struct problem of_parser = PROBLEM_NONE;
        const size_t len = object_len(at);
        if (json_parse(at, len, &row, NULL, &of_parser))
            return damaged(why);
        f = row_add(columns, row, why);
        json_object_put(row);
        at += len;
    }
    return !f && strcmp(at, "]") != 0 ? damaged(why) : f;
}

json_object *columns_json(const struct columns *columns)
{
    char word[TYPE_TEXT_MAX];
    json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < columns->count; i++) {
        json_object *row = json_object_new_object();
        type_print(&columns->list[i].type, word);
        if (!row || json_object_array_add(list, row) != 0) {
            json_object_put(row);
            json_object_put(list);
            return NULL;
        }
        if (!json_add(row, "name", json_string(columns->list[i].name)) ||
            !json_add(row, "type", json_string(word))) {
            json_object_put(list);
            return NULL;
        }
    }
    return list;
}

/* ---- parts of one upload ---- */

static enum fault merge_type(struct column *column, const struct column *other, columns_told told,
                             void *ctx, struct problem *why)
{
    char words[2][TYPE_TEXT_MAX];
    char note[PROBLEM_TEXT_MAX];
    struct type wide = { .kind = TYPE_NULL };
    if (type_widen(&column->type, &other->type, &wide)) {
        column->type = wide;
        return FAULT_NONE;
    }
    type_print(&column->type, words[0]);
    type_print(&other->type, words[1]);
    const bool ascii = column->type.kind == TYPE_VARCHAR || other->type.kind == TYPE_VARCHAR ||
                       (column->type.kind < TYPE_VARCHAR && other->type.kind < TYPE_VARCHAR);
    const bool wider = column->type.kind == TYPE_NVARCHAR || other->type.kind == TYPE_NVARCHAR;
    column->type = (struct type){ .kind = ascii && !wider ? TYPE_VARCHAR : TYPE_NVARCHAR };
    (void)snprintf(note, sizeof note, "column '%.256s' is %s in other parts and %s here",
                   column->name, words[0], words[1]);
    return told ? told(ctx, column->name, note, why) : FAULT_NONE;
}

enum fault columns_merge(struct columns *into, const struct columns *part, bool first,
                         columns_told told, void *ctx, struct problem *why)
{
    enum fault f = FAULT_NONE;
    const size_t before = into->count;
    for (size_t i = 0; !f && i < part->count; i++) {
        const struct column *column = &part->list[i];
        struct column *known = columns_find(into, column->name);
        if (!known) {
            f = columns_add(into, column->name, strlen(column->name), &column->type,
                            column->nullable || !first, why);
        } else if (!first || known->type.kind != column->type.kind) {
            known->nullable = known->nullable || column->nullable;
            f = merge_type(known, column, told, ctx, why);
        }
    }
    for (size_t i = 0; !f && !first && i < before; i++) {
        if (!columns_find(part, into->list[i].name))
            into->list[i].nullable = true; /* its rows have no value */
    }
    return f;
}

/* ---- an append ---- */

/* The differences that a refusal names. */
struct mismatch {
    char text[PROBLEM_TEXT_MAX / 2];
    size_t count;
};

static void mismatch_add(struct mismatch *mismatch, const char *what, const char *name)
{
    const size_t used = strlen(mismatch->text);
    if (mismatch->count++ < NAMES_SHOWN)
        (void)snprintf(mismatch->text + used, sizeof mismatch->text - used, "%s%s '%.64s'",
                       used ? ", " : "", what, name);
}

static enum fault append_column(const struct column *declared, const struct column *rows,
                                struct columns *out, struct mismatch *mismatch, struct problem *why)
{
    struct type wide = declared->type;
    if (!rows && !declared->nullable)
        mismatch_add(mismatch, "missing", declared->name);
    if (rows && !type_widen(&declared->type, &rows->type, &wide))
        mismatch_add(mismatch, "different type in", declared->name);
    return columns_add(out, declared->name, strlen(declared->name), &wide,
                       declared->nullable || (rows && rows->nullable), why);
}

enum fault columns_append(const struct columns *declared, const struct columns *rows,
                          struct columns *out, struct problem *why)
{
    struct mismatch mismatch = { .count = 0 };
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < declared->count; i++) {
        const struct column *column = &declared->list[i];
        f = append_column(column, columns_find(rows, column->name), out, &mismatch, why);
    }
    for (size_t i = 0; i < rows->count; i++) {
        if (!columns_find(declared, rows->list[i].name))
            mismatch_add(&mismatch, "not declared", rows->list[i].name);
    }
    if (!f && mismatch.count)
        f = problem_set(why, FAULT_CONFLICT, "table structure doesn't match: %s%s", mismatch.text,
                        mismatch.count > NAMES_SHOWN ? ", and more" : "");
    return f;
}
