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

/* A value has ended; only those of the row itself have a type that matters. */
void ndjson_value_end(struct ndjson *n)
{
    if (n->depth == 1)
        n->fields[n->column].seen |= (uint8_t)n->seen;
    n->place = NDJSON_AFTER;
}

void ndjson_half_seen(struct ndjson *n)
{
    if (n->is_name && n->depth == 1)
        n->half_in_name = true;
    else if (n->halves++ == 0) {
        n->half_row = n->rows + 1;
        n->half_column = n->column;
    }
}
