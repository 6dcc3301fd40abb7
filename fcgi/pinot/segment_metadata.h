/*
 * segment_metadata.h - what a push must know of a segment's metadata.properties.
 *
 * As Pinot reads it: the name that is registered, the time interval in milliseconds (from start,
 * end and unit), the raw range of the time column (the column's own minimum and maximum), the number
 * of documents, the index version and the custom map (keys "custom.*").  Of a repeated key the first
 * value counts.
 */
#ifndef PINOT_SEGMENT_METADATA_H
#define PINOT_SEGMENT_METADATA_H

#include "base/limits.h"
#include "base/problem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment_metadata {
    char name[NAME_MAX_BYTES];
    char table[NAME_MAX_BYTES];       /* segment.table.name; "" when absent */
    char time_column[NAME_MAX_BYTES]; /* "" when there is none */
    bool has_interval;                /* start, end and unit are there and make sense */
    int64_t start_at;                 /* milliseconds UTC */
    int64_t end_at;
    char start_raw[PINOT_RAW_TIME_MAX]; /* "" when the column's range is not known */
    char end_raw[PINOT_RAW_TIME_MAX];
    int64_t docs;
    int index_version;      /* 1, 2 or 3 */
    struct text custom;     /* a JSON object of texts; empty when there is no custom map */
    struct text partitions; /* partition_metadata.h; empty when no column is partitioned */
};

/* Ends with segment_metadata_release(). */
void segment_metadata_init(struct segment_metadata *metadata);
void segment_metadata_release(struct segment_metadata *metadata);

/* Reads len bytes of metadata.properties; what metadata held before is forgotten.  FAULT_MALFORMED
 * without a usable name, number of documents or index version.  segment names the file in texts. */
MUST_CHECK enum fault segment_metadata_parse(const char *bytes, size_t len, const char *segment,
                                             struct segment_metadata *metadata,
                                             struct problem *why);

/* FAULT_FORBIDDEN, with Pinot's text, when the interval is not within 1971 to 2071, or is missing
 * although the table has a time column (NULL: it has none). */
MUST_CHECK enum fault segment_interval_check(bool has_interval, int64_t start_at, int64_t end_at,
                                             const char *segment, const char *table,
                                             const char *time_column, struct problem *why);

#endif
