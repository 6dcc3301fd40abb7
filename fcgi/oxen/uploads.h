/*
 * uploads.h - large contents in parts: begun with a hash and a size, sent in any order, resumed by
 * whoever begins the same content again, verified as a whole before they are a version.
 */
#ifndef OXEN_UPLOADS_H
#define OXEN_UPLOADS_H

#include "base/problem.h"
#include "http/exchange.h"

/* Route handlers. */
MUST_CHECK enum fault oxen_uploads_begin(struct exchange *x, struct problem *why);
MUST_CHECK enum fault oxen_uploads_receive_part(struct exchange *x, struct problem *why);

#endif
