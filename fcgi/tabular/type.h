/*
 * type.h - the types of columns, as Opteryx names them.
 *
 * A type is a scalar under any number of ARRAY<>.  The words are those that Opteryx's catalog
 * keeps: INT8..INT64, UINT8..UINT64, FLOAT32, FLOAT64, BOOL, DATE, TIME, TIMESTAMP[s|ms|us|ns|d],
 * INTERVAL, DECIMAL(p, s), VARCHAR (ASCII), NVARCHAR (UTF-8), VARBINARY, VARIANT, VECTOR(n), IPV4,
 * NULL (nothing but nulls were seen).
 */
#ifndef TABULAR_TYPE_H
#define TABULAR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TYPE_TEXT_MAX = 160,       /* bytes of a printed type with the NUL */
    TYPE_ARRAYS_MAX = 16,      /* ARRAY<> around a scalar */
    TYPE_DECIMAL_DIGITS = 38,  /* most digits of a DECIMAL */
    TYPE_VECTOR_MAX = 1 << 20, /* most elements of a VECTOR */
};

enum type_kind {
    TYPE_NULL = 0,
    TYPE_BOOL,
    TYPE_INT8, /* the integers and floats stand in widening order */
    TYPE_INT16,
    TYPE_INT32,
    TYPE_INT64,
    TYPE_UINT8,
    TYPE_UINT16,
    TYPE_UINT32,
    TYPE_UINT64,
    TYPE_FLOAT32,
    TYPE_FLOAT64,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_INTERVAL,
    TYPE_DECIMAL,
    TYPE_VARCHAR,
    TYPE_NVARCHAR,
    TYPE_VARBINARY,
    TYPE_VARIANT,
    TYPE_VECTOR,
    TYPE_IPV4,
};

enum type_unit { TYPE_UNIT_US = 0, TYPE_UNIT_S, TYPE_UNIT_MS, TYPE_UNIT_NS, TYPE_UNIT_D };

struct type {
    enum type_kind kind;
    enum type_unit unit; /* of a TIMESTAMP */
    int16_t precision;   /* of a DECIMAL */
    int16_t scale;
    int32_t length; /* of a VECTOR */
    uint8_t arrays; /* ARRAY<> around it */
};

/* The canonical word, such as "ARRAY<DECIMAL(10, 2)>". */
void type_print(const struct type *type, char out[TYPE_TEXT_MAX]);

/* Reads a canonical word or one of Opteryx's aliases (BIGINT, DOUBLE, TEXT, ...), in any case; a
 * bare TIMESTAMP is TIMESTAMP[us].  false for anything else. */
bool type_parse(const char *text, struct type *out);

bool type_equal(const struct type *a, const struct type *b);

/* Whether values are text: VARCHAR or NVARCHAR. */
bool type_is_text(const struct type *type);

/* The narrowest type that takes the values of both: equal types are themselves, NULL gives way,
 * integers grow, integers and floats become FLOAT64 (FLOAT32 when both fit it), VARCHAR becomes
 * NVARCHAR.  false when there is none. */
bool type_widen(const struct type *a, const struct type *b, struct type *out);

#endif
