#include "db/pinot_store_quota.h"

#include <string.h>

/* Full scale where it would overflow: no quota is that large. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static void check_bytes(struct pinot_push *push, const struct pinot_push_table *table)
{
    const int64_t allowed = times(table->quota_bytes, table->replication);
    int64_t used = table->bytes;
    for (size_t i = 0; i < push->count; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        int64_t after = 0;
        if (!pinot_segment_counts(segment) || segment->bytes < 0)
            continue;
        if (__builtin_add_overflow(used - segment->bytes_before, segment->bytes, &after))
            after = INT64_MAX;
        const int64_t wanted = times(after, table->replication);
        if (wanted > allowed) {
            push->refusal = (struct pinot_refusal){ .what = PINOT_REFUSED_BYTES,
                                                    .segment = segment,
                                                    .allowed = allowed,
                                                    .used = times(used, table->replication),
                                                    .wanted = wanted,
                                                    .replication = table->replication };
            memcpy(push->refusal.quota_text, table->quota_text, sizeof table->quota_text);
            return;
        }
        used = after;
    }
}

static void check_count(struct pinot_push *push, const struct pinot_push_table *table)
{
    int64_t count = table->segments;
    for (size_t i = 0; i < push->count; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        if (segment->row != 0)
            continue;
        count++;
        if (count > table->quota_segments) {
            push->refusal = (struct pinot_refusal){ .what = PINOT_REFUSED_COUNT,
                                                    .segment = segment,
                                                    .allowed = table->quota_segments };
            return;
        }
    }
}

void pinot_store_quota(struct pinot_push *push, const struct pinot_push_table *table)
{
    if (table->has_quota_bytes)
        check_bytes(push, table);
    if (!push->refusal.what && table->has_quota_segments)
        check_count(push, table);
}
