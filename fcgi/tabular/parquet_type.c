#include "tabular/parquet_type.h"

static struct type physical_type(const struct parquet_element *element)
{
    static const enum type_kind kinds[] = {
        [PARQUET_BOOLEAN] = TYPE_BOOL,         [PARQUET_INT32] = TYPE_INT32,
        [PARQUET_INT64] = TYPE_INT64,          [PARQUET_INT96] = TYPE_TIMESTAMP,
        [PARQUET_FLOAT] = TYPE_FLOAT32,        [PARQUET_DOUBLE] = TYPE_FLOAT64,
        [PARQUET_BYTE_ARRAY] = TYPE_VARBINARY, [PARQUET_FIXED_LEN_BYTE_ARRAY] = TYPE_VARBINARY,
    };
    struct type type = { .kind = TYPE_NVARCHAR }; /* a group */
    if (element->physical != PARQUET_NO_TYPE)
        type.kind = kinds[element->physical];
    if (element->physical == PARQUET_INT96) /* the old form of a timestamp */
        type.unit = TYPE_UNIT_NS;
    return type;
}

static struct type decimal_type(const struct parquet_element *element)
{
    struct type type = { .kind = TYPE_DECIMAL };
    if (element->precision < 1 || element->precision > TYPE_DECIMAL_DIGITS || element->scale < 0 ||
        element->scale > element->precision)
        return physical_type(element); /* more digits than Opteryx has; its bytes stay */
    type.precision = (int16_t)element->precision;
    type.scale = (int16_t)element->scale;
    return type;
}

static struct type timestamp_type(int64_t unit)
{
    enum { MILLIS = 1, NANOS = 3 };
    struct type type = { .kind = TYPE_TIMESTAMP, .unit = TYPE_UNIT_US };
    if (unit == MILLIS)
        type.unit = TYPE_UNIT_MS;
    else if (unit == NANOS)
        type.unit = TYPE_UNIT_NS;
    return type;
}

static struct type integer_type(const struct parquet_element *element)
{
    enum { BITS_8 = 8, BITS_16 = 16, BITS_32 = 32 };
    int step = 3;
    if (element->width == BITS_8)
        step = 0;
    else if (element->width == BITS_16)
        step = 1;
    else if (element->width == BITS_32)
        step = 2;
    const int first = element->is_signed ? (int)TYPE_INT8 : (int)TYPE_UINT8;
    return (struct type){ .kind = (enum type_kind)(first + step) };
}

static struct type simple(enum type_kind kind)
{
    return (struct type){ .kind = kind };
}

static struct type converted_type(const struct parquet_element *element)
{
    enum { MILLIS = 1, MICROS = 2 };
    const int64_t converted = element->converted;
    if (converted == PARQUET_CONVERTED_UTF8 || converted == PARQUET_CONVERTED_ENUM)
        return simple(TYPE_VARCHAR);
    if (converted == PARQUET_CONVERTED_JSON)
        return simple(TYPE_NVARCHAR);
    if (converted == PARQUET_CONVERTED_DECIMAL)
        return decimal_type(element);
    if (converted == PARQUET_CONVERTED_DATE)
        return simple(TYPE_DATE);
    if (converted == PARQUET_CONVERTED_TIME_MILLIS || converted == PARQUET_CONVERTED_TIME_MICROS)
        return simple(TYPE_TIME);
    if (converted == PARQUET_CONVERTED_TIMESTAMP_MILLIS)
        return timestamp_type(MILLIS);
    if (converted == PARQUET_CONVERTED_TIMESTAMP_MICROS)
        return timestamp_type(MICROS);
    if (converted == PARQUET_CONVERTED_INTERVAL)
        return simple(TYPE_INTERVAL);
    if (converted >= PARQUET_CONVERTED_UINT_8 && converted <= PARQUET_CONVERTED_UINT_64)
        return simple(
            (enum type_kind)((int)TYPE_UINT8 + (int)(converted - PARQUET_CONVERTED_UINT_8)));
    if (converted >= PARQUET_CONVERTED_INT_8 && converted <= PARQUET_CONVERTED_INT_64)
        return simple(
            (enum type_kind)((int)TYPE_INT8 + (int)(converted - PARQUET_CONVERTED_INT_8)));
    return physical_type(element);
}

struct type parquet_type_leaf(const struct parquet_element *element)
{
    switch (element->logical) {
    case PARQUET_LOGICAL_STRING:
    case PARQUET_LOGICAL_ENUM:
        return simple(TYPE_VARCHAR);
    case PARQUET_LOGICAL_JSON:
        return simple(TYPE_NVARCHAR);
    case PARQUET_LOGICAL_DECIMAL:
        return decimal_type(element);
    case PARQUET_LOGICAL_DATE:
        return simple(TYPE_DATE);
    case PARQUET_LOGICAL_TIME:
        return simple(TYPE_TIME);
    case PARQUET_LOGICAL_TIMESTAMP:
        return timestamp_type(element->unit);
    case PARQUET_LOGICAL_INTEGER:
        return integer_type(element);
    case PARQUET_LOGICAL_UNKNOWN:
        return simple(TYPE_NULL);
    case PARQUET_LOGICAL_FLOAT16: /* the next wider type that Opteryx has */
        return simple(TYPE_FLOAT32);
    case PARQUET_LOGICAL_NONE:
        return converted_type(element);
    default: /* UUID, BSON and what later versions add: bytes */
        return physical_type(element);
    }
}

bool parquet_type_is_list(const struct parquet_element *element)
{
    return element->logical == PARQUET_LOGICAL_LIST ||
           (element->logical == PARQUET_LOGICAL_NONE &&
            element->converted == PARQUET_CONVERTED_LIST);
}

bool parquet_type_is_variant(const struct parquet_element *element)
{
    return element->logical == PARQUET_LOGICAL_VARIANT;
}
