/*
 * text.h - a growing text with a mandatory maximum.
 *
 * Appending is sticky: the first failure (past the maximum, out of memory) is remembered, later
 * appends do nothing, and the caller asks once at the end with text_failed().
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *data; /* NUL-terminated once anything was appended; NULL before */
    size_t len; /* bytes without the NUL */
    size_t max; /* len never passes it */
    size_t room;
    bool failed;
};

/* Starts an empty text of at most max bytes; ended by text_release(). */
void text_init(struct text *text, size_t max);

/* Frees the bytes; the text is empty and usable again afterwards. */
void text_release(struct text *text);

/* Forgets the content and the failure, keeps the memory. */
void text_clear(struct text *text);

void text_add(struct text *text, const void *bytes, size_t len);
void text_adds(struct text *text, const char *string);
void text_addc(struct text *text, char byte);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* The NUL-terminated content, "" when empty.  Valid until the next append or release. */
const char *text_string(const struct text *text);

bool text_failed(const struct text *text);

/* Case-insensitive comparison of ASCII text, as header names and tokens need it. */
bool text_same(const char *a, const char *b);

/* true when the len bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool text_is_utf8(const char *bytes, size_t len);

/* Lower-case hexadecimal of len bytes and a NUL; out holds 2 * len + 1. */
void text_hex(const uint8_t *bytes, size_t len, char *out);

/* The opposite: exactly 2 * len hexadecimal digits of either case.  false for anything else. */
bool text_unhex(const char *hex, size_t hex_len, uint8_t *out, size_t len);

#endif
