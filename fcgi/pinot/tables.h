/*
 * tables.h - the routes below /tables.
 */
#ifndef PINOT_TABLES_H
#define PINOT_TABLES_H

#include "http/exchange.h"

MUST_CHECK enum fault pinot_tables_post(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_tables_list(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_read(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_put(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_tables_delete(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_schema(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_size(struct exchange *x, struct problem *why);

#endif
