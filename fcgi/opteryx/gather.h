/*
 * gather.h - the parts of a session, put together: one structure, and where they disagree.
 *
 * It is done when a part is stored, so that an inspect or a commit reads what is there already.
 */
#ifndef OPTERYX_GATHER_H
#define OPTERYX_GATHER_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "db/db.h"
#include "db/opteryx_store.h"
#include "tabular/columns.h"

#include <stdbool.h>
#include <stdint.h>

struct gather {
    struct columns columns; /* merged over the parts, in the arena */
    struct text notes;      /* JSON: [{"issue","part"}] without its last bracket */
    int64_t noted;
    int64_t untold; /* notes past OPTERYX_INSPECT_ISSUES_MAX */
    bool any;       /* a part has been added */
    int64_t part;   /* the one that is being added */
};

/* Empty; ended by gather_release(). */
void gather_init(struct gather *gather, struct arena *arena);
void gather_release(struct gather *gather);

/* Goes on from what was merged before; gather is empty. */
MUST_CHECK enum fault gather_read(struct gather *gather, const struct opteryx_merged *merged,
                                  struct problem *why);

/* Adds the columns of the part of a number. */
MUST_CHECK enum fault gather_add(struct gather *gather, int64_t part, const struct columns *columns,
                                 struct problem *why);

/* Adds all parts of a session, by number.  replaced: the columns of the part of that number are
 * these, whether there is one already or not; NULL for none. */
MUST_CHECK enum fault gather_parts(struct db *db, const char *session, int64_t number,
                                   const struct columns *replaced, struct gather *gather,
                                   struct problem *why);

/* What the parts of a session are together, from what was kept or from the parts themselves; within
 * the transaction that read the session. */
MUST_CHECK enum fault gather_session(struct db *db, const struct opteryx_session *session,
                                     struct arena *arena, struct gather *gather,
                                     struct problem *why);

/* As rows keep it: columns is filled and the rest borrowed from gather. */
void gather_write(struct gather *gather, struct text *columns, struct opteryx_merged *out);

#endif
