/*
 * pinot_quota.h - whether a push keeps its table within the quotas, as a whole.
 */
#ifndef DB_PINOT_QUOTA_H
#define DB_PINOT_QUOTA_H

#include "base/limits.h"
#include "base/problem.h"
#include "db/pinot_store.h"

#include <stdbool.h>
#include <stdint.h>

enum { PINOT_QUOTA_TEXT_MAX = 32 };

/* What a push reads of its table. */
struct pinot_push_table {
    int64_t id;
    int64_t replication;
    bool has_quota_bytes;
    int64_t quota_bytes; /* of one replica */
    char quota_text[PINOT_QUOTA_TEXT_MAX];
    bool has_quota_segments;
    int64_t quota_segments;
    int64_t segments;
    int64_t bytes;
};

/* Looks at the segments in order, with those before already counted.  A segment with the CRC that
 * is there takes nothing unless it brings bytes to keep; sizes that are not known are not counted.
 * FAULT_FORBIDDEN with Pinot's
 * text names the first segment that goes over. */
MUST_CHECK enum fault pinot_quota_check(const struct pinot_push *push,
                                        const struct pinot_push_table *table, struct problem *why);

#endif
