/*
 * configs.h - a schema and the tables that it serves, written together: what must be there before,
 * and what must agree.
 */
#ifndef PINOT_CONFIGS_H
#define PINOT_CONFIGS_H

#include "db/pinot_store_config.h"
#include "http/exchange.h"

enum configs_write {
    CONFIGS_SCHEMA_NEW,     /* FAULT_CONFLICT when it exists */
    CONFIGS_SCHEMA_PUT,     /* added or replaced */
    CONFIGS_SCHEMA_REPLACE, /* FAULT_MISSING when it does not exist */
    CONFIGS_TABLE_NEW,      /* FAULT_MALFORMED without its schema, FAULT_CONFLICT when it exists */
    CONFIGS_TABLE_REPLACE,  /* FAULT_MISSING when it does not exist */
};

/* Borrowed until the call returns. */
struct configs {
    enum configs_write how;
    const char *raw;
    const char *schema;                                     /* NULL: it stays */
    const struct pinot_table *tables[PINOT_TABLES_OF_NAME]; /* OFFLINE, REALTIME; NULL: it stays */
};

/* Writes all of it, or refuses in the controller's words and writes nothing. */
MUST_CHECK enum fault configs_put(struct exchange *x, const struct configs *configs,
                                  struct problem *why);

#endif
