#include "db/pinot_quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_TEXT_MAX = 32 };

/* "1.1K", "10G", "0B": two digits at most behind the point, as Pinot prints sizes. */
static void size_text(int64_t bytes, char out[SIZE_TEXT_MAX])
{
    static const char units[] = { 'B', 'K', 'M', 'G', 'T' };
    enum { STEP = 1024 };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= STEP && unit + 1 < sizeof units) {
        value /= STEP;
        unit++;
    }
    (void)snprintf(out, SIZE_TEXT_MAX, "%.2f", value);
    size_t len = strlen(out);
    while (len > 0 && out[len - 1] == '0')
        len--;
    if (len > 0 && out[len - 1] == '.')
        len--;
    (void)snprintf(out + len, SIZE_TEXT_MAX - len, "%c", units[unit]);
}

/* Full scale where it would overflow: no quota is that large. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static enum fault over_bytes(const struct pinot_push *push, const struct pinot_push_table *table,
                             const struct pinot_segment *segment, int64_t used, int64_t wanted,
                             struct problem *why)
{
    char total[SIZE_TEXT_MAX];
    char allowed[SIZE_TEXT_MAX];
    char existing[SIZE_TEXT_MAX];
    char before[SIZE_TEXT_MAX];
    char incoming[SIZE_TEXT_MAX];
    size_text(wanted, total);
    size_text(times(table->quota_bytes, table->replication), allowed);
    size_text(times(used, table->replication), existing);
    size_text(times(segment->bytes_before, table->replication), before);
    size_text(segment->bytes, incoming);
    return problem_set(
        why, FAULT_FORBIDDEN,
        "Storage quota check failed for segment: %s of table: %s, reason: Storage quota exceeded "
        "for Table %s. New estimated size: %s > total allowed storage size: %s, where new "
        "estimated size = existing estimated uncompressed size of all replicas: %s - existing "
        "segment sizes of all replicas: %s + (incoming uncompressed segment size: %s * number "
        "replicas: %" PRId64 "), total allowed storage size = configured quota: %s * number "
        "replicas: %" PRId64,
        segment->name, push->table, push->table, total, allowed, existing, before, incoming,
        table->replication, table->quota_text, table->replication);
}

static enum fault check_bytes(const struct pinot_push *push, const struct pinot_push_table *table,
                              struct problem *why)
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
        if (wanted > allowed)
            return over_bytes(push, table, segment, used, wanted, why);
        used = after;
    }
    return FAULT_NONE;
}

static enum fault check_count(const struct pinot_push *push, const struct pinot_push_table *table,
                              struct problem *why)
{
    int64_t count = table->segments;
    for (size_t i = 0; i < push->count; i++) {
        const struct pinot_segment *segment = &push->segments[i];
        if (segment->row != 0)
            continue;
        count++;
        if (count > table->quota_segments) {
            return problem_set(why, FAULT_FORBIDDEN,
                               "Segment quota check failed for segment: %s of table: %s, reason: "
                               "the table may have %" PRId64 " segments",
                               segment->name, push->table, table->quota_segments);
        }
    }
    return FAULT_NONE;
}

enum fault pinot_quota_check(const struct pinot_push *push, const struct pinot_push_table *table,
                             struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (table->has_quota_bytes)
        f = check_bytes(push, table, why);
    if (!f && table->has_quota_segments)
        f = check_count(push, table, why);
    return f;
}
