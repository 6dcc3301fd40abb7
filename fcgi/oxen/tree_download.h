/*
 * tree_download.h - archives of tree nodes and of directory hashes, as a clone, a pull and a fetch ask
 * for them.
 *
 * More than was asked for is never wrong to the client, less is.  So a commit with all its history is
 * answered with all nodes of the repository, in the order of their index and without looking into
 * them; a range of commits and parts of a tree are walked and are small.
 */
#ifndef OXEN_TREE_DOWNLOAD_H
#define OXEN_TREE_DOWNLOAD_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_tree_download_all(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_tree_download_revision(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_tree_download_has(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_tree_download_history(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_tree_download_commit_db(struct exchange *x, struct problem *why);

#endif
