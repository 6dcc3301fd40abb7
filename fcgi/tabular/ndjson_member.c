/*
 * ndjson_member.c - what every part of the NDJSON reader ends in: columns and what was seen of them,
 * and what is wrong.
 */
#include "tabular/ndjson_internal.h"

#include <string.h>

enum { FIELDS_FIRST = 16 };

bool ndjson_wrong(struct ndjson *n, const char *what, const unsigned char *at)
{
    n->wrong = what;
    n->wrong_at = at;
    return false;
}

/* ---- columns ---- */

static bool fields_grow(struct ndjson *n)
{
    const size_t room = n->field_room ? 2 * n->field_room : FIELDS_FIRST;
    struct ndjson_field *fields = arena_alloc(n->arena, room * sizeof *fields);
    if (!fields)
        return false;
    if (n->columns.count)
        memcpy(fields, n->fields, n->columns.count * sizeof *fields);
    n->fields = fields;
    n->field_room = room;
    return true;
}

/* A name that was not expected here: another column, or a new one. */
static enum fault column_find(struct ndjson *n, struct problem *why)
{
    const struct type unknown = { .kind = TYPE_NULL };
    char name[NDJSON_NAME_ROOM + 1];
    memcpy(name, n->name, n->name_len);
    name[n->name_len] = '\0';
    const struct column *column =
        memchr(name, '\0', n->name_len) ? NULL : columns_find(&n->columns, name);
    if (column) {
        n->column = (size_t)(column - n->columns.list);
        return FAULT_NONE;
    }
    n->column = n->columns.count;
    if (n->column == n->field_room && !fields_grow(n))
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    n->fields[n->column] = (struct ndjson_field){ .name_len = n->name_len };
    const enum fault f = columns_add(&n->columns, name, n->name_len, &unknown, true, why);
    return f ? reading_refused("NDJSON", f, "", why) : FAULT_NONE;
}

/* The name of a member of a row has ended. */
enum fault ndjson_name_end(struct ndjson *n, const char *name, size_t len, struct problem *why)
{
    const size_t next = n->next;
    enum fault f = FAULT_NONE;
    if (next < n->columns.count && n->fields[next].name_len == len &&
        memcmp(n->columns.list[next].name, name, len) == 0) {
        n->column = next;
    } else {
        if (name != n->name)
            memcpy(n->name, name, len < NDJSON_NAME_ROOM ? len : NDJSON_NAME_ROOM);
        n->name_len = len < NDJSON_NAME_ROOM ? len : NDJSON_NAME_ROOM;
        f = column_find(n, why);
    }
    n->next = n->column + 1;
    return f;
}

void ndjson_value_begin(struct ndjson *n, enum value_form form, const unsigned char *at)
{
    if (n->depth != 1)
        return;
    n->half_here = false;
    n->value_len = 0;
    n->form = form;
    n->raw = n->values && form != VALUE_STRING ? at : NULL;
}

void ndjson_value_add(struct ndjson *n, const unsigned char *bytes, size_t len)
{
    const size_t room = n->value_len < n->values->room ? n->values->room - n->value_len : 0;
    memcpy(n->values->buffer + (n->values->room - room), bytes, len < room ? len : room);
    n->value_len += len;
}

bool ndjson_value_told(struct ndjson *n, const struct value *value)
{
    const char *name = n->columns.list[n->column].name;
    if (value->len <= n->values->room)
        return !n->values->value(n->values->ctx, n->column, name, value, n->why);
    (void)problem_set(n->why, FAULT_UNPROCESSABLE,
                      "row %lld: column '%.256s' has a value of more than %zu bytes",
                      (long long)n->rows + 1, name, n->values->room);
    return false;
}

/* Only the values of the row itself have a type that matters. */
bool ndjson_value_end(struct ndjson *n, const unsigned char *stop)
{
    n->place = NDJSON_AFTER;
    if (n->depth != 1)
        return true;
    n->fields[n->column].seen |= (uint8_t)n->seen;
    if (!n->values)
        return true;
    struct value value = { .form = n->form, .half = n->half_here, .bytes = n->values->buffer };
    if (n->raw && n->value_len == 0) {
        value.bytes = (const char *)n->raw;
        value.len = (size_t)(stop - n->raw);
    } else {
        if (n->raw)
            ndjson_value_add(n, n->raw, (size_t)(stop - n->raw));
        value.len = n->value_len;
    }
    n->raw = NULL;
    return ndjson_value_told(n, &value);
}

bool ndjson_row_end(struct ndjson *n)
{
    n->rows++;
    n->next = 0;
    n->place = NDJSON_ROW_END;
    return !n->values || !n->values->row(n->values->ctx, n->why);
}

void ndjson_half_seen(struct ndjson *n)
{
    n->half_here = true;
    if (n->is_name && n->depth == 1)
        n->half_in_name = true;
    else if (n->halves++ == 0) {
        n->half_row = n->rows + 1;
        n->half_column = n->column;
    }
}
