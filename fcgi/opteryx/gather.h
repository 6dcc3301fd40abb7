/*
 * gather.h - the parts of a session, put together: one structure, the totals, and what is odd.
 */
#ifndef OPTERYX_GATHER_H
#define OPTERYX_GATHER_H

#include "base/arena.h"
#include "base/problem.h"
#include "db/db.h"
#include "tabular/columns.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct gather {
    struct columns columns; /* merged over the parts, in the arena */
    int64_t parts;
    int64_t rows;
    json_object *list;   /* of parts, as inspect shows them; NULL when not asked for */
    json_object *issues; /* as inspect shows them; NULL when not asked for */
};

/* Reads all parts of a session.  shown: the two lists are wanted, too; they are the caller's, also
 * after a fault. */
MUST_CHECK enum fault gather_parts(struct db *db, const char *session, bool shown,
                                   struct arena *arena, struct gather *out, struct problem *why);

#endif
