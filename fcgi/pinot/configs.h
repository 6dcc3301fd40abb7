/*
 * configs.h - a schema and the tables that it serves, written together: what must be there before,
 * and what must agree.
 */
#ifndef PINOT_CONFIGS_H
#define PINOT_CONFIGS_H

#include "db/pinot_store_config.h"
#include "http/exchange.h"
#include "pinot/schema_config.h"

#include <stdbool.h>

enum configs_write {
    CONFIGS_SCHEMA_NEW,     /* FAULT_CONFLICT when it exists */
    CONFIGS_SCHEMA_PUT,     /* added or replaced */
    CONFIGS_SCHEMA_REPLACE, /* FAULT_MISSING when it does not exist */
    CONFIGS_TABLE_NEW,      /* FAULT_MALFORMED without its schema, FAULT_CONFLICT when it exists */
    CONFIGS_TABLE_REPLACE,  /* FAULT_MISSING when it does not exist */
    CONFIGS_ALL_NEW,        /* FAULT_MALFORMED when the schema or a table of the name exists */
    CONFIGS_ALL_REPLACE,    /* FAULT_MALFORMED when no table of the name exists */
    CONFIGS_TABLE_CHECK,    /* a table that is only looked at: FAULT_MALFORMED without its schema */
    CONFIGS_SCHEMA_CHECK,   /* a schema that is only looked at */
    CONFIGS_ALL_CHECK,      /* both, without a look at what is there */
};

/* Borrowed until the call returns. */
struct configs {
    enum configs_write how;
    bool force; /* a schema that does not agree with the one before takes its place all the same */
    const char *raw;
    const struct schema_config *schema;                     /* NULL: it stays */
    const struct pinot_table *tables[PINOT_TABLES_OF_NAME]; /* OFFLINE, REALTIME; NULL: it stays */
};

/* Writes all of it, or refuses in the controller's words and writes nothing; with CONFIGS_..._CHECK it
 * never writes.  FAULT_MALFORMED also when a table's time column is no column of time in its schema,
 * and when a schema would lose or change columns of the one before. */
MUST_CHECK enum fault configs_put(struct exchange *x, const struct configs *configs,
                                  struct problem *why);

#endif
