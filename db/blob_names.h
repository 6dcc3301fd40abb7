/*
 * blob_names.h - which contents rows name, by walks through all tables that can, not by their
 * indexes: what nothing may be deleted without.
 */
#ifndef DB_BLOB_NAMES_H
#define DB_BLOB_NAMES_H

#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stdint.h>

/* A bit a content. */
struct blob_names;

/* What gc takes before it looks: rows of it do not count.  Times in milliseconds UTC. */
struct blob_names_gone {
    int64_t sessions_before; /* Opteryx sessions that expire before it */
    int64_t uploads_before;  /* Oxen uploads whose last part is older */
};

/* Reads each table once, in a read transaction of its own.  The caller owns *out. */
MUST_CHECK enum fault blob_names_read(struct db *db, const struct blob_names_gone *gone,
                                      struct blob_names **out, struct problem *why);

/* names may be NULL. */
void blob_names_destroy(struct blob_names *names);

/* Whether a row named the content then; true of contents that are newer. */
bool blob_names_has(const struct blob_names *names, int64_t blob);

/* The number of the newest content that there was. */
int64_t blob_names_last(const struct blob_names *names);

#endif
