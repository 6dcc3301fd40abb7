/*
 * ancestry.h - which commits a push has brought whole, now that it has ended.
 */
#ifndef OXEN_ANCESTRY_H
#define OXEN_ANCESTRY_H

#include "base/problem.h"
#include "http/exchange.h"
#include "oxen/hash.h"

/* A branch stands at tip, so the push that brought it has ended: tip and the open commits that it
 * descends from are open no more.  Those of another client's push, which may still be under way or
 * have failed, stay open.
 *
 * A commit descends from those whose hashes stand in its tree node (oxen_archive_node_name()): as
 * MessagePack they are binaries of 16 bytes, the most significant first.  What is not found stays
 * open and is sent once more, so that nothing else of the node needs to be understood. */
MUST_CHECK enum fault oxen_ancestry_conclude(struct exchange *x, int64_t repository,
                                             const struct oxen_hash *tip, struct problem *why);

#endif
