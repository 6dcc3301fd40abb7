/*
 * reply.h - the statuses and error bodies of what belongs to no product: {"detail":"..."}.
 */
#ifndef OPS_REPLY_H
#define OPS_REPLY_H

#include "http/exchange.h"

enum { OPS_OK = 200 };

/* Answers a fault; struct surface's refuse. */
MUST_CHECK enum fault ops_refuse(struct exchange *x, const struct problem *because,
                                 struct problem *why);

#endif
