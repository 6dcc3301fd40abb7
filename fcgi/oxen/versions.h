/*
 * versions.h - contents by hash: the batch upload and what is asked about one of them.
 */
#ifndef OXEN_VERSIONS_H
#define OXEN_VERSIONS_H

#include "base/problem.h"
#include "http/exchange.h"

MUST_CHECK enum fault oxen_versions_upload(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_versions_metadata(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_versions_outdated(struct exchange *x, struct problem *why);

#endif
