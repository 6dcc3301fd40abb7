/*
 * parquet_type.h - what one element of a Parquet schema is in Opteryx's types.
 */
#ifndef TABULAR_PARQUET_TYPE_H
#define TABULAR_PARQUET_TYPE_H

#include "tabular/type.h"

#include <stdbool.h>
#include <stdint.h>

/* parquet.thrift: Type */
enum parquet_physical {
    PARQUET_BOOLEAN = 0,
    PARQUET_INT32,
    PARQUET_INT64,
    PARQUET_INT96,
    PARQUET_FLOAT,
    PARQUET_DOUBLE,
    PARQUET_BYTE_ARRAY,
    PARQUET_FIXED_LEN_BYTE_ARRAY,
    PARQUET_GROUP = -1,
};

/* parquet.thrift: FieldRepetitionType */
enum parquet_repetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL, PARQUET_REPEATED };

/* parquet.thrift: ConvertedType */
enum parquet_converted {
    PARQUET_CONVERTED_NONE = -1,
    PARQUET_CONVERTED_UTF8 = 0,
    PARQUET_CONVERTED_MAP,
    PARQUET_CONVERTED_MAP_KEY_VALUE,
    PARQUET_CONVERTED_LIST,
    PARQUET_CONVERTED_ENUM,
    PARQUET_CONVERTED_DECIMAL,
    PARQUET_CONVERTED_DATE,
    PARQUET_CONVERTED_TIME_MILLIS,
    PARQUET_CONVERTED_TIME_MICROS,
    PARQUET_CONVERTED_TIMESTAMP_MILLIS,
    PARQUET_CONVERTED_TIMESTAMP_MICROS,
    PARQUET_CONVERTED_UINT_8,
    PARQUET_CONVERTED_UINT_16,
    PARQUET_CONVERTED_UINT_32,
    PARQUET_CONVERTED_UINT_64,
    PARQUET_CONVERTED_INT_8,
    PARQUET_CONVERTED_INT_16,
    PARQUET_CONVERTED_INT_32,
    PARQUET_CONVERTED_INT_64,
    PARQUET_CONVERTED_JSON,
    PARQUET_CONVERTED_BSON,
    PARQUET_CONVERTED_INTERVAL,
    /* Columns of nothing but nulls before LogicalType had UNKNOWN: early Parquet C++ wrote the
     * first number, other drafts of the format the second (PARQUET-1990). */
    PARQUET_CONVERTED_NA = 24,
    PARQUET_CONVERTED_NULL = 25,
};

/* parquet.thrift: LogicalType; the number of the union's member */
enum parquet_logical {
    PARQUET_LOGICAL_NONE = 0,
    PARQUET_LOGICAL_STRING,
    PARQUET_LOGICAL_MAP,
    PARQUET_LOGICAL_LIST,
    PARQUET_LOGICAL_ENUM,
    PARQUET_LOGICAL_DECIMAL,
    PARQUET_LOGICAL_DATE,
    PARQUET_LOGICAL_TIME,
    PARQUET_LOGICAL_TIMESTAMP,
    PARQUET_LOGICAL_INTERVAL, /* reserved there; of ConvertedType */
    PARQUET_LOGICAL_INTEGER,
    PARQUET_LOGICAL_UNKNOWN,
    PARQUET_LOGICAL_JSON,
    PARQUET_LOGICAL_BSON,
    PARQUET_LOGICAL_UUID,
    PARQUET_LOGICAL_FLOAT16,
    PARQUET_LOGICAL_VARIANT,
    PARQUET_LOGICAL_GEOMETRY,
    PARQUET_LOGICAL_GEOGRAPHY,
};

/* The unit of a TIME or TIMESTAMP: the number of the member of the union TimeUnit. */
enum parquet_unit {
    PARQUET_UNIT_NONE = 0,
    PARQUET_UNIT_MILLIS,
    PARQUET_UNIT_MICROS,
    PARQUET_UNIT_NANOS
};

struct parquet_element {
    enum parquet_physical physical; /* PARQUET_GROUP: none was given, or it has children */
    enum parquet_repetition repetition;
    int64_t length; /* bytes of a FIXED_LEN_BYTE_ARRAY */
    int64_t children;
    int64_t converted; /* enum parquet_converted, or a number that is not known */
    int64_t logical;   /* enum parquet_logical, or a number that is not known */
    int64_t precision;
    int64_t scale;
    int64_t unit;  /* enum parquet_unit */
    int64_t width; /* of a logical integer, bits */
    bool is_signed;
};

enum {
    PARQUET_WORDS_MAX = 64
}; /* bytes of an annotation's or a physical type's words, with the NUL */

/* A converted type becomes the logical one of the same meaning, when there is no logical type. */
void parquet_type_settle(struct parquet_element *element);

/* Whether what is annotated can be held by the physical type, or is a group (parquet-format,
 * LogicalTypes.md); an annotation that is not known always fits.  The element is settled. */
bool parquet_type_fits(const struct parquet_element *element);

/* What a refusal calls the annotation and what bears it: "DECIMAL(20, 2)", "INT32", "group". */
void parquet_type_words(const struct parquet_element *element, char annotation[PARQUET_WORDS_MAX],
                        char bearer[PARQUET_WORDS_MAX]);

/* The type of a settled element that has no children. */
struct type parquet_type_leaf(const struct parquet_element *element);

#endif
