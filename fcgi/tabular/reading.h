/*
 * reading.h - what a format's reader has found out about a part, and how a reader is driven.
 *
 * The three readers (csv.h, ndjson.h, parquet.h) are push parsers: any cut of the stream gives the
 * same result, and their memory does not grow with the number of rows.
 */
#ifndef TABULAR_READING_H
#define TABULAR_READING_H

#include "tabular/columns.h"
#include "tabular/issues.h"

#include <stdint.h>

/* Puts the kind in front of what columns.h refused, and a hint behind it, which may be "": "the part
 * is not CSV: more than ...".  Other faults are left as they are.  Returns f. */
enum fault reading_refused(const char *kind, enum fault f, const char *hint, struct problem *why);

struct reading {
    int64_t rows;
    struct columns columns;
    struct issues issues;
};

/* What was seen in the values of a text column, or-ed. */
enum reading_seen {
    READING_NULL = 1,
    READING_INT = 2,   /* fits 64 bits */
    READING_FLOAT = 4, /* any other number */
    READING_BOOL = 8,
    READING_TEXT = 16,
    READING_WIDE = 32, /* text that is not ASCII alone */
    READING_OBJECT = 64,
    READING_LIST = 128,
};

/* The type of a column in which that was seen. */
struct type reading_type(unsigned seen);

/* Whether the types that were seen have nothing in common but text: two of numbers, booleans, texts,
 * objects and lists. */
bool reading_is_mixed(unsigned seen);

#endif
