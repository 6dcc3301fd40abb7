/*
 * content.h - contents of files by revision and path: whole, or, as clones ask for large ones, in pieces.
 */
#ifndef OXEN_CONTENT_H
#define OXEN_CONTENT_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_content_chunk(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_content_file(struct exchange *x, struct problem *why);

#endif
