/*
 * parameters.h - "value; name=value; name="value"" as Content-Type and Content-Disposition hold it
 * (RFC 9110 section 5.6.6, RFC 6266 section 4.1).
 */
#ifndef STREAM_PARAMETERS_H
#define STREAM_PARAMETERS_H

#include <stdbool.h>

/* Cuts the leading value off, without the white space behind it; *rest is where the parameters
 * begin.  Writes NULs into text.  Returns text's first value, "" when there is none. */
char *parameters_value(char *text, char **rest);

/* Reads the next parameter at *rest and moves behind it, cutting and unescaping in place: a
 * backslash is dropped before a quote or a backslash alone, since browsers send paths.  *name is
 * NULL at the end.  false for what does not parse. */
bool parameters_next(char **rest, char **name, char **value);

#endif
