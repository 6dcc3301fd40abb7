/*
 * properties.h - Java .properties text as Apache Commons Configuration reads it, which is how Pinot
 * reads metadata.properties.
 *
 * Lines end with LF, CRLF or CR and are trimmed; an odd number of backslashes at the end joins the
 * next line; lines that are blank or begin with '#' or '!' say nothing.  A key ends at the first
 * '=', ':' or white space without a backslash before it.  Nothing is held but one joined line, so
 * the memory is bounded by the longest line, and nothing is unescaped before somebody asks for it:
 * of the hundreds of lines of a wide segment only a dozen matter.
 */
#ifndef PINOT_PROPERTIES_H
#define PINOT_PROPERTIES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/* One line, still escaped; borrowed until the next call. */
struct property {
    const char *key;
    size_t key_len;
    const char *value;
    size_t value_len;
};

struct properties {
    const char *at;
    const char *end;
    bool has_cr; /* somewhere: most files have none, and their lines need not be searched for one */
    struct text joined; /* the line in hand when it was continued */
};

/* Starts reading len bytes (borrowed); ended by properties_release(). */
void properties_init(struct properties *properties, const char *bytes, size_t len);
void properties_release(struct properties *properties);

/* The next property; false at the end. */
bool properties_next(struct properties *properties, struct property *out);

/* Appends what the escaped text means, as UTF-8: \t \n \f \r \b, \uXXXX (a surrogate pair is one
 * character, half a pair U+FFFD), a backslash before anything else is dropped.  Bytes that are no
 * UTF-8 are read as ISO-8859-1. */
void properties_unescape(struct text *out, const char *escaped, size_t len);

/* The same into a fixed array.  false when it does not fit with its NUL or contains a NUL. */
bool properties_copy(char *out, size_t room, const char *escaped, size_t len);

#endif
