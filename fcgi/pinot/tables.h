/*
 * tables.h - the routes below /tables.
 */
#ifndef PINOT_TABLES_H
#define PINOT_TABLES_H

#include "http/exchange.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether a list of tables has this one: of the database that the request names, and within the
 * token's scope. */
bool tables_listed(const struct exchange *x, const char *raw);

/* Deletes a table (full name) with its segments; copies are kept for keep_ms (pinot_store_delete.h).
 * *found: there was one. */
MUST_CHECK enum fault tables_remove(struct exchange *x, const char *full, int64_t keep_ms,
                                    bool *found, struct problem *why);

MUST_CHECK enum fault pinot_tables_post(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_tables_validate(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_tables_list(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_read(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_put(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_tables_delete(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_schema(struct exchange *x, struct problem *why);
MUST_CHECK enum fault pinot_table_size(struct exchange *x, struct problem *why);

#endif
