/*
 * pinot_store.h - pushes of segments: the one deciding transaction, and the locks of pushes that
 * have work before it.
 *
 * Tables and schemas: pinot_table_store.h.  Reading and deleting: pinot_segment_store.h.
 *
 * A push of metadata alone is pinot_store_push().  A push that has bytes to copy first calls
 * pinot_store_prepare(), which refuses what would be refused anyway and takes the locks, then makes
 * the bytes durable, then calls pinot_store_push(); when it gives up between the two it calls
 * pinot_store_release().  Texts are Pinot's own where it has one.
 */
#ifndef DB_PINOT_STORE_H
#define DB_PINOT_STORE_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pinot_outcome { PINOT_NEW, PINOT_REFRESHED, PINOT_UNCHANGED };

/* One segment of a push; texts are borrowed. */
struct pinot_segment {
    const char *name;
    const char *url;       /* where servers are to fetch it */
    const char *start_raw; /* NULL: not known */
    const char *end_raw;
    const char *custom;          /* a JSON object of texts; NULL: none */
    const struct blob_ref *blob; /* the sealed and flushed copy; NULL: metadata alone */
    int64_t crc;
    int64_t data_crc; /* negative: the segment does not say */
    int64_t created_at;
    int64_t start_at; /* together with end_at when has_interval */
    int64_t end_at;
    int64_t bytes; /* negative: unknown */
    int32_t docs;
    int8_t index_version;
    bool has_interval;
    /* written by pinot_store_push() */
    int8_t outcome;       /* enum pinot_outcome */
    int64_t row;          /* 0: it is new */
    int64_t crc_before;   /* unless it is new */
    int64_t bytes_before; /* the same; 0 when unknown */
};

/* Whether the segment's size takes the place of the size that its row has: a new segment, another CRC,
 * or other bytes to keep under the same CRC. */
static inline bool pinot_segment_counts(const struct pinot_segment *segment)
{
    return segment->row == 0 || segment->crc != segment->crc_before || segment->blob;
}

/* What the push asks for, beside its segments. */
struct pinot_push {
    const char *table; /* full name */
    int64_t now;
    bool protect;                   /* enableParallelPushProtection */
    bool allow_refresh;             /* false: FAULT_CONFLICT for a segment that exists */
    bool refresh_only;              /* FAULT_GONE for one that does not */
    const char *if_match;           /* the CRC that existing segments must have; NULL: any */
    int64_t owner;                  /* this worker's number; 0 when it takes no locks */
    int64_t lock_ms;                /* how long a lock is left to a live worker */
    int64_t token;                  /* of the locks taken by pinot_store_prepare(); 0: none */
    struct pinot_segment *segments; /* in the order of the checks */
    size_t count;

    void *alive_ctx;
    /* Whether the worker that holds a lock lives. */
    bool (*alive)(void *alive_ctx, int64_t owner);
    void *ctx;
    /* The custom map of an existing segment after this push: before is what the row holds, given
     * what the segment's metadata says (both NULL when empty).  NULL callback: given is the result.
     * *after is valid until the next call. */
    enum fault (*custom)(void *ctx, const char *before, const char *given, bool same_crc,
                         const char **after, struct problem *why);
};

/* Decides and writes the push, durably; all of it or nothing.  FAULT_MALFORMED when the table does
 * not exist, FAULT_FORBIDDEN over a quota, FAULT_GONE, FAULT_CONFLICT, FAULT_PRECONDITION as the
 * members above say, FAULT_TOO_LARGE past PINOT_PUSH_PAGES_MAX.  Call exchange_keep_blobs() afterwards when segments have blobs. */
MUST_CHECK enum fault pinot_store_push(struct db *db, struct pinot_push *push, struct problem *why);

/* Makes the checks of pinot_store_push() that the state of now allows, and, with protect, takes the
 * locks of all segments: push->token is then theirs. */
MUST_CHECK enum fault pinot_store_prepare(struct db *db, struct pinot_push *push,
                                          struct problem *why);

/* Gives the locks of push->token back; does nothing without one.  A fault is for the log: the
 * locks are then left to their lease. */
MUST_CHECK enum fault pinot_store_release(struct db *db, struct pinot_push *push,
                                          struct problem *why);

#endif
