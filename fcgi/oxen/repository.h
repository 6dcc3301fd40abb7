/*
 * repository.h - which repository a request is about, and whether its caller may touch it.
 */
#ifndef OXEN_REPOSITORY_H
#define OXEN_REPOSITORY_H

#include "base/problem.h"
#include "db/oxen_store.h"
#include "http/exchange.h"

/* For routes whose first two captures are namespace and name: checks that they are segments, asks
 * for the route's right on "namespace/name", and looks the repository up; in this order, so that
 * without the right nobody learns which repositories there are.  FAULT_MISSING with OXEN_DESCRIBED
 * when there is none. */
MUST_CHECK enum fault oxen_repository_open(struct exchange *x, struct oxen_repository *out,
                                           struct problem *why);

/* The fault of a repository that is not there (any more). */
enum fault oxen_repository_missing(struct exchange *x, struct problem *why);

/* A UUID (RFC 9562, version 4) of the request's random bytes: enough for the one thing that a
 * request creates. */
enum { OXEN_UUID_MAX = 37 };
void oxen_repository_uuid(const struct exchange *x, char out[OXEN_UUID_MAX]);

/* Route handlers. */
MUST_CHECK enum fault oxen_repository_create(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_repository_show(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_repository_list(struct exchange *x, struct problem *why);

#endif
