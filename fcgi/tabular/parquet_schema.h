/*
 * parquet_schema.h - the tree of a Parquet schema, read from the footer.
 */
#ifndef TABULAR_PARQUET_SCHEMA_H
#define TABULAR_PARQUET_SCHEMA_H

#include "tabular/columns.h"
#include "tabular/thrift.h"

#include <stdint.h>

/* Reads FileMetaData.schema, of which thrift stands before the list, into columns that are
 * initialised and empty: the children of the root.  *leaves: the columns of values, which every row
 * group has.  What is wrong is told by thrift. */
void parquet_schema_read(struct thrift *thrift, struct columns *columns, uint64_t *leaves);

#endif
