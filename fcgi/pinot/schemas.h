/*
 * schemas.h - the routes below /schemas.
 */
#ifndef PINOT_SCHEMAS_H
#define PINOT_SCHEMAS_H

#include "http/exchange.h"

MUST_CHECK enum fault pinot_schemas_post(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_schemas_validate(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_schemas_list(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_schema_read(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_schema_replace(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_schemas_delete(struct exchange *x, struct problem *why);

#endif
