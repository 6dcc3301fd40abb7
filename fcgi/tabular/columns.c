#include "tabular/columns.h"

#include "base/limits.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

enum {
    ROOM_FIRST = 16, /* columns */
    NAMES_SHOWN = 8, /* columns that a mismatch names */
};

/* Names are found through a crit-bit tree: a fork is at the first bit in which the names below it
 * differ.  Whoever sends a part chooses its names, and a walk takes no more forks than a name has
 * bits, whatever they are; a hash would need a secret. */
struct columns_fork {
    uint32_t below[2]; /* FORK and a fork's number, or a column's */
    uint16_t byte;     /* of the name, with its NUL */
    uint8_t bit;       /* the mask of the bit */
};

#define FORK 0x80000000U

void columns_init(struct columns *columns, struct arena *arena)
{
    *columns = (struct columns){ .arena = arena };
}

/* Which side of a fork a name of len bytes belongs to; what is past its end is 0. */
static size_t side_of(const struct columns_fork *fork, const char *name, size_t len)
{
    const unsigned char byte = fork->byte < len ? (unsigned char)name[fork->byte] : 0;
    return (byte & fork->bit) != 0;
}

/* The one column that may have the name; there is one at least. */
static const struct column *candidate(const struct columns *columns, const char *name, size_t len)
{
    uint32_t at = columns->top;
    while (at & FORK) {
        const struct columns_fork *fork = &columns->forks[at & ~FORK];
        at = fork->below[side_of(fork, name, len)];
    }
    return &columns->list[at];
}

/* Puts a fork between the names that are equal up to its bit and what leads to them. */
static void fork_insert(struct columns *columns, struct columns_fork fork, const char *name,
                        size_t len)
{
    const uint32_t made = (uint32_t)columns->fork_count++;
    const size_t side = side_of(&fork, name, len);
    uint32_t *link = &columns->top;
    while (*link & FORK) {
        struct columns_fork *above = &columns->forks[*link & ~FORK];
        if (above->byte > fork.byte || (above->byte == fork.byte && above->bit < fork.bit))
            break;
        link = &above->below[side_of(above, name, len)];
    }
    fork.below[side] = (uint32_t)columns->count;
    fork.below[1 - side] = *link;
    columns->forks[made] = fork;
    *link = FORK | made;
}

/* Makes the column that comes next known by its name; the first of a name stays. */
static void index_add(struct columns *columns, const char *name, size_t len)
{
    enum { BYTE_HIGHEST = 0x80 };
    struct columns_fork fork = { .bit = BYTE_HIGHEST };
    if (columns->count == 0) {
        columns->top = 0;
        return;
    }
    const char *known = candidate(columns, name, len)->name;
    size_t same = 0;
    while (same < len && known[same] == name[same])
        same++;
    const unsigned char differ = (unsigned char)known[same] ^ (unsigned char)name[same];
    if (differ == 0)
        return;
    while (!(differ & fork.bit))
        fork.bit = (uint8_t)(fork.bit >> 1);
    fork.byte = (uint16_t)same;
    fork_insert(columns, fork, name, len);
}

/* Doubles the room; the arena takes the old lists back at its reset. */
static bool grow(struct columns *columns)
{
    const size_t room = columns->room ? 2 * columns->room : ROOM_FIRST;
    struct column *list = arena_alloc(columns->arena, room * sizeof *list);
    struct columns_fork *forks = arena_alloc(columns->arena, room * sizeof *forks);
    if (!list || !forks)
        return false;
    if (columns->count) {
        memcpy(list, columns->list, columns->count * sizeof *list);
        memcpy(forks, columns->forks, columns->fork_count * sizeof *forks);
    }
    columns->list = list;
    columns->forks = forks;
    columns->room = room;
    return true;
}

/* Bytes of a name as a JSON string, its escapes counted at their longest. */
static size_t quoted_len(const char *name, size_t len)
{
    enum { CONTROL_END = 0x20 };
    size_t quoted = sizeof "\"\"" - 1;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)name[i];
        if (byte < CONTROL_END)
            quoted += sizeof "\\u0000" - 1;
        else
            quoted += byte == '"' || byte == '\\' ? 2 : 1;
    }
    return quoted;
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
    const size_t quoted = quoted_len(name, len);
    if (quoted > OPTERYX_NAMES_MAX - columns->names) {
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "the names of the columns take more than %d bytes",
                           (int)OPTERYX_NAMES_MAX);
    }
    const char *copy = arena_strdup(columns->arena, name, len);
    if (!copy || (columns->count == columns->room && !grow(columns)))
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    columns->list[columns->count] =
        (struct column){ .name = copy, .type = *type, .nullable = nullable };
    index_add(columns, copy, len);
    columns->names += quoted;
    columns->count++;
    return FAULT_NONE;
}

struct column *columns_find(const struct columns *columns, const char *name)
{
    if (columns->count == 0)
        return NULL;
    const struct column *column = candidate(columns, name, strlen(name));
    return strcmp(column->name, name) == 0 ? &columns->list[column - columns->list] : NULL;
}

/* nullable: with that member, too. */
static void list_write(const struct columns *columns, bool nullable, struct text *out)
{
    char word[TYPE_TEXT_MAX];
    text_addc(out, '[');
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *column = &columns->list[i];
        type_print(&column->type, word);
        text_adds(out, i ? ",{\"name\":" : "{\"name\":");
        json_quote(out, column->name, strlen(column->name));
        text_addf(out, ",\"type\":\"%s\"", word);
        if (nullable)
            text_adds(out, column->nullable ? ",\"nullable\":true" : ",\"nullable\":false");
        text_addc(out, '}');
    }
    text_addc(out, ']');
}

void columns_write(const struct columns *columns, struct text *out)
{
    list_write(columns, true, out);
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

/* One object as a tree of its own: a tree of all of them would take many times the memory of the
 * columns. */
static enum fault row_parse(struct columns *columns, const char *at, size_t *len,
                            struct problem *why)
{
    json_object *row = NULL;
    struct problem of_parser = PROBLEM_NONE;
    *len = object_len(at);
    if (json_parse(at, *len, &row, NULL, &of_parser))
        return damaged(why);
    enum fault f = row_add(columns, row, why);
    json_object_put(row);
    return f;
}

/* The text of an object as list_write() leaves it when the name needs no escapes. */
struct row_text {
    const char *name;
    size_t name_len;
    const char *word;
    size_t word_len;
    bool nullable;
    size_t len; /* of the object */
};

/* Moves *at behind a literal; false when something else stands there. */
static bool pass(const char **at, const char *literal)
{
    const size_t len = strlen(literal);
    if (strncmp(*at, literal, len) != 0)
        return false;
    *at += len;
    return true;
}

/* Finds the parts of a plain object; false for one that must be parsed. */
static bool row_split(const char *text, struct row_text *out)
{
    const char *at = text;
    if (!pass(&at, "{\"name\":\""))
        return false;
    out->name = at;
    out->name_len = strcspn(at, "\"\\");
    at += out->name_len;
    if (!pass(&at, "\",\"type\":\""))
        return false;
    out->word = at;
    out->word_len = strcspn(at, "\"\\");
    at += out->word_len;
    if (!pass(&at, "\",\"nullable\":"))
        return false;
    out->nullable = pass(&at, "true}");
    if (!out->nullable && !pass(&at, "false}"))
        return false;
    out->len = (size_t)(at - text);
    return out->word_len < TYPE_TEXT_MAX;
}

/* The last type's word and what it means: columns that stand together often share it. */
struct last_type {
    char word[TYPE_TEXT_MAX];
    size_t len;
    struct type type;
};

static enum fault row_read(struct columns *columns, const char *at, struct last_type *last,
                           size_t *len, struct problem *why)
{
    struct row_text row = { .len = 0 };
    if (!row_split(at, &row))
        return row_parse(columns, at, len, why);
    if (row.word_len != last->len || memcmp(row.word, last->word, last->len) != 0) {
        memcpy(last->word, row.word, row.word_len);
        last->word[row.word_len] = '\0';
        last->len = row.word_len;
        if (!type_parse(last->word, &last->type))
            return damaged(why);
    }
    *len = row.len;
    return columns_add(columns, row.name, row.name_len, &last->type, row.nullable, why);
}

enum fault columns_read(struct columns *columns, const char *json, struct problem *why)
{
    enum fault f = FAULT_NONE;
    struct last_type last = { .len = 0 };
    const char *at = json;
    if (*at != '[')
        return damaged(why);
    for (at++; !f && *at == '{'; at += *at == ',') {
        size_t len = 0;
        f = row_read(columns, at, &last, &len, why);
        at += len;
    }
    return !f && strcmp(at, "]") != 0 ? damaged(why) : f;
}

json_object *columns_json(const struct columns *columns)
{
    struct text out;
    text_init(&out, JSON_REPLY_MAX);
    list_write(columns, false, &out);
    json_object *list = text_failed(&out) ? NULL : json_raw(text_string(&out));
    text_release(&out);
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
            const bool twice = columns_find(part, column->name) != column;
            known->nullable = known->nullable || column->nullable;
            f = merge_type(known, column, twice ? NULL : told, ctx, why);
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
    char words[2][TYPE_TEXT_MAX];
    char what[(size_t)2 * TYPE_TEXT_MAX + sizeof " where  is declared in"];
    struct type wide = declared->type;
    if (!rows && !declared->nullable)
        mismatch_add(mismatch, "missing", declared->name);
    if (rows && !type_widen(&declared->type, &rows->type, &wide)) {
        type_print(&rows->type, words[0]);
        type_print(&declared->type, words[1]);
        (void)snprintf(what, sizeof what, "%s where %s is declared in", words[0], words[1]);
        mismatch_add(mismatch, what, declared->name);
    }
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
