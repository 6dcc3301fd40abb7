/*
 * scratch.h - a file without a name, for bytes that a request writes and reads back and nobody keeps.
 * It is gone when it is closed, also by a crash.
 */
#ifndef BLOB_SCRATCH_H
#define BLOB_SCRATCH_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

struct blob_scratch;
struct blob_store;

/* On the store's disk, which must know files without a name (O_TMPFILE).  The caller owns *out. */
MUST_CHECK enum fault blob_scratch_open(struct blob_store *store, struct blob_scratch **out,
                                        struct problem *why);
/* scratch may be NULL. */
void blob_scratch_close(struct blob_scratch *scratch);

/* A bytes_sink: scratch is a struct blob_scratch.  FAULT_STORAGE_FULL as for contents. */
MUST_CHECK enum fault blob_scratch_append(void *scratch, const void *bytes, size_t len,
                                          struct problem *why);

/* Reads len bytes at offset, all of which were appended: FAULT_INTERNAL otherwise. */
MUST_CHECK enum fault blob_scratch_read(void *scratch, uint64_t offset, void *bytes, size_t len,
                                        struct problem *why);

#endif
