/*
 * pinot_store_push.h - pushes of segments: the one deciding transaction, and the locks of pushes that
 * have work before it.
 *
 * Tables and schemas: pinot_store_config.h.  Reading segments: pinot_store_segment.h; deleting them:
 * pinot_store_delete.h.
 *
 * A push of metadata alone is pinot_store_push().  A push that has bytes to copy first calls
 * pinot_store_prepare(), which refuses what would be refused anyway and takes the locks, then makes
 * the bytes durable, then calls pinot_store_push(); when it gives up between the two it calls
 * pinot_store_release().  A refusal is told as a fact, push->refusal, and is no fault.
 */
#ifndef DB_PINOT_STORE_PUSH_H
#define DB_PINOT_STORE_PUSH_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PINOT_QUOTA_TEXT_MAX = 32 };

enum pinot_outcome { PINOT_NEW, PINOT_REFRESHED, PINOT_UNCHANGED };

/* Why a push was refused as a whole. */
enum pinot_refused {
    PINOT_TAKEN = 0,
    PINOT_REFUSED_NO_TABLE,
    PINOT_REFUSED_BYTES,     /* over the quota of bytes */
    PINOT_REFUSED_COUNT,     /* over the quota of segments */
    PINOT_REFUSED_MISSING,   /* refresh_only, and there is no such segment */
    PINOT_REFUSED_EXISTS,    /* not allow_refresh, and there is one */
    PINOT_REFUSED_IF_MATCH,  /* if_match is no number */
    PINOT_REFUSED_CRC,       /* if_match is another CRC than the segment's */
    PINOT_REFUSED_LOCKED,    /* another upload of the segment is under way */
    PINOT_REFUSED_LOCK_LOST, /* this upload's lock was taken over */
};

/* One segment of a push; texts are borrowed. */
struct pinot_segment {
    const char *name;
    const char *url;       /* where servers are to fetch it */
    const char *start_raw; /* NULL: not known */
    const char *end_raw;
    const char *custom;          /* a JSON object of texts; NULL: none */
    const char *partitions;      /* JSON of what brokers prune with; NULL: not partitioned */
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

/* The first refusal, in the order of the checks. */
struct pinot_refusal {
    enum pinot_refused what;
    const struct pinot_segment *segment; /* one of the push; NULL for PINOT_REFUSED_NO_TABLE */
    int64_t allowed;                     /* bytes of all replicas, or segments */
    int64_t used;                        /* bytes of all replicas, before this segment */
    int64_t wanted;                      /* the same, with it */
    int64_t replication;
    char quota_text[PINOT_QUOTA_TEXT_MAX]; /* as configured */
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
    bool allow_refresh;             /* false: a segment that exists is refused */
    bool refresh_only;              /* one that does not exist is refused */
    const char *if_match;           /* the CRC that existing segments must have; NULL: any */
    int64_t owner;                  /* this worker's number; 0 when it takes no locks */
    int64_t lock_ms;                /* how long a lock is left to a live worker */
    int64_t lineage_before;         /* see pinot_store_lineage_expire() */
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

    struct pinot_refusal refusal; /* set by pinot_store_push() and pinot_store_prepare() */
};

/* Decides and writes the push; all of it or nothing, and nothing with a refusal.  FAULT_TOO_LARGE past
 * PINOT_PUSH_PAGES_MAX. */
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
