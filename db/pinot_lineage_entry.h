/*
 * pinot_lineage_entry.h - the rows of lineage entries, for pinot_store_lineage.c: looked up, changed, and
 * the two sides of each.  Everything here runs inside a transaction.
 */
#ifndef DB_PINOT_LINEAGE_ENTRY_H
#define DB_PINOT_LINEAGE_ENTRY_H

#include "base/problem.h"
#include "db/db.h"
#include "db/pinot_store_lineage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PINOT_SIDE_FROM "FROM"
#define PINOT_SIDE_TO "TO"
#define PINOT_STATE_IN_PROGRESS "IN_PROGRESS"
#define PINOT_STATE_COMPLETED "COMPLETED"
#define PINOT_STATE_REVERTED "REVERTED"

/* An entry as its row has it. */
struct pinot_lineage_entry {
    int64_t id; /* 0: none */
    char name[PINOT_ENTRY_MAX];
    char state[sizeof PINOT_STATE_IN_PROGRESS];
};

bool pinot_lineage_entry_is(const struct pinot_lineage_entry *entry, const char *state);

/* A query with a table's id and a name. */
struct query pinot_lineage_by_name(struct db *db, enum statement which, int64_t table,
                                   const char *name);

/* The entry of the current row, whose first columns are id, entry and state. */
void pinot_lineage_entry_of(const struct query *q, struct pinot_lineage_entry *out);

/* The entry of the first row, and the query is done; id 0 when there is no row. */
MUST_CHECK enum fault pinot_lineage_entry_first(struct query *q, struct pinot_lineage_entry *out,
                                                struct problem *why);

MUST_CHECK enum fault pinot_lineage_entry_get(struct db *db, int64_t table, const char *name,
                                              struct pinot_lineage_entry *out, struct problem *why);

/* A segment of a table, by name, on a side of entries. */
struct pinot_lineage_place {
    int64_t table;
    const char *segment;
    const char *side;
};

/* The first entry in a state that names a segment there, behind the entry with the id after. */
MUST_CHECK enum fault pinot_lineage_entry_naming(struct db *db,
                                                 const struct pinot_lineage_place *place,
                                                 const char *state, int64_t after,
                                                 struct pinot_lineage_entry *out,
                                                 struct problem *why);

/* A new state, and what is hidden in it. */
MUST_CHECK enum fault pinot_lineage_entry_change(struct db *db, int64_t entry, const char *state,
                                                 int64_t now, struct problem *why);

MUST_CHECK enum fault pinot_lineage_entry_forget(struct db *db, int64_t entry, struct problem *why);

/* Whether the table has a segment of the name, and whether an entry hides it. */
MUST_CHECK enum fault pinot_lineage_segment_exists(struct db *db, int64_t table, const char *name,
                                                   bool *found, struct problem *why);
MUST_CHECK enum fault pinot_lineage_is_hidden(struct db *db, int64_t table, const char *name,
                                              bool *hidden, struct problem *why);

/* Names a segment on a side of an entry that is IN_PROGRESS. */
MUST_CHECK enum fault pinot_lineage_segment_add(struct db *db, int64_t entry, int64_t table,
                                                const char *side, size_t place, const char *name,
                                                struct problem *why);

/* The names of a side, in order: a query whose rows have one column. */
struct query pinot_lineage_side_names(struct db *db, int64_t entry, const char *side);

MUST_CHECK enum fault pinot_lineage_side_count(struct db *db, int64_t entry, const char *side,
                                               size_t *count, struct problem *why);
MUST_CHECK enum fault pinot_lineage_side_has(struct db *db, int64_t entry, const char *side,
                                             const char *name, bool *has, struct problem *why);

/* Whether a side of an entry has exactly these names. */
MUST_CHECK enum fault pinot_lineage_side_is(struct db *db, int64_t entry, const char *side,
                                            const char *const *names, size_t count, bool *same,
                                            struct problem *why);

/* Deletes the segments of one side of an entry, as far as they are there. */
MUST_CHECK enum fault pinot_lineage_side_delete(struct db *db, const char *table, int64_t entry,
                                                const char *side, int64_t now, struct problem *why);

#endif
