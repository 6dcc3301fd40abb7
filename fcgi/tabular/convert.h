/*
 * convert.h - CSV or NDJSON in, one Parquet file of declared columns out, while it streams.
 *
 * Columns are found by their names, in any order.  A declared column that the content lacks is null;
 * values are cast (cast.h).  Any cut of the input gives the same file or the same refusal.
 *
 * Refused, FAULT_CONFLICT with a code:
 *   CONVERT_VALUE       a value that does not fit, or null where it may not be; convert_refusal()
 *   CONVERT_UNDECLARED  a column, or a value past the last column of a CSV, that is not declared and
 *                       not ignored
 *   CONVERT_MISSING     a declared column that may not be null and that a CSV lacks
 * FAULT_UNPROCESSABLE: the content is not of its kind, names a column twice, or has a value of more
 * than CONVERT_VALUE_BYTES or a row of more than CONVERT_ROW_BYTES (limits.h).
 *
 * Memory: the writer's (parquet_write.h), a row, a value; never a matter of the rows.
 */
#ifndef TABULAR_CONVERT_H
#define TABULAR_CONVERT_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/problem.h"
#include "tabular/cast.h"
#include "tabular/columns.h"
#include "tabular/format.h"
#include "tabular/parquet_write.h"

/* problem.code values */
#define CONVERT_VALUE "value_not_castable"
#define CONVERT_UNDECLARED "column_undeclared"
#define CONVERT_MISSING "column_missing"

struct convert;

struct convert_refusal {
    int64_t row; /* 1-based data row; 0: no row */
    char column[OPTERYX_COLUMN_NAME_MAX + 1];
    char value[CAST_REPR_MAX];    /* as Python writes it; "" without one */
    char declared[TYPE_TEXT_MAX]; /* "" where it is not declared */
};

/* kind is FORMAT_CSV or FORMAT_NDJSON.  declared: the columns of the file.  ignored: names of columns
 * that are passed over; NULL: none.  Both and spool are borrowed until the end; the file's bytes go to
 * sink(ctx).  FAULT_UNPROCESSABLE names a declared column whose type cannot be cast to.  The arena
 * holds what is known of the content's columns; the caller owns *out. */
MUST_CHECK enum fault convert_create(enum format_kind kind, const struct columns *declared,
                                     const struct columns *ignored, bytes_sink sink, void *ctx,
                                     const struct parquet_write_spool *spool, struct arena *arena,
                                     struct convert **out, struct problem *why);
/* convert may be NULL. */
void convert_destroy(struct convert *convert);

/* A bytes_sink: convert is a struct convert. */
MUST_CHECK enum fault convert_feed(void *convert, const void *bytes, size_t len,
                                   struct problem *why);

/* The content is over.  *rows and *bytes are those of the file. */
MUST_CHECK enum fault convert_end(struct convert *convert, uint64_t *rows, uint64_t *bytes,
                                  struct problem *why);

/* Where and why the content was refused, after a fault with a code of above. */
const struct convert_refusal *convert_refusal(const struct convert *convert);

#endif
