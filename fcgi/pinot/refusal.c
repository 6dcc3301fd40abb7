#include "pinot/refusal.h"

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

static enum fault over_bytes(const struct pinot_push *push, struct problem *why)
{
    const struct pinot_refusal *r = &push->refusal;
    char total[SIZE_TEXT_MAX];
    char allowed[SIZE_TEXT_MAX];
    char existing[SIZE_TEXT_MAX];
    char before[SIZE_TEXT_MAX];
    char incoming[SIZE_TEXT_MAX];
    int64_t replaced = 0;
    if (__builtin_mul_overflow(r->segment->bytes_before, r->replication, &replaced))
        replaced = INT64_MAX;
    size_text(r->wanted, total);
    size_text(r->allowed, allowed);
    size_text(r->used, existing);
    size_text(replaced, before);
    size_text(r->segment->bytes, incoming);
    return problem_set(
        why, FAULT_FORBIDDEN,
        "Storage quota check failed for segment: %s of table: %s, reason: Storage quota exceeded "
        "for Table %s. New estimated size: %s > total allowed storage size: %s, where new "
        "estimated size = existing estimated uncompressed size of all replicas: %s - existing "
        "segment sizes of all replicas: %s + (incoming uncompressed segment size: %s * number "
        "replicas: %" PRId64 "), total allowed storage size = configured quota: %s * number "
        "replicas: %" PRId64,
        r->segment->name, push->table, push->table, total, allowed, existing, before, incoming,
        r->replication, r->quota_text, r->replication);
}

/* Those that look at one segment and what is there. */
static enum fault of_segment(const struct pinot_push *push, struct problem *why)
{
    const char *name = push->refusal.segment->name;
    switch (push->refusal.what) {
    case PINOT_REFUSED_MISSING:
        return problem_set(why, FAULT_GONE, "Cannot refresh non-existing segment: %s for table: %s",
                           name, push->table);
    case PINOT_REFUSED_EXISTS:
        return problem_set(why, FAULT_CONFLICT,
                           "Segment: %s already exists in table: %s. Refresh not permitted.", name,
                           push->table);
    case PINOT_REFUSED_IF_MATCH:
        return problem_set(why, FAULT_PRECONDITION,
                           "Caught exception for segment: %s of table: %s while parsing IF-MATCH "
                           "CRC: \"%s\"",
                           name, push->table, push->if_match);
    case PINOT_REFUSED_CRC:
        return problem_set(why, FAULT_PRECONDITION,
                           "For segment: %s of table: %s, expected CRC: %s does not match existing "
                           "CRC: %" PRId64,
                           name, push->table, push->if_match, push->refusal.segment->crc_before);
    case PINOT_REFUSED_LOCKED:
        return problem_set(why, FAULT_CONFLICT,
                           "Another segment upload is in progress for segment: %s of table: %s, "
                           "retry later",
                           name, push->table);
    case PINOT_REFUSED_LOCK_LOST:
        return problem_set(why, FAULT_CONFLICT,
                           "Failed to lock the segment: %s of table: %s, retry later", name,
                           push->table);
    case PINOT_TAKEN:
    case PINOT_REFUSED_NO_TABLE:
    case PINOT_REFUSED_BYTES:
    case PINOT_REFUSED_COUNT:
        break;
    }
    return FAULT_NONE;
}

enum fault refusal_of(const struct pinot_push *push, struct problem *why)
{
    const struct pinot_refusal *r = &push->refusal;
    switch (r->what) {
    case PINOT_TAKEN:
        return FAULT_NONE;
    case PINOT_REFUSED_NO_TABLE:
        return problem_set(why, FAULT_MALFORMED, "Failed to fetch table config for table: %s",
                           push->table);
    case PINOT_REFUSED_BYTES:
        return over_bytes(push, why);
    case PINOT_REFUSED_COUNT:
        return problem_set(why, FAULT_FORBIDDEN,
                           "Segment quota check failed for segment: %s of table: %s, reason: the "
                           "table may have %" PRId64 " segments",
                           r->segment->name, push->table, r->allowed);
    case PINOT_REFUSED_MISSING:
    case PINOT_REFUSED_EXISTS:
    case PINOT_REFUSED_IF_MATCH:
    case PINOT_REFUSED_CRC:
    case PINOT_REFUSED_LOCKED:
    case PINOT_REFUSED_LOCK_LOST:
        return of_segment(push, why);
    }
    return problem_internal(why, "a push was refused without a reason");
}
