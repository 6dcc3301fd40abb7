/*
 * csv.h - CSV (RFC 4180) read while it streams: rows, column names and types.
 *
 * The first row that is not blank names the columns.  Rows end with LF, CRLF or CR; blank lines are
 * no rows.  A quoted value may hold anything, "" is a quote in it; what follows its closing quote up
 * to the comma belongs to the value; a quote inside a value that does not begin with one stands for
 * itself.  A first line "sep=;", as spreadsheets write it, is no header: it names the separator.
 *
 * Types are those of reading.h: empty values are null (quoted or not); integers that fit 64 bits;
 * other numbers, NaN and infinity in any case; true and false in any case; all else is text, dates
 * and addresses included, and so are numbers with a plus sign or a leading zero (but 0 itself),
 * which name something: a post code, a telephone.  Values longer than OPTERYX_CELL_MAX are text.
 *
 * Told as issues: rows with more or fewer values than columns, a quote left open at the end,
 * columns without a name or named twice, booleans beside numbers, a separator that is no comma or
 * does not seem to be.
 */
#ifndef TABULAR_CSV_H
#define TABULAR_CSV_H

#include "base/arena.h"
#include "base/problem.h"
#include "tabular/reading.h"
#include "tabular/utf8_text.h"
#include "tabular/value.h"

struct csv;

/* Everything in the arena: about 64 bytes a column beside the names.  values: who asks for the values
 * of the rows, and then no types are found out; NULL: nobody. */
MUST_CHECK enum fault csv_create(struct arena *arena, const struct value_sink *values,
                                 struct csv **out, struct problem *why);

/* A utf8_text_sink: csv is a struct csv.  FAULT_UNPROCESSABLE past the bounds of columns.h. */
MUST_CHECK enum fault csv_take(void *csv, const struct utf8_text_piece *piece, struct problem *why);

/* The content is over: FAULT_UNPROCESSABLE when it has no header row. */
MUST_CHECK enum fault csv_end(struct csv *csv, struct reading *out, struct problem *why);

#endif
