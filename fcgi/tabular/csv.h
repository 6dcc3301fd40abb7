/*
 * csv.h - CSV (RFC 4180) read while it streams: rows, column names and types.
 *
 * The first row that is not blank names the columns.  Rows end with LF, CRLF or CR; blank lines are
 * no rows; a byte order mark is skipped.  A quoted value may hold anything, "" is a quote in it;
 * what follows its closing quote up to the comma belongs to the value; a quote inside a value that
 * does not begin with one stands for itself.
 *
 * Types are those of opteryx/reading.h: empty values are null (quoted or not); integers that fit 64
 * bits; other numbers; true and false in any case; all else is text, dates and addresses included.
 * Values longer than OPTERYX_CELL_MAX are text.
 *
 * Told as issues: rows with more or fewer values than columns, a quote left open at the end,
 * columns without a name or named twice, truths beside numbers.
 */
#ifndef TABULAR_CSV_H
#define TABULAR_CSV_H

#include "base/arena.h"
#include "base/problem.h"
#include "tabular/reading.h"

#include <stddef.h>

struct csv;

/* Everything in the arena: about 64 bytes a column beside the names. */
MUST_CHECK enum fault csv_create(struct arena *arena, struct csv **out, struct problem *why);

/* FAULT_UNPROCESSABLE for bytes that are no UTF-8 (the text names the byte) and past the bounds of
 * columns.h. */
MUST_CHECK enum fault csv_feed(struct csv *csv, const void *bytes, size_t len, struct problem *why);

/* The content is over: FAULT_UNPROCESSABLE when it has no header row. */
MUST_CHECK enum fault csv_end(struct csv *csv, struct reading *out, struct problem *why);

#endif
