/*
 * sweep_internal.h - what sweep.c and compact.c share; nobody else includes it.
 */
#ifndef BLOB_SWEEP_INTERNAL_H
#define BLOB_SWEEP_INTERNAL_H

#include "blob/store_internal.h"
#include "blob/sweep.h"

#include <dirent.h>

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

/* What the walk found in one file. */
struct blob_census_file {
    int64_t file; /* 0: an empty slot */
    uint64_t rows;
    uint64_t end; /* where the last content ends */
};

/* What the walk found in all of them. */
struct blob_census {
    struct blob_census_file *slots; /* NULL before the walk */
    size_t slot_count;              /* a power of two */
    size_t count;
};

struct blob_sweeper {
    struct blob_store *store;
    const struct blob_rows *rows;
    const struct blob_sweep_plan *plan;
    struct blob_sweep_report *report;
    struct problem damage; /* the first pack that could not be read: told when all is done */
    struct blob_census census;

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

/* Takes a file under the lock unless a row names it there.  moved: rows of it that compaction has
 * moved since the walk.  *gone says which. */
MUST_CHECK enum fault blob_sweep_remove(struct blob_sweeper *sweep, uint32_t number, uint64_t moved,
                                        bool *gone, struct problem *why);

/* ---- census.c ---- */

/* Walks through all rows, unless that was done. */
MUST_CHECK enum fault blob_census_take(struct blob_census *census, const struct blob_rows *rows,
                                       struct problem *why);

/* All zero for a file that no row names. */
struct blob_census_file blob_census_of(const struct blob_census *census, int64_t file);

void blob_census_release(struct blob_census *census);

/* ---- quarantine.c ---- */

/* Moves a file of the worker's open folder into the quarantine of a day. */
MUST_CHECK enum fault blob_quarantine_take(struct blob_store *store, int folder, uint64_t worker,
                                           uint32_t number, const char *day, struct problem *why);

/* ---- list.c ---- */

/* A listing of an open folder, read as a stream; NULL with errno set. */
DIR *blob_list_open(int folder);

/* The next entry whose name is exactly digits hexadecimal ones; NULL at the end, errno 0. */
const char *blob_list_next(DIR *list, size_t digits, uint64_t *number);

/* ---- compact.c ---- */

/* Moves every content of a pack of size bytes to the store's own files, then unlinks it. */
MUST_CHECK enum fault blob_compact(struct blob_sweeper *sweep, uint32_t number, uint64_t size,
                                   struct problem *why);

#endif
