/*
 * version.h - which controller this one behaves as: clients print it, none acts on it.
 */
#ifndef PINOT_VERSION_H
#define PINOT_VERSION_H

#include "http/exchange.h"

static const char pinot_version[] = "1.5.1-sluice";

/* GET /version */
MUST_CHECK enum fault pinot_version_get(struct exchange *x, struct problem *why);

#endif
