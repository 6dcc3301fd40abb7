/*
 * pinot_store_quota.h - whether a push keeps its table within the quotas, as a whole.
 */
#ifndef DB_PINOT_STORE_QUOTA_H
#define DB_PINOT_STORE_QUOTA_H

#include "db/pinot_store_push.h"

#include <stdbool.h>
#include <stdint.h>

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
 * The first segment that goes over is put into push->refusal. */
void pinot_store_quota(struct pinot_push *push, const struct pinot_push_table *table);

#endif
