/*
 * part.h - parts of a session: stored, replaced, deleted.
 */
#ifndef OPTERYX_PART_H
#define OPTERYX_PART_H

#include "http/exchange.h"

/* PUT /v1/upload/{session}?part=N: the body is decoded, hashed, read and written in one pass, made
 * durable, and only then named by a row.  What is stored is the decoded content. */
MUST_CHECK enum fault opteryx_part_put(struct exchange *x, struct problem *why);

/* DELETE /v1/upload/{session}/part/{part} */
MUST_CHECK enum fault opteryx_part_delete(struct exchange *x, struct problem *why);

#endif
