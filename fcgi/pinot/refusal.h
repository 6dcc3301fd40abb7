/*
 * refusal.h - why a push was refused, in the controller's words.
 */
#ifndef PINOT_REFUSAL_H
#define PINOT_REFUSAL_H

#include "db/pinot_store_push.h"

/* FAULT_NONE when the push was taken.  FAULT_MALFORMED when the table does not exist, FAULT_FORBIDDEN
 * over a quota, FAULT_GONE for a segment to refresh that is not there, FAULT_CONFLICT for one that
 * is there or locked, FAULT_PRECONDITION for another CRC than the expected one. */
MUST_CHECK enum fault refusal_of(const struct pinot_push *push, struct problem *why);

#endif
