/*
 * segments_read.h - what the routes that read and delete segments share: the tables that a path
 * names.
 */
#ifndef PINOT_SEGMENTS_READ_H
#define PINOT_SEGMENTS_READ_H

#include "db/pinot_store_config.h"
#include "http/exchange.h"
#include "http/route.h"
#include "pinot/names.h"

#include <stdbool.h>
#include <stddef.h>

enum { TABLES_OF_NAME_MAX = 2 };

struct tables_of_name {
    struct table_name name;
    enum pinot_type type;                          /* that the query parameter `type` asks for */
    struct pinot_table tables[TABLES_OF_NAME_MAX]; /* OFFLINE first */
    size_t count;
};

/* Reads the path's table name, asks for the right, reads the query parameter `type`, and finds the
 * tables: of that type, else of the name's suffix, else both.  None is no fault. */
MUST_CHECK enum fault tables_of_name(struct exchange *x, enum right right,
                                     struct tables_of_name *out, struct problem *why);

/* FAULT_MISSING when there is no such table.  alone: what is asked for is one table, OFFLINE unless
 * another type was named, and the text says so as Pinot's does. */
MUST_CHECK enum fault tables_required(const struct tables_of_name *found, bool alone,
                                      struct problem *why);

#endif
