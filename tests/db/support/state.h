/*
 * state.h - what the database tests start from: a state folder of their own, and the smallest
 * transaction there is.
 */
#ifndef STATE_H
#define STATE_H

#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STATE_PATH_MAX = 256,
    STATE_WAIT_MS = 10000,
    STATE_CHECKPOINT_BYTES = 64 * 1024 * 1024,
};

struct state {
    char folder[STATE_PATH_MAX];
};

/* Makes an empty folder; in_memory: where syncs cost nothing, if the machine has such a place. */
void state_make(struct state *state, bool in_memory);

/* Removes it with everything in it. */
void state_remove(const struct state *state);

/* folder/name */
void state_path(const struct state *state, const char *name, char out[STATE_PATH_MAX]);
bool state_has(const struct state *state, const char *name);

/* migrate_run, which must succeed. */
void state_migrate(const struct state *state);

/* db_open with the given bounds, which must succeed. */
struct db *state_open_with(const struct state *state, int64_t lock_wait_ms,
                           int64_t checkpoint_bytes);
struct db *state_open(const struct state *state);

/* Adds the row (file, start) to the table blob in the open transaction. */
enum fault state_add(struct db *db, int64_t file, int64_t start, struct problem *why);

/* The whole of it: begin, add, commit. */
enum fault state_write(struct db *db, int64_t file, int64_t start, struct problem *why);

/* How many rows file has, seen through db. */
int64_t state_rows(struct db *db, int64_t file);

/* One number from the database, asked of SQLite on a connection of its own. */
int64_t state_number(const struct state *state, const char *sql);

/* Fails the test unless PRAGMA integrity_check says ok. */
void state_check_integrity(const struct state *state);

#endif
