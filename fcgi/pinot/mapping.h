/*
 * mapping.h - the file all_segments_metadata of a batch: odd lines name a segment, even lines say
 * where servers download it.
 *
 * A push parser; lines end with LF, CRLF or CR.  It hands up pairs and holds no more than one.
 */
#ifndef PINOT_MAPPING_H
#define PINOT_MAPPING_H

#include "base/problem.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* Takes one pair; both borrowed. */
typedef enum fault (*mapping_sink)(void *ctx, const char *segment, const char *uri,
                                   struct problem *why);

struct mapping {
    mapping_sink sink;
    void *ctx;
    struct text name; /* of the pair in hand */
    struct text line; /* the line in hand */
    bool in_pair;     /* name is known, its URI is awaited */
    bool after_cr;
};

/* Ended by mapping_release(). */
void mapping_init(struct mapping *mapping, mapping_sink sink, void *ctx);
void mapping_release(struct mapping *mapping);

/* FAULT_MALFORMED with Pinot's text for an empty URI line, and for a name or URI that is longer
 * than a name or URI may be or holds a NUL. */
MUST_CHECK enum fault mapping_feed(struct mapping *mapping, const void *bytes, size_t len,
                                   struct problem *why);

/* The file is over: FAULT_MALFORMED when the last name has no URI.  The mapping is then empty. */
MUST_CHECK enum fault mapping_end(struct mapping *mapping, struct problem *why);

/* FAULT_MALFORMED for a download URI with spaces, control characters or no UTF-8: nothing could
 * ever fetch it. */
MUST_CHECK enum fault mapping_uri_check(const char *uri, const char *segment, struct problem *why);

#endif
