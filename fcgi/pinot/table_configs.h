/*
 * table_configs.h - the routes below /tableConfigs: a schema and the tables of its name as one, which
 * is how pinot-admin's AddTable sends them.
 */
#ifndef PINOT_TABLE_CONFIGS_H
#define PINOT_TABLE_CONFIGS_H

#include "http/exchange.h"

MUST_CHECK enum fault pinot_table_configs_post(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_configs_put(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_configs_validate(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_configs_list(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_configs_read(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_configs_delete(struct exchange *x, struct problem *why);

#endif
