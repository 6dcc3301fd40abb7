#include "tabular/parquet_physical.h"

#include "tabular/thrift_write.h"

#include <string.h>

enum {
    INT32_DIGITS = 9, /* of a DECIMAL that an INT32 holds */
    INT64_DIGITS = 18,
    BYTE_BITS = 8,
    MS_A_SECOND = 1000,
    MS_A_DAY = 24 * 3600 * 1000,
};

/* How the values of a scalar stand in a file. */
struct form {
    int physical;
    int converted; /* ConvertedType, which readers from before 2018 know.  Those of times mean
                         times in UTC, and ours are of no zone. */
    int logical;
    int8_t bits; /* of an integer */
    bool is_signed;
    enum cell_kind cell; /* what values come as */
};

#define INTEGER(physical, name, width, is_signed, cell)                                            \
    {                                                                                              \
        physical, PARQUET_CONVERTED_##name, PARQUET_LOGICAL_INTEGER, width, is_signed, cell        \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        PARQUET_BYTE_ARRAY, PARQUET_CONVERTED_UTF8, PARQUET_LOGICAL_STRING, 0, false, CELL_BYTES   \
    }
#define OTHER(physical, converted, logical, cell)                                                  \
    {                                                                                              \
        physical, converted, logical, 0, false, cell                                               \
    }

enum { NO_CONVERTED = PARQUET_CONVERTED_NONE, NO_LOGICAL = PARQUET_LOGICAL_NONE };

static const struct form forms[] = {
    [TYPE_NULL] = OTHER(PARQUET_INT32, NO_CONVERTED, PARQUET_LOGICAL_UNKNOWN, CELL_NULL),
    [TYPE_BOOL] = OTHER(PARQUET_BOOLEAN, NO_CONVERTED, NO_LOGICAL, CELL_INTEGER),
    [TYPE_INT8] = INTEGER(PARQUET_INT32, INT_8, 8, true, CELL_INTEGER),
    [TYPE_INT16] = INTEGER(PARQUET_INT32, INT_16, 16, true, CELL_INTEGER),
    [TYPE_INT32] = INTEGER(PARQUET_INT32, INT_32, 32, true, CELL_INTEGER),
    [TYPE_INT64] = INTEGER(PARQUET_INT64, INT_64, 64, true, CELL_INTEGER),
    [TYPE_UINT8] = INTEGER(PARQUET_INT32, UINT_8, 8, false, CELL_NATURAL),
    [TYPE_UINT16] = INTEGER(PARQUET_INT32, UINT_16, 16, false, CELL_NATURAL),
    [TYPE_UINT32] = INTEGER(PARQUET_INT32, UINT_32, 32, false, CELL_NATURAL),
    [TYPE_UINT64] = INTEGER(PARQUET_INT64, UINT_64, 64, false, CELL_NATURAL),
    [TYPE_FLOAT32] = OTHER(PARQUET_FLOAT, NO_CONVERTED, NO_LOGICAL, CELL_REAL),
    [TYPE_FLOAT64] = OTHER(PARQUET_DOUBLE, NO_CONVERTED, NO_LOGICAL, CELL_REAL),
    [TYPE_DATE] = OTHER(PARQUET_INT32, PARQUET_CONVERTED_DATE, PARQUET_LOGICAL_DATE, CELL_INTEGER),
    [TYPE_TIME] = OTHER(PARQUET_INT64, NO_CONVERTED, PARQUET_LOGICAL_TIME, CELL_INTEGER),
    [TYPE_TIMESTAMP] = OTHER(PARQUET_INT64, NO_CONVERTED, PARQUET_LOGICAL_TIMESTAMP, CELL_INTEGER),
    [TYPE_INTERVAL] = OTHER(PARQUET_PHYSICAL_NONE, NO_CONVERTED, NO_LOGICAL, CELL_NULL),
    [TYPE_DECIMAL] = OTHER(PARQUET_FIXED_LEN_BYTE_ARRAY, PARQUET_CONVERTED_DECIMAL,
                           PARQUET_LOGICAL_DECIMAL, CELL_DECIMAL), /* or an integer: few digits */
    [TYPE_VARCHAR] = TEXT,
    [TYPE_NVARCHAR] = TEXT,
    [TYPE_VARBINARY] = OTHER(PARQUET_BYTE_ARRAY, NO_CONVERTED, NO_LOGICAL, CELL_BYTES),
    [TYPE_VARIANT] = TEXT,
    [TYPE_VECTOR] = OTHER(PARQUET_PHYSICAL_NONE, NO_CONVERTED, NO_LOGICAL, CELL_NULL),
    [TYPE_IPV4] = INTEGER(PARQUET_INT32, UINT_32, 32, false, CELL_NATURAL),
};

int parquet_physical_of(const struct type *type)
{
    if (type->arrays > 0)
        return PARQUET_PHYSICAL_NONE;
    if (type->kind == TYPE_DECIMAL && type->precision <= INT32_DIGITS)
        return PARQUET_INT32;
    if (type->kind == TYPE_DECIMAL && type->precision <= INT64_DIGITS)
        return PARQUET_INT64;
    return forms[type->kind].physical;
}

enum cell_kind parquet_physical_cell(const struct type *type)
{
    return forms[type->kind].cell;
}

/* ---- the schema ---- */

/* The fields of parquet.thrift's SchemaElement and LogicalType. */
enum {
    ELEMENT_TYPE = 1,
    ELEMENT_LENGTH = 2,
    ELEMENT_REPETITION = 3,
    ELEMENT_NAME = 4,
    ELEMENT_CONVERTED = 6,
    ELEMENT_SCALE = 7,
    ELEMENT_PRECISION = 8,
    ELEMENT_LOGICAL = 10,
};

static int unit_of(const struct type *type)
{
    if (type->kind == TYPE_TIME || type->unit == TYPE_UNIT_US)
        return PARQUET_UNIT_MICROS;
    return type->unit == TYPE_UNIT_NS ? PARQUET_UNIT_NANOS : PARQUET_UNIT_MILLIS;
}

/* The members of a LogicalType's member. */
static void logical_members(const struct type *type, struct text *out)
{
    enum {
        DECIMAL_SCALE = 1,
        DECIMAL_PRECISION = 2,
        TIME_UTC = 1,
        TIME_UNIT = 2,
        INT_BITS = 1,
        INT_SIGNED = 2
    };
    const struct form *form = &forms[type->kind];
    int16_t id = 0;
    if (type->kind == TYPE_DECIMAL) {
        thrift_write_i32(out, &id, DECIMAL_SCALE, type->scale);
        thrift_write_i32(out, &id, DECIMAL_PRECISION, type->precision);
    } else if (type->kind == TYPE_TIME || type->kind == TYPE_TIMESTAMP) {
        int16_t unit = 0;
        thrift_write_bool(out, &id, TIME_UTC, false);
        thrift_write_field(out, &id, TIME_UNIT, THRIFT_STRUCT);
        thrift_write_field(out, &unit, (int16_t)unit_of(type), THRIFT_STRUCT);
        thrift_write_stop(out); /* the unit itself is an empty struct */
        thrift_write_stop(out);
    } else if (form->bits > 0) {
        thrift_write_byte(out, &id, INT_BITS, form->bits);
        thrift_write_bool(out, &id, INT_SIGNED, form->is_signed);
    }
    thrift_write_stop(out);
}

void parquet_physical_schema(const struct column *column, struct text *out)
{
    const struct type *type = &column->type;
    const int physical = parquet_physical_of(type);
    const int converted = forms[type->kind].converted;
    const int logical = forms[type->kind].logical;
    int16_t id = 0;
    thrift_write_i32(out, &id, ELEMENT_TYPE, physical);
    if (physical == PARQUET_FIXED_LEN_BYTE_ARRAY)
        thrift_write_i32(out, &id, ELEMENT_LENGTH, PARQUET_PHYSICAL_DECIMAL_BYTES);
    thrift_write_i32(out, &id, ELEMENT_REPETITION,
                     column->nullable ? PARQUET_OPTIONAL : PARQUET_REQUIRED);
    thrift_write_binary(out, &id, ELEMENT_NAME, column->name, strlen(column->name));
    if (converted != PARQUET_CONVERTED_NONE)
        thrift_write_i32(out, &id, ELEMENT_CONVERTED, converted);
    if (type->kind == TYPE_DECIMAL) {
        thrift_write_i32(out, &id, ELEMENT_SCALE, type->scale);
        thrift_write_i32(out, &id, ELEMENT_PRECISION, type->precision);
    }
    if (logical != PARQUET_LOGICAL_NONE) {
        int16_t member = 0;
        thrift_write_field(out, &id, ELEMENT_LOGICAL, THRIFT_STRUCT);
        thrift_write_field(out, &member, (int16_t)logical, THRIFT_STRUCT);
        logical_members(type, out);
        thrift_write_stop(out);
    }
    thrift_write_stop(out);
}

/* ---- values ---- */

static void put_little(struct parquet_physical_value *out, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out->room[i] = (unsigned char)(value >> (i * BYTE_BITS));
    out->bytes = out->room;
    out->len = len;
}

static void put_real(struct parquet_physical_value *out, const struct type *type, double value)
{
    const float narrow = (float)value;
    uint32_t bits32 = 0;
    uint64_t bits64 = 0;
    memcpy(&bits32, &narrow, sizeof bits32);
    memcpy(&bits64, &value, sizeof bits64);
    if (type->kind == TYPE_FLOAT32)
        put_little(out, bits32, sizeof bits32);
    else
        put_little(out, bits64, sizeof bits64);
}

/* An INT32 or INT64 for few digits, two's complement from the highest byte for many. */
static void put_decimal(struct parquet_physical_value *out, const struct type *type,
                        cell_decimal value)
{
    if (type->precision <= INT32_DIGITS) {
        put_little(out, (uint64_t)value, sizeof(int32_t));
        return;
    }
    if (type->precision <= INT64_DIGITS) {
        put_little(out, (uint64_t)value, sizeof(int64_t));
        return;
    }
    for (size_t i = sizeof out->room; i > 0; i--) {
        out->room[i - 1] = (unsigned char)value;
        value >>= BYTE_BITS;
    }
    out->bytes = out->room;
    out->len = sizeof out->room;
}

/* The file's unit of a timestamp is the type's, or milliseconds for those that Parquet has not. */
static bool scaled(const struct type *type, int64_t value, int64_t *out)
{
    *out = value;
    if (type->kind != TYPE_TIMESTAMP)
        return true;
    if (type->unit == TYPE_UNIT_S)
        return !__builtin_mul_overflow(value, (int64_t)MS_A_SECOND, out);
    return type->unit != TYPE_UNIT_D || !__builtin_mul_overflow(value, (int64_t)MS_A_DAY, out);
}

static size_t width_of(int physical)
{
    if (physical == PARQUET_BOOLEAN)
        return 1;
    return physical == PARQUET_INT32 ? sizeof(int32_t) : sizeof(int64_t);
}

bool parquet_physical_value(const struct type *type, const struct cell *cell,
                            struct parquet_physical_value *out, bool *fits)
{
    int64_t integer = 0;
    *fits = true;
    if (cell->kind != forms[type->kind].cell)
        return false;
    switch (cell->kind) {
    case CELL_NULL:
        return false;
    case CELL_INTEGER:
        *fits = scaled(type, cell->as.integer, &integer);
        put_little(out, (uint64_t)integer, width_of(parquet_physical_of(type)));
        return true;
    case CELL_NATURAL:
        put_little(out, cell->as.natural, width_of(parquet_physical_of(type)));
        return true;
    case CELL_REAL:
        put_real(out, type, cell->as.real);
        return true;
    case CELL_DECIMAL:
        put_decimal(out, type, cell->as.decimal);
        return true;
    case CELL_BYTES:
        out->bytes = cell->as.bytes.data;
        out->len = cell->as.bytes.len;
        return true;
    }
    return false;
}

int parquet_physical_compare(const struct cell *a, const struct cell *b)
{
    switch (a->kind) {
    case CELL_INTEGER:
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    case CELL_NATURAL:
        return (a->as.natural > b->as.natural) - (a->as.natural < b->as.natural);
    case CELL_REAL:
        return (a->as.real > b->as.real) - (a->as.real < b->as.real);
    case CELL_DECIMAL:
        return (a->as.decimal > b->as.decimal) - (a->as.decimal < b->as.decimal);
    case CELL_BYTES: {
        const size_t both = a->as.bytes.len < b->as.bytes.len ? a->as.bytes.len : b->as.bytes.len;
        const int order = both ? memcmp(a->as.bytes.data, b->as.bytes.data, both) : 0;
        if (order != 0)
            return order;
        return (a->as.bytes.len > b->as.bytes.len) - (a->as.bytes.len < b->as.bytes.len);
    }
    case CELL_NULL:
        break;
    }
    return 0;
}
