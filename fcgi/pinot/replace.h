/*
 * replace.h - the routes that replace segments by others: startReplaceSegments, endReplaceSegments,
 * revertReplaceSegments, and the lineage that they leave.
 */
#ifndef PINOT_REPLACE_H
#define PINOT_REPLACE_H

#include "http/exchange.h"

MUST_CHECK enum fault pinot_replace_start(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_replace_end(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_replace_revert(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_replace_lineage(struct exchange *x, struct problem *why);

#endif
