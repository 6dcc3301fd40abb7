/*
 * number.h - the only place that turns text into numbers.  Strict: the whole text must be the
 * number, no sign but the one named, no white space, no overflow.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT_MAX = 1024 }; /* bytes of a number_double() with the NUL */

/* Decimal digits only, at least one. */
bool number_u64(const char *text, size_t len, uint64_t *out);

/* Decimal digits with an optional leading '-'. */
bool number_i64(const char *text, size_t len, int64_t *out);

/* Hexadecimal digits of either case, 1 to 16 of them. */
bool number_hex64(const char *text, size_t len, uint64_t *out);

/* A number in the grammar of JSON (RFC 8259 section 6): "-1.5e3", no leading zeros or '+'.  false
 * also for what no finite double is near (1e400) and for texts of NUMBER_TEXT_MAX bytes and more. */
bool number_double(const char *text, size_t len, double *out);

/* The finite float of 64 bits, single: of 32, that is nearest to a text which the caller knows to be a
 * decimal number: a sign or none, digits, a point or none, an exponent or none.  false where there is
 * none, and for texts of NUMBER_TEXT_MAX bytes and more. */
bool number_nearest(const char *text, size_t len, bool single, double *out);

/* The length of the longest number in that grammar at the start of text, 0 when there is none;
 * *integer tells whether it has neither a fraction nor an exponent. */
size_t number_json_len(const char *text, size_t len, bool *integer);

/* Octal digits as tar headers hold them: at least one. */
bool number_octal(const char *text, size_t len, uint64_t *out);

#endif
