/*
 * partition_metadata.h - what a segment's metadata.properties says of its partitioned columns, as the
 * JSON that Pinot keeps of it and brokers prune with:
 *
 *     {"columnPartitionMap": {"<column>": {"functionName": "Murmur", "numPartitions": 4,
 *                                          "partitions": [1,2], "functionConfig": null}, ...}}
 */
#ifndef PINOT_PARTITION_METADATA_H
#define PINOT_PARTITION_METADATA_H

#include "base/problem.h"
#include "base/text.h"
#include "pinot/properties.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether a line names a column's partition function: then the file is worth a second look. */
bool partition_metadata_is_function(const struct property *property);

/* Appends the JSON of len bytes of metadata.properties to out.  FAULT_MALFORMED when a partitioned
 * column lacks its number of partitions, or the number or a partition is none; FAULT_TOO_LARGE past
 * PINOT_PARTITIONED_MAX columns, PINOT_PARTITIONS_MAX partitions of one, or the room of out.  segment
 * names the file in texts. */
MUST_CHECK enum fault partition_metadata_read(const char *bytes, size_t len, const char *segment,
                                              struct text *out, struct problem *why);

#endif
