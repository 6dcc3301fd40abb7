/*
 * number.h - the only place that turns text into numbers.  Strict: the whole text must be the
 * number, no sign but the one named, no white space, no overflow.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, at least one. */
bool number_u64(const char *text, size_t len, uint64_t *out);

/* Decimal digits with an optional leading '-'. */
bool number_i64(const char *text, size_t len, int64_t *out);

/* Hexadecimal digits of either case, 1 to 16 of them. */
bool number_hex64(const char *text, size_t len, uint64_t *out);

/* Octal digits as tar headers hold them: at least one. */
bool number_octal(const char *text, size_t len, uint64_t *out);

#endif
