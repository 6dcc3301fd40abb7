/*
 * ndjson.h - newline-delimited JSON read while it streams: rows, column names and types.
 *
 * Each line that is not blank is one JSON object (RFC 8259); its members are the columns, in the
 * order in which they were first seen.  Line ends inside an object are refused, as readers of
 * NDJSON split at them.  Nothing of a line is held but the name of a member.
 *
 * Types: integers that fit 64 bits; other numbers; booleans; strings are text; objects and arrays are
 * NVARCHAR, as Opteryx keeps them; null is null.  Told as issues: columns that mix these otherwise
 * than integers with decimals, and strings with half a surrogate pair.
 */
#ifndef TABULAR_NDJSON_H
#define TABULAR_NDJSON_H

#include "base/arena.h"
#include "base/problem.h"
#include "tabular/reading.h"
#include "tabular/utf8_text.h"
#include "tabular/value.h"

struct ndjson;

/* Everything in the arena.  values: who asks for the values of the rows; NULL: nobody. */
MUST_CHECK enum fault ndjson_create(struct arena *arena, const struct value_sink *values,
                                    struct ndjson **out, struct problem *why);

/* A utf8_text_sink: ndjson is a struct ndjson.  FAULT_UNPROCESSABLE, naming row and byte, for what is
 * no NDJSON, has half a surrogate pair in a column's name, has values nested deeper than
 * NDJSON_DEPTH_MAX, or is past the bounds of columns.h. */
MUST_CHECK enum fault ndjson_take(void *ndjson, const struct utf8_text_piece *piece,
                                  struct problem *why);

/* The content is over; the last line needs no line end.  No rows at all are fine. */
MUST_CHECK enum fault ndjson_end(struct ndjson *ndjson, struct reading *out, struct problem *why);

#endif
