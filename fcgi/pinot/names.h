/*
 * names.h - table names: database prefix, raw name, type suffix; and segment names.
 *
 * A table's full name is "[database.]raw_TYPE".  The database comes from the prefix or from the
 * `database` header, which must then agree; "default" in the header means none.
 */
#ifndef PINOT_NAMES_H
#define PINOT_NAMES_H

#include "base/limits.h"
#include "base/problem.h"

#include <stdbool.h>

enum pinot_type { PINOT_NO_TYPE = 0, PINOT_OFFLINE, PINOT_REALTIME };

struct table_name {
    char raw[NAME_MAX_BYTES];   /* with the database prefix, without the type */
    char given[NAME_MAX_BYTES]; /* as raw, with the type when the client wrote it */
    enum pinot_type type;       /* of the suffix; PINOT_NO_TYPE without one */
};

/* "OFFLINE", "REALTIME"; "null" for none, as Pinot prints it. */
const char *pinot_type_word(enum pinot_type type);

/* Reads a type in either case; NULL and "" are PINOT_NO_TYPE.  false for anything else. */
bool pinot_type_parse(const char *word, enum pinot_type *out);

/* database: the header, or NULL.  FAULT_MALFORMED with Pinot's text for two dots and for databases
 * that disagree; also for control characters, slashes and names that are empty or too long. */
MUST_CHECK enum fault table_name_parse(const char *given, const char *database,
                                       struct table_name *out, struct problem *why);

/* "raw_TYPE". */
void table_name_full(const char *raw, enum pinot_type type, char out[NAME_MAX_BYTES]);

/* FAULT_MALFORMED for a name that cannot be one path segment of an URL or a file's name: empty, too
 * long, "." and "..", with a slash, a backslash or a control character, or no UTF-8. */
MUST_CHECK enum fault segment_name_check(const char *name, struct problem *why);

#endif
