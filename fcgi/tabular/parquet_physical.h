/*
 * parquet_physical.h - how a column's type stands in a Parquet file that we write.
 */
#ifndef TABULAR_PARQUET_PHYSICAL_H
#define TABULAR_PARQUET_PHYSICAL_H

#include "base/text.h"
#include "tabular/cell.h"
#include "tabular/columns.h"
#include "tabular/parquet_type.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PARQUET_PHYSICAL_DECIMAL_BYTES = 16, /* of a DECIMAL of more than 18 digits */
    PARQUET_PHYSICAL_NONE = -1,          /* no column of ours */
};

/* The physical type of a column's values: enum parquet_physical; PARQUET_PHYSICAL_NONE when such
 * values cannot be written. */
int parquet_physical_of(const struct type *type);

/* The kind of cell that the values of a scalar come as. */
enum cell_kind parquet_physical_cell(const struct type *type);

/* The column's SchemaElement (parquet.thrift), whole. */
void parquet_physical_schema(const struct column *column, struct text *out);

/* A cell as its physical type holds it (PLAIN, little-endian; booleans as a byte of 0 or 1; texts
 * without their length).  bytes points into room or to the cell's own. */
struct parquet_physical_value {
    const void *bytes;
    size_t len;
    unsigned char room[PARQUET_PHYSICAL_DECIMAL_BYTES];
};

/* false when the cell is of another kind than the type, *fits false when the file's unit cannot hold
 * it.  Not for CELL_NULL. */
bool parquet_physical_value(const struct type *type, const struct cell *cell,
                            struct parquet_physical_value *out, bool *fits);

/* Below 0, 0, above 0 as a comes before, equals, follows b in the order of a column's statistics;
 * both are of one kind.  NaN has no place in it. */
int parquet_physical_compare(const struct cell *a, const struct cell *b);

#endif
