/*
 * parquet_type.h - what one element of a Parquet schema is in Opteryx's types.
 */
#ifndef TABULAR_PARQUET_TYPE_H
#define TABULAR_PARQUET_TYPE_H

#include "base/limits.h"
#include "tabular/type.h"

#include <stdbool.h>
#include <stddef.h>
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
    PARQUET_NO_TYPE = -1, /* a group */
};

/* parquet.thrift: FieldRepetitionType */
enum parquet_repetition { PARQUET_REQUIRED = 0, PARQUET_OPTIONAL, PARQUET_REPEATED };

/* parquet.thrift: ConvertedType, as far as it is looked at */
enum parquet_converted {
    PARQUET_CONVERTED_NONE = -1,
    PARQUET_CONVERTED_UTF8 = 0,
    PARQUET_CONVERTED_MAP = 1,
    PARQUET_CONVERTED_LIST = 3,
    PARQUET_CONVERTED_ENUM = 4,
    PARQUET_CONVERTED_DECIMAL = 5,
    PARQUET_CONVERTED_DATE = 6,
    PARQUET_CONVERTED_TIME_MILLIS = 7,
    PARQUET_CONVERTED_TIME_MICROS = 8,
    PARQUET_CONVERTED_TIMESTAMP_MILLIS = 9,
    PARQUET_CONVERTED_TIMESTAMP_MICROS = 10,
    PARQUET_CONVERTED_UINT_8 = 11,
    PARQUET_CONVERTED_UINT_64 = 14,
    PARQUET_CONVERTED_INT_8 = 15,
    PARQUET_CONVERTED_INT_64 = 18,
    PARQUET_CONVERTED_JSON = 19,
    PARQUET_CONVERTED_INTERVAL = 21,
};

/* parquet.thrift: LogicalType; the number of the union's member */
enum parquet_logical {
    PARQUET_LOGICAL_NONE = 0,
    PARQUET_LOGICAL_STRING = 1,
    PARQUET_LOGICAL_MAP = 2,
    PARQUET_LOGICAL_LIST = 3,
    PARQUET_LOGICAL_ENUM = 4,
    PARQUET_LOGICAL_DECIMAL = 5,
    PARQUET_LOGICAL_DATE = 6,
    PARQUET_LOGICAL_TIME = 7,
    PARQUET_LOGICAL_TIMESTAMP = 8,
    PARQUET_LOGICAL_INTEGER = 10,
    PARQUET_LOGICAL_UNKNOWN = 11,
    PARQUET_LOGICAL_JSON = 12,
    PARQUET_LOGICAL_FLOAT16 = 15,
    PARQUET_LOGICAL_VARIANT = 16,
};

struct parquet_element {
    enum parquet_physical physical;
    enum parquet_repetition repetition;
    int64_t children;
    int64_t converted; /* enum parquet_converted, or one that is not looked at */
    int64_t logical;   /* enum parquet_logical, or one that is not looked at */
    int64_t precision;
    int64_t scale;
    int64_t unit;  /* of a logical time: 1 ms, 2 us, 3 ns */
    int64_t width; /* of a logical integer, bits */
    bool is_signed;
    size_t name_len;
    char name[OPTERYX_COLUMN_NAME_MAX + 1];
};

/* The type of an element that has no children. */
struct type parquet_type_leaf(const struct parquet_element *element);

/* Whether a group is annotated as a LIST. */
bool parquet_type_is_list(const struct parquet_element *element);

/* Whether a group is a VARIANT. */
bool parquet_type_is_variant(const struct parquet_element *element);

#endif
