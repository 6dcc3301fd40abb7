/*
 * archive.h - what a push sends besides contents: zipped archives, kept file by file and opaque.
 *
 * POST .../tree/nodes brings "943/4f0f.../node" and "943/4f0f.../children" (a node's hash, cut
 * behind its third digit), POST .../commits/upload "history/<commit>/dir_hashes/...".  A commit has
 * been received when both archives held something of it.
 */
#ifndef OXEN_ARCHIVE_H
#define OXEN_ARCHIVE_H

#include "base/problem.h"
#include "db/oxen_store_push.h"
#include "http/exchange.h"

/* The name of a tree node's object, by the digits of its hash. */
void oxen_archive_node_name(const char *digits, char out[OXEN_PART_NAME_MAX]);

/* Route handlers. */
MUST_CHECK enum fault oxen_archive_nodes(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_archive_commits(struct exchange *x, struct problem *why);

#endif
