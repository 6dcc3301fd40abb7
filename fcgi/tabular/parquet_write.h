/*
 * parquet_write.h - one table written as a Parquet file, row by row, while its rows come.
 *
 * Format 2: row groups of at most PARQUET_WRITE_GROUP_ROWS rows, cut earlier so that what is held
 * stays below PARQUET_WRITE_HELD bytes; pages of version 1, compressed with zstd; definition levels
 * for nullable columns; a dictionary for texts while it pays; min, max and null count of each column
 * chunk; logical types.  (parquet-format: README.md, LogicalTypes.md, Encodings.md)
 *
 * Memory is a matter of the columns, never of the rows: the description of the finished row groups
 * goes to a spool, which the caller provides, and is read back at the end.
 */
#ifndef TABULAR_PARQUET_WRITE_H
#define TABULAR_PARQUET_WRITE_H

#include "base/problem.h"
#include "stream/sink.h"
#include "tabular/cell.h"
#include "tabular/columns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PARQUET_WRITE_GROUP_ROWS = 1024 * 1024,        /* rows of a row group */
    PARQUET_WRITE_HELD = 4 * 1024 * 1024,          /* bytes of pages, open and finished */
    PARQUET_WRITE_PAGE = 512 * 1024,               /* bytes of a page before it is compressed */
    PARQUET_WRITE_FOOTER_MAX = 1024 * 1024 * 1024, /* bytes of the footer: FAULT_TOO_LARGE */
};

/* Bytes that are written once, from the beginning, and then read back. */
struct parquet_write_spool {
    void *ctx;
    bytes_sink append;
    /* Reads len bytes at offset, all of which were appended. */
    enum fault (*read)(void *ctx, uint64_t offset, void *bytes, size_t len, struct problem *why);
};

struct parquet_write;

/* Starts a file of these columns, whose bytes go to sink(ctx).  columns and spool are borrowed until
 * the end.  A column of type NULL holds nothing but nulls.  FAULT_UNPROCESSABLE names a column whose
 * type cannot be written (ARRAY, VECTOR, INTERVAL).  The caller owns *out. */
MUST_CHECK enum fault parquet_write_create(const struct columns *columns, bytes_sink sink,
                                           void *ctx, const struct parquet_write_spool *spool,
                                           struct parquet_write **out, struct problem *why);
/* writer may be NULL. */
void parquet_write_destroy(struct parquet_write *writer);

/* Whether values of the type can be written. */
bool parquet_write_takes(const struct type *type);

/* Adds a row: a cell for each column, in their order, of the kind that its type has (cell.h) or
 * CELL_NULL.  FAULT_UNPROCESSABLE for a null in a column that is not nullable and for a timestamp
 * that the file's unit cannot hold; FAULT_INTERNAL for a cell of another kind. */
MUST_CHECK enum fault parquet_write_row(struct parquet_write *writer, const struct cell *cells,
                                        struct problem *why);

/* Writes what is held back and the footer.  *rows and *bytes are those of the whole file. */
MUST_CHECK enum fault parquet_write_end(struct parquet_write *writer, uint64_t *rows,
                                        uint64_t *bytes, struct problem *why);

#endif
