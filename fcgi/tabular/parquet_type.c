#include "tabular/parquet_type.h"

#include <stdio.h>
#include <string.h>

enum {
    BITS_8 = 8,
    BITS_16 = 16,
    BITS_32 = 32,
    BITS_64 = 64,
    UUID_BYTES = 16,
    FLOAT16_BYTES = 2,
    INTERVAL_BYTES = 12,
};

/* ---- converted types ---- */

static const struct {
    enum parquet_converted converted;
    enum parquet_logical logical;
    enum parquet_unit unit;
} meanings[] = {
    { PARQUET_CONVERTED_UTF8, PARQUET_LOGICAL_STRING, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_MAP, PARQUET_LOGICAL_MAP, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_MAP_KEY_VALUE, PARQUET_LOGICAL_MAP, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_LIST, PARQUET_LOGICAL_LIST, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_ENUM, PARQUET_LOGICAL_ENUM, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_DECIMAL, PARQUET_LOGICAL_DECIMAL, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_DATE, PARQUET_LOGICAL_DATE, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_TIME_MILLIS, PARQUET_LOGICAL_TIME, PARQUET_UNIT_MILLIS },
    { PARQUET_CONVERTED_TIME_MICROS, PARQUET_LOGICAL_TIME, PARQUET_UNIT_MICROS },
    { PARQUET_CONVERTED_TIMESTAMP_MILLIS, PARQUET_LOGICAL_TIMESTAMP, PARQUET_UNIT_MILLIS },
    { PARQUET_CONVERTED_TIMESTAMP_MICROS, PARQUET_LOGICAL_TIMESTAMP, PARQUET_UNIT_MICROS },
    { PARQUET_CONVERTED_JSON, PARQUET_LOGICAL_JSON, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_BSON, PARQUET_LOGICAL_BSON, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_INTERVAL, PARQUET_LOGICAL_INTERVAL, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_NA, PARQUET_LOGICAL_UNKNOWN, PARQUET_UNIT_NONE },
    { PARQUET_CONVERTED_NULL, PARQUET_LOGICAL_UNKNOWN, PARQUET_UNIT_NONE },
};

void parquet_type_settle(struct parquet_element *element)
{
    const int64_t converted = element->converted;
    if (element->logical != PARQUET_LOGICAL_NONE)
        return;
    if (converted >= PARQUET_CONVERTED_UINT_8 && converted <= PARQUET_CONVERTED_INT_64) {
        element->is_signed = converted >= PARQUET_CONVERTED_INT_8;
        const int64_t first =
            element->is_signed ? PARQUET_CONVERTED_INT_8 : PARQUET_CONVERTED_UINT_8;
        element->logical = PARQUET_LOGICAL_INTEGER;
        element->width = INT64_C(8) << (converted - first);
    }
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (converted == meanings[i].converted) {
            element->logical = meanings[i].logical;
            element->unit = meanings[i].unit;
        }
    }
}

/* ---- what holds what ---- */

/* Decimal digits that always fit bits, of which one is the sign. */
static int64_t digits_of(int64_t bits)
{
    enum { LOG10_2 = 30103, LOG10_2_ONE = 100000 }; /* a little more than it is */
    return (bits - 1) * LOG10_2 / LOG10_2_ONE;
}

static bool decimal_fits(const struct parquet_element *element)
{
    enum { LENGTH_SEEN = 4096 }; /* bytes; longer ones hold more digits than anybody asks for */
    const int64_t precision = element->precision;
    if (precision < 1 || element->scale < 0 || element->scale > precision)
        return false;
    if (element->physical == PARQUET_INT32)
        return precision <= digits_of(BITS_32);
    if (element->physical == PARQUET_INT64)
        return precision <= digits_of(BITS_64);
    if (element->physical == PARQUET_FIXED_LEN_BYTE_ARRAY)
        return element->length > LENGTH_SEEN || precision <= digits_of(BITS_8 * element->length);
    return element->physical == PARQUET_BYTE_ARRAY;
}

static bool time_fits(const struct parquet_element *element)
{
    if (element->unit == PARQUET_UNIT_MILLIS)
        return element->physical == PARQUET_INT32;
    return element->physical == PARQUET_INT64;
}

static bool integer_fits(const struct parquet_element *element)
{
    if (element->width == BITS_64)
        return element->physical == PARQUET_INT64;
    return element->physical == PARQUET_INT32 &&
           (element->width == BITS_8 || element->width == BITS_16 || element->width == BITS_32);
}

static bool is_fixed(const struct parquet_element *element, int64_t length)
{
    return element->physical == PARQUET_FIXED_LEN_BYTE_ARRAY && element->length == length;
}

bool parquet_type_fits(const struct parquet_element *element)
{
    switch (element->logical) {
    case PARQUET_LOGICAL_STRING:
    case PARQUET_LOGICAL_ENUM:
    case PARQUET_LOGICAL_JSON:
    case PARQUET_LOGICAL_BSON:
    case PARQUET_LOGICAL_GEOMETRY:
    case PARQUET_LOGICAL_GEOGRAPHY:
        return element->physical == PARQUET_BYTE_ARRAY;
    case PARQUET_LOGICAL_MAP:
    case PARQUET_LOGICAL_LIST:
    case PARQUET_LOGICAL_VARIANT:
        return element->physical == PARQUET_GROUP;
    case PARQUET_LOGICAL_DECIMAL:
        return decimal_fits(element);
    case PARQUET_LOGICAL_DATE:
        return element->physical == PARQUET_INT32;
    case PARQUET_LOGICAL_TIME:
        return time_fits(element);
    case PARQUET_LOGICAL_TIMESTAMP:
        return element->physical == PARQUET_INT64;
    case PARQUET_LOGICAL_INTERVAL:
        return is_fixed(element, INTERVAL_BYTES);
    case PARQUET_LOGICAL_INTEGER:
        return integer_fits(element);
    case PARQUET_LOGICAL_UUID:
        return is_fixed(element, UUID_BYTES);
    case PARQUET_LOGICAL_FLOAT16:
        return is_fixed(element, FLOAT16_BYTES);
    default: /* none, UNKNOWN, and what later versions add */
        return true;
    }
}

static const char *annotation_word(int64_t logical)
{
    static const char *const annotations[] = {
        [PARQUET_LOGICAL_NONE] = "none",
        [PARQUET_LOGICAL_STRING] = "STRING",
        [PARQUET_LOGICAL_MAP] = "MAP",
        [PARQUET_LOGICAL_LIST] = "LIST",
        [PARQUET_LOGICAL_ENUM] = "ENUM",
        [PARQUET_LOGICAL_DECIMAL] = "DECIMAL",
        [PARQUET_LOGICAL_DATE] = "DATE",
        [PARQUET_LOGICAL_TIME] = "TIME",
        [PARQUET_LOGICAL_TIMESTAMP] = "TIMESTAMP",
        [PARQUET_LOGICAL_INTERVAL] = "INTERVAL",
        [PARQUET_LOGICAL_INTEGER] = "INTEGER",
        [PARQUET_LOGICAL_UNKNOWN] = "UNKNOWN",
        [PARQUET_LOGICAL_JSON] = "JSON",
        [PARQUET_LOGICAL_BSON] = "BSON",
        [PARQUET_LOGICAL_UUID] = "UUID",
        [PARQUET_LOGICAL_FLOAT16] = "FLOAT16",
        [PARQUET_LOGICAL_VARIANT] = "VARIANT",
        [PARQUET_LOGICAL_GEOMETRY] = "GEOMETRY",
        [PARQUET_LOGICAL_GEOGRAPHY] = "GEOGRAPHY",
    };
    const bool known = logical >= 0 && logical <= PARQUET_LOGICAL_GEOGRAPHY;
    return known ? annotations[logical] : "unknown";
}

static const char *physical_word(enum parquet_physical physical)
{
    static const char *const physicals[] = {
        [PARQUET_BOOLEAN] = "BOOLEAN",
        [PARQUET_INT32] = "INT32",
        [PARQUET_INT64] = "INT64",
        [PARQUET_INT96] = "INT96",
        [PARQUET_FLOAT] = "FLOAT",
        [PARQUET_DOUBLE] = "DOUBLE",
        [PARQUET_BYTE_ARRAY] = "BYTE_ARRAY",
        [PARQUET_FIXED_LEN_BYTE_ARRAY] = "FIXED_LEN_BYTE_ARRAY",
    };
    return physical == PARQUET_GROUP ? "group" : physicals[physical];
}

void parquet_type_words(const struct parquet_element *element, char annotation[PARQUET_WORDS_MAX],
                        char bearer[PARQUET_WORDS_MAX])
{
    static const char *const units[] = { "", "(MILLIS)", "(MICROS)", "(NANOS)" };
    const char *word = annotation_word(element->logical);
    const bool timed = element->logical == PARQUET_LOGICAL_TIME && element->unit > 0 &&
                       element->unit <= PARQUET_UNIT_NANOS;
    if (element->logical == PARQUET_LOGICAL_DECIMAL) {
        (void)snprintf(annotation, PARQUET_WORDS_MAX, "%s(%lld, %lld)", word,
                       (long long)element->precision, (long long)element->scale);
    } else if (element->logical == PARQUET_LOGICAL_INTEGER) {
        (void)snprintf(annotation, PARQUET_WORDS_MAX, "%s(%lld, %s)", word,
                       (long long)element->width, element->is_signed ? "signed" : "unsigned");
    } else {
        (void)snprintf(annotation, PARQUET_WORDS_MAX, "%s%s", word,
                       units[timed ? element->unit : 0]);
    }
    word = physical_word(element->physical);
    if (element->physical == PARQUET_FIXED_LEN_BYTE_ARRAY)
        (void)snprintf(bearer, PARQUET_WORDS_MAX, "%s(%lld)", word, (long long)element->length);
    else
        (void)snprintf(bearer, PARQUET_WORDS_MAX, "%s", word);
}

/* ---- types ---- */

static struct type simple(enum type_kind kind)
{
    return (struct type){ .kind = kind };
}

static struct type physical_type(const struct parquet_element *element)
{
    static const enum type_kind kinds[] = {
        [PARQUET_BOOLEAN] = TYPE_BOOL,         [PARQUET_INT32] = TYPE_INT32,
        [PARQUET_INT64] = TYPE_INT64,          [PARQUET_INT96] = TYPE_TIMESTAMP,
        [PARQUET_FLOAT] = TYPE_FLOAT32,        [PARQUET_DOUBLE] = TYPE_FLOAT64,
        [PARQUET_BYTE_ARRAY] = TYPE_VARBINARY, [PARQUET_FIXED_LEN_BYTE_ARRAY] = TYPE_VARBINARY,
    };
    struct type type = { .kind = TYPE_NVARCHAR }; /* a group */
    if (element->physical != PARQUET_GROUP)
        type.kind = kinds[element->physical];
    if (element->physical == PARQUET_INT96) /* the old form of a timestamp */
        type.unit = TYPE_UNIT_NS;
    return type;
}

static struct type decimal_type(const struct parquet_element *element)
{
    struct type type = { .kind = TYPE_DECIMAL };
    if (element->precision > TYPE_DECIMAL_DIGITS)
        return physical_type(element); /* more digits than Opteryx has; its bytes stay */
    type.precision = (int16_t)element->precision;
    type.scale = (int16_t)element->scale;
    return type;
}

static struct type timestamp_type(int64_t unit)
{
    struct type type = { .kind = TYPE_TIMESTAMP, .unit = TYPE_UNIT_US };
    if (unit == PARQUET_UNIT_MILLIS)
        type.unit = TYPE_UNIT_MS;
    else if (unit == PARQUET_UNIT_NANOS)
        type.unit = TYPE_UNIT_NS;
    return type;
}

static struct type integer_type(const struct parquet_element *element)
{
    int step = 3;
    if (element->width == BITS_8)
        step = 0;
    else if (element->width == BITS_16)
        step = 1;
    else if (element->width == BITS_32)
        step = 2;
    const int first = element->is_signed ? (int)TYPE_INT8 : (int)TYPE_UINT8;
    return simple((enum type_kind)(first + step));
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
    case PARQUET_LOGICAL_INTERVAL:
        return simple(TYPE_INTERVAL);
    case PARQUET_LOGICAL_INTEGER:
        return integer_type(element);
    case PARQUET_LOGICAL_UNKNOWN:
        return simple(TYPE_NULL);
    case PARQUET_LOGICAL_FLOAT16: /* the next wider type that Opteryx has */
        return simple(TYPE_FLOAT32);
    default: /* none, UUID, BSON, places on the earth and what later versions add: bytes */
        return physical_type(element);
    }
}
