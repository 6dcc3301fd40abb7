/*
 * whole.h - whether everything that a commit reaches is stored, so that whoever clones it gets it all.
 *
 * Looked at before a branch is set.  What an earlier look has covered (all that a commit marked as whole
 * reaches) is not looked at again, so that it costs what the push has changed.
 */
#ifndef OXEN_WHOLE_H
#define OXEN_WHOLE_H

#include "base/problem.h"
#include "http/exchange.h"
#include "oxen/hash.h"

#include <stdbool.h>
#include <stdint.h>

struct oxen_whole {
    int64_t nodes;    /* tree nodes that are missing */
    int64_t versions; /* contents that are missing; one that several files have counts for each */
    bool no_index;    /* a commit's directory hashes are missing: */
    struct oxen_hash commit;
};

/* Walks what is reached from tip and not known to be whole; marks the commits as whole when nothing
 * is missing.  FAULT_MALFORMED for nodes that cannot be read, or that no client makes; FAULT_TOO_LARGE
 * past the bounds of walks. */
MUST_CHECK enum fault oxen_whole_check(struct exchange *x, int64_t repository,
                                       const struct oxen_hash *tip, struct oxen_whole *out,
                                       struct problem *why);

bool oxen_whole_is(const struct oxen_whole *whole);

#endif
