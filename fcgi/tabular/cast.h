/*
 * cast.h - values of CSV and NDJSON as values of a declared type, exactly or not at all.
 *
 * A value fits when the type holds what it says without loss; nothing is rounded, cut or guessed.
 * Blanks and tabs around are passed over but for text, bytes and VARIANT.
 *
 *   INT*, UINT*   digits with a sign; a fraction or an exponent where the number is whole (1.0, 1e3)
 *   FLOAT*        numbers, NaN, inf and infinity in any case; the nearest value; not past the largest
 *   BOOL          true, false, t, f in any case, 1, 0
 *   DATE          YYYY-MM-DD of the years 0001 to 9999; a time behind it if it is midnight, UTC or none
 *   TIME          HH:MM[:SS[.fraction]], to the microsecond
 *   TIMESTAMP     a DATE, or a DATE, "T" or a blank, a TIME and nothing, Z, UTC, +HH, +HHMM or +HH:MM
 *                 (ISO 8601); no zone is UTC; what the unit cannot hold does not fit
 *   DECIMAL(p,s)  numbers of at most p digits of which s stand behind the point
 *   VARCHAR       ASCII; NVARCHAR: any text.  Numbers, truths, objects and lists of NDJSON as written
 *   VARBINARY     the bytes of a CSV value; base64 (RFC 4648 section 4) in NDJSON
 *   IPV4          four numbers of 0 to 255 without leading zeros, between dots
 *   VARIANT       JSON: of CSV a value that is JSON, of NDJSON any value
 *   NULL          nothing but null
 *
 * Null fits every type; an empty CSV value is null.  Sources: the API page, "Plan and casts".
 */
#ifndef TABULAR_CAST_H
#define TABULAR_CAST_H

#include "base/text.h"
#include "tabular/cell.h"
#include "tabular/type.h"
#include "tabular/value.h"

#include <stdbool.h>

enum { CAST_REPR_MAX = 256 }; /* bytes of a value as a refusal shows it, with the NUL */

/* Whether values can be cast to the type: not to ARRAY, VECTOR and INTERVAL. */
bool cast_takes(const struct type *type);

/* false: the value does not fit, or there is no memory (text_failed()).  Bytes of *out point into the
 * value or into scratch, which is cleared first. */
bool cast_value(const struct type *type, const struct value *value, struct text *scratch,
                struct cell *out);

/* The value as Python writes it: 'text', 1.5, True, None; longer ones are cut and end in "...". */
void cast_repr(const struct value *value, char out[CAST_REPR_MAX]);

#endif
