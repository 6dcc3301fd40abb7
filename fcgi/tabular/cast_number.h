/*
 * cast_number.h - texts as numbers, exactly: no float stands in between.
 *
 * A number is [+-]digits[.digits][e[+-]digits] with a digit in front of the exponent.  false: it is
 * none, or it does not fit.
 */
#ifndef TABULAR_CAST_NUMBER_H
#define TABULAR_CAST_NUMBER_H

#include "tabular/cell.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number of at least least and at most most. */
bool cast_number_integer(const char *bytes, size_t len, int64_t least, int64_t most, int64_t *out);
bool cast_number_natural(const char *bytes, size_t len, uint64_t most, uint64_t *out);

/* A number of at most precision digits (38), scale of them behind the point. */
bool cast_number_decimal(const char *bytes, size_t len, int precision, int scale,
                         cell_decimal *out);

/* The nearest float of 64 bits, single: of 32; NaN, inf and infinity in any case and with a sign. */
bool cast_number_real(const char *bytes, size_t len, bool single, double *out);

#endif
