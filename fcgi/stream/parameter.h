/*
 * parameter.h - header values of the form: word; name=value; name="value" (RFC 9110 section
 * 5.6.6), read in place.
 *
 *     if (parameter_begin(text, &word, &at)) { while (... = parameter_next(&at, &name, &value)) }
 *
 * Everything handed out is borrowed from the text, which must be writable and NUL-terminated.
 */
#ifndef STREAM_PARAMETER_H
#define STREAM_PARAMETER_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the token (RFC 9110 section 5.6.2) that text begins with; may be 0. */
size_t parameter_token(const char *text);

/* Splits the first word off: visible bytes up to a blank or ';'.  *at is where parameter_next()
 * goes on.  false when there is no word, or when anything but blanks stands between it and the
 * first ';'. */
bool parameter_begin(char *text, char **word, char **at);

enum parameter { PARAMETER_NONE = 0, PARAMETER_FOUND, PARAMETER_BROKEN };

/* Reads the next parameter and moves *at behind it.  A quoted value is unescaped: a backslash goes
 * before a quote or a backslash and stays elsewhere, as browsers send paths.  An unquoted one may
 * hold any visible byte but a quote and ';', as clients send more than tokens, and may be empty.
 * Empty parameters ("; ;") are skipped, as RFC 9110 allows them.
 *
 * PARAMETER_NONE at the end; PARAMETER_BROKEN for a name that is not a token, no '=', a quote that
 * stays open, or bytes between a value and the next ';'. */
enum parameter parameter_next(char **at, char **name, char **value);

#endif
