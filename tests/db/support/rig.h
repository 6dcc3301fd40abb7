/*
 * rig.h - the fixture of the tests of the durable commit: a migrated state folder on a VFS that
 * counts and fails, and two connections, which stand for two processes.
 */
#ifndef RIG_H
#define RIG_H

#include "support/shim.h"
#include "support/state.h"

#include <stdbool.h>

enum { FILE_A = 1, FILE_B = 2 };

struct rig {
    struct state state;
    struct shim *shim;
    struct db *db;
    struct db *other;
    int lock; /* a descriptor of the writers' lock that neither has */
};

/* shim has been installed; the counts start at 0. */
void rig_begin(struct rig *rig, struct shim *shim, int64_t checkpoint_bytes);
void rig_end(struct rig *rig);

/* Closes both connections, as the service does when it is stopped. */
void rig_stop(struct rig *rig);

/* Whether nobody holds the writers' lock. */
bool rig_unlocked(const struct rig *rig);

/* Writes the row (file, start) through db, which must succeed. */
void rig_write(struct db *db, int64_t file, int64_t start);

/* Writes one, which must fail with expected, and leave the lock free. */
void rig_refuse(const struct rig *rig, struct db *db, enum fault expected);

/* db_settle, which must succeed. */
void rig_settle(struct db *db);

/* The shim's counts of the WAL and of the database. */
int rig_wal(const struct rig *rig, enum shim_op op);
int rig_database(const struct rig *rig, enum shim_op op);

/* Runs body(rig) in a process of its own, which opens what it needs itself; returns the signal
 * that ended it, or 0 when body returned. */
int rig_in_child(struct rig *rig, void (*body)(struct rig *rig));

#endif
