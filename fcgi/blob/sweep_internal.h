/*
 * sweep_internal.h - what sweep.c and compact.c share; nobody else includes it.
 */
#ifndef BLOB_SWEEP_INTERNAL_H
#define BLOB_SWEEP_INTERNAL_H

#include "blob/store_internal.h"
#include "blob/sweep.h"

enum {
    BLOB_DOOMED_MAX = 256, /* files unlinked under one lock of the rows */
    BLOB_MOVES_MAX = 250,  /* contents whose rows move under one lock: about 0.6 ms */
};

/* Bytes of files unlinked under one lock: freeing extents takes its time, too. */
#define BLOB_DOOMED_BYTES_MAX (UINT64_C(1) << 30)

/* A file that no row named when it was looked at. */
struct blob_doomed {
    uint32_t number;
    uint64_t size;
};

struct blob_sweeper {
    struct blob_store *store;
    const struct blob_rows *rows;
    enum blob_sweep_extent extent;
    bool dry_run;
    struct blob_sweep_report *report;
    struct problem damage; /* the first pack that could not be read: told when all is done */

    uint64_t worker; /* the folder being swept; its lock is held */
    int folder;
    bool removed; /* entries of it went since its last flush */
    struct blob_doomed doomed[BLOB_DOOMED_MAX];
    size_t doomed_count;
    uint64_t doomed_bytes;
};

/* What rows name in a file. */
struct blob_named {
    uint64_t contents;
    uint64_t bytes; /* bytes that two contents share count once */
    uint64_t end;   /* where the last one ends */
};

/* ---- sweep.c ---- */

MUST_CHECK enum fault blob_sweep_named(const struct blob_sweeper *sweep, uint32_t number,
                                       struct blob_named *out, struct problem *why);

/* Unlinks a file under the lock unless a row names it there.  *gone says which. */
MUST_CHECK enum fault blob_sweep_remove(struct blob_sweeper *sweep, uint32_t number, bool *gone,
                                        struct problem *why);

/* ---- compact.c ---- */

/* Moves every content of a pack of size bytes to the store's own files, then unlinks it. */
MUST_CHECK enum fault blob_compact(struct blob_sweeper *sweep, uint32_t number, uint64_t size,
                                   struct problem *why);

#endif
