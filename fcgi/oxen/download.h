/*
 * download.h - contents out again: one by its hash, or many in an archive.
 */
#ifndef OXEN_DOWNLOAD_H
#define OXEN_DOWNLOAD_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_download_content(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_download_batch(struct exchange *x, struct problem *why);

#endif
