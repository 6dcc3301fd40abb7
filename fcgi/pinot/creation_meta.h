/*
 * creation_meta.h - the file creation.meta of a segment: its CRC, the time it was made and, since
 * Pinot 1.4, the CRC of its data alone.
 */
#ifndef PINOT_CREATION_META_H
#define PINOT_CREATION_META_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CREATION_META_OLD_BYTES = 16, /* CRC, time */
    CREATION_META_BYTES = 24,     /* CRC, time, data CRC */
};

struct creation_meta {
    int64_t crc;
    int64_t created_at; /* milliseconds UTC */
    int64_t data_crc;   /* -1: the old form does not say */
};

/* Big-endian 64-bit numbers.  FAULT_MALFORMED for any other length; segment is for the text. */
MUST_CHECK enum fault creation_meta_parse(const void *bytes, size_t len, const char *segment,
                                          struct creation_meta *out, struct problem *why);

#endif
