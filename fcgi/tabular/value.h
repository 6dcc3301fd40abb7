/*
 * value.h - one value of a row as a text reader finds it, and whoever asks the reader for them.
 */
#ifndef TABULAR_VALUE_H
#define TABULAR_VALUE_H

#include "base/problem.h"
#include "tabular/columns.h"

#include <stdbool.h>
#include <stddef.h>

enum value_form {
    VALUE_NULL,   /* null, or an empty value of CSV */
    VALUE_PLAIN,  /* of CSV, without its quotes */
    VALUE_STRING, /* of JSON, its escapes resolved */
    VALUE_NUMBER, /* of JSON, as it is written */
    VALUE_TRUE,   /* of JSON */
    VALUE_FALSE,
    VALUE_NESTED, /* an object or a list, as it is written */
};

/* Bytes are borrowed until the call returns that they are handed to. */
struct value {
    enum value_form form;
    bool half; /* a string with half a surrogate pair, for which U+FFFD stands */
    const char *bytes;
    size_t len;
};

/* Told of each row while a content is read (csv.h, ndjson.h).  A fault ends the reading. */
struct value_sink {
    void *ctx;
    char *buffer; /* for values that do not lie whole in a piece */
    size_t room;  /* of it; longer values are FAULT_UNPROCESSABLE with row and column */
    /* A value of the row; column is its place in the reader's columns, of which name is the name.  In
     * CSV column may be past them (a ragged row; name is NULL).  A member of JSON may come twice. */
    enum fault (*value)(void *ctx, size_t column, const char *name, const struct value *value,
                        struct problem *why);
    /* The row has ended; values that were not told are null. */
    enum fault (*row)(void *ctx, struct problem *why);
    /* The header of a CSV is known. */
    enum fault (*header)(void *ctx, const struct columns *columns, struct problem *why);
};

#endif
