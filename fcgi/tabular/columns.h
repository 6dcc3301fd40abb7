/*
 * columns.h - the structure of a part or a dataset: its columns, in their order.
 */
#ifndef TABULAR_COLUMNS_H
#define TABULAR_COLUMNS_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "tabular/type.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct column {
    const char *name; /* UTF-8, in the arena */
    struct type type;
    bool nullable;
};

/* A fork of the index of names (columns.c). */
struct columns_fork;

/* Everything in the arena that columns_init() was given. */
struct columns {
    struct arena *arena;
    struct column *list;
    size_t count;
    size_t room;
    size_t names; /* bytes of all names in JSON */
    struct columns_fork *forks;
    size_t fork_count;
    uint32_t top; /* of the index */
};

void columns_init(struct columns *columns, struct arena *arena);

/* Appends a column; a name may stand twice (columns_find() gives the first).
 * FAULT_UNPROCESSABLE past OPTERYX_COLUMNS_MAX, OPTERYX_COLUMN_NAME_MAX or OPTERYX_NAMES_MAX. */
MUST_CHECK enum fault columns_add(struct columns *columns, const char *name, size_t len,
                                  const struct type *type, bool nullable, struct problem *why);

/* The column of that name, NULL when there is none. */
struct column *columns_find(const struct columns *columns, const char *name);

/* As rows keep it: [{"name":...,"type":...,"nullable":...}, ...]. */
void columns_write(const struct columns *columns, struct text *out);

/* The opposite; columns is initialised and empty.  FAULT_INTERNAL: a row of ours is damaged. */
MUST_CHECK enum fault columns_read(struct columns *columns, const char *json, struct problem *why);

/* What clients read: an array of {"name","type"}, as text made already: a tree of 10,000 columns
 * takes 12 MiB.  NULL when out of memory. */
json_object *columns_json(const struct columns *columns);

/* Told of a column that two parts read differently; note is for people. */
typedef enum fault (*columns_told)(void *ctx, const char *column, const char *note,
                                   struct problem *why);

/* Adds the columns of one more part of the same upload: new names go to the end and are nullable,
 * types widen, and what does not widen becomes text, of which told hears.  first: nothing has been
 * merged yet. */
MUST_CHECK enum fault columns_merge(struct columns *into, const struct columns *part, bool first,
                                    columns_told told, void *ctx, struct problem *why);

/* The structure of a dataset after an append: declared with its types widened where the new rows
 * need it.  FAULT_CONFLICT with "table structure doesn't match" and the columns' names where a new
 * column is not declared, one that is missing is not nullable, or types do not widen.  Order does
 * not matter.  out is initialised and empty. */
MUST_CHECK enum fault columns_append(const struct columns *declared, const struct columns *rows,
                                     struct columns *out, struct problem *why);

#endif
