/*
 * shim.h - a VFS that passes everything on to the machine's, counts, and fails on demand; it takes
 * the place of the default one, so the code under test does not know of it.
 *
 * What it counts and what it shall fail stands in memory that child processes share.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum shim_file_kind { SHIM_DATABASE = 0, SHIM_WAL, SHIM_OTHER, SHIM_KINDS };

/* SHIM_UNLOCK: SQLite lets go of its own write lock (on SHIM_DATABASE); a commit is visible then, and
 * COMMIT has not returned yet. */
enum shim_op { SHIM_WRITE = 0, SHIM_SYNC, SHIM_TRUNCATE, SHIM_UNLOCK, SHIM_OPS };

/* Called before an operation is passed on.  bytes and len: of a write; offset: of a write, or the
 * size of a truncate. */
typedef void shim_watch(void *ctx, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                        int64_t len, int64_t offset);

struct shim {
    _Atomic int count[SHIM_KINDS][SHIM_OPS]; /* calls so far */
    _Atomic int spare[SHIM_KINDS][SHIM_OPS]; /* calls that still succeed */
    _Atomic int code[SHIM_KINDS][SHIM_OPS];  /* what the others return; 0: they succeed, too */
    _Atomic int system;                      /* errno of the failing ones */
};

/* Registers the shim as the default VFS; the counts start at 0. */
struct shim *shim_install(void);

/* From now on, after spare further calls, op on files of that kind returns code. */
void shim_fail(struct shim *shim, enum shim_file_kind kind, enum shim_op op, int spare, int code);

/* Takes all failures back and sets the counts to 0. */
void shim_calm(struct shim *shim);

/* Sets this process's watcher; NULL: none. */
void shim_set_watch(shim_watch *watch, void *ctx);

#endif
