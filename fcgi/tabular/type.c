#include "tabular/type.h"

#include "base/number.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static const char array_open[] = "ARRAY<";

static const struct {
    const char *word;
    enum type_kind kind;
} words[] = {
    /* the canonical word of each kind stands first */
    { "NULL", TYPE_NULL },         { "BOOL", TYPE_BOOL },           { "INT8", TYPE_INT8 },
    { "INT16", TYPE_INT16 },       { "INT32", TYPE_INT32 },         { "INT64", TYPE_INT64 },
    { "UINT8", TYPE_UINT8 },       { "UINT16", TYPE_UINT16 },       { "UINT32", TYPE_UINT32 },
    { "UINT64", TYPE_UINT64 },     { "FLOAT32", TYPE_FLOAT32 },     { "FLOAT64", TYPE_FLOAT64 },
    { "DATE", TYPE_DATE },         { "TIME", TYPE_TIME },           { "TIMESTAMP", TYPE_TIMESTAMP },
    { "INTERVAL", TYPE_INTERVAL }, { "DECIMAL", TYPE_DECIMAL },     { "VARCHAR", TYPE_VARCHAR },
    { "NVARCHAR", TYPE_NVARCHAR }, { "VARBINARY", TYPE_VARBINARY }, { "VARIANT", TYPE_VARIANT },
    { "VECTOR", TYPE_VECTOR },     { "IPV4", TYPE_IPV4 },           { "INTEGER", TYPE_INT64 },
    { "INT", TYPE_INT64 },         { "BIGINT", TYPE_INT64 },        { "SMALLINT", TYPE_INT16 },
    { "TINYINT", TYPE_INT8 },      { "DOUBLE", TYPE_FLOAT64 },      { "FLOAT", TYPE_FLOAT64 },
    { "REAL", TYPE_FLOAT32 },      { "STRING", TYPE_VARCHAR },      { "TEXT", TYPE_VARCHAR },
    { "BYTES", TYPE_VARBINARY },   { "BLOB", TYPE_VARBINARY },      { "STRUCT", TYPE_NVARCHAR },
    { "JSONB", TYPE_NVARCHAR },    { "BOOLEAN", TYPE_BOOL },
};

static const char *const units[] = {
    [TYPE_UNIT_US] = "us", [TYPE_UNIT_S] = "s", [TYPE_UNIT_MS] = "ms",
    [TYPE_UNIT_NS] = "ns", [TYPE_UNIT_D] = "d",
};

static const char *word_of(enum type_kind kind)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].kind == kind)
            return words[i].word;
    }
    return "VARIANT"; /* every kind is in the table */
}

void type_print(const struct type *type, char out[TYPE_TEXT_MAX])
{
    char *at = out;
    char *const end = out + TYPE_TEXT_MAX;
    for (unsigned i = 0; i < type->arrays && i < TYPE_ARRAYS_MAX; i++)
        at = stpcpy(at, array_open);
    at = stpcpy(at, word_of(type->kind));
    if (type->kind == TYPE_TIMESTAMP)
        at += snprintf(at, (size_t)(end - at), "[%s]", units[type->unit]);
    else if (type->kind == TYPE_DECIMAL)
        at += snprintf(at, (size_t)(end - at), "(%d, %d)", type->precision, type->scale);
    else if (type->kind == TYPE_VECTOR)
        at += snprintf(at, (size_t)(end - at), "(%d)", type->length);
    for (unsigned i = 0; i < type->arrays && i < TYPE_ARRAYS_MAX; i++)
        *at++ = '>';
    *at = '\0';
}

/* One number of "(p, s)" at *at, with the blanks around it. */
static bool number_at(const char **at, int64_t most, int64_t *out)
{
    *at += strspn(*at, " ");
    const size_t len = strspn(*at, "0123456789");
    if (!number_i64(*at, len, out) || *out > most)
        return false;
    *at += len;
    *at += strspn(*at, " ");
    return true;
}

static bool unit_parse(const char *text, struct type *type)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        char wanted[TYPE_TEXT_MAX];
        (void)snprintf(wanted, sizeof wanted, "[%s]", units[i]);
        if (text_same(text, wanted)) {
            type->unit = (enum type_unit)i;
            return true;
        }
    }
    return false;
}

/* What stands behind the word: "(10, 2)", "[ms]", "(128)" or nothing. */
static bool suffix_parse(const char *text, struct type *type)
{
    int64_t first = 0;
    int64_t second = 0;
    if (type->kind == TYPE_TIMESTAMP)
        return text[0] == '\0' || unit_parse(text, type);
    if (type->kind != TYPE_DECIMAL && type->kind != TYPE_VECTOR)
        return text[0] == '\0';
    if (*text++ != '(')
        return false;
    if (type->kind == TYPE_VECTOR) {
        type->length = 0;
        if (!number_at(&text, TYPE_VECTOR_MAX, &first) || first == 0)
            return false;
        type->length = (int32_t)first;
        return strcmp(text, ")") == 0;
    }
    if (!number_at(&text, TYPE_DECIMAL_DIGITS, &first) || first == 0 || *text++ != ',' ||
        !number_at(&text, first, &second))
        return false;
    type->precision = (int16_t)first;
    type->scale = (int16_t)second;
    return strcmp(text, ")") == 0;
}

static bool scalar_parse(const char *text, struct type *out)
{
    const size_t len = strcspn(text, "([");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char word[TYPE_TEXT_MAX];
        if (strlen(words[i].word) != len)
            continue;
        (void)snprintf(word, sizeof word, "%.*s", (int)len, text);
        if (!text_same(word, words[i].word))
            continue;
        out->kind = words[i].kind;
        return suffix_parse(text + len, out);
    }
    return false;
}

bool type_parse(const char *text, struct type *out)
{
    char scalar[TYPE_TEXT_MAX];
    struct type type = { .kind = TYPE_NULL };
    size_t len = strlen(text);
    if (len >= sizeof scalar)
        return false;
    while (len >= sizeof array_open && text[len - 1] == '>') {
        char word[sizeof array_open];
        (void)snprintf(word, sizeof word, "%s", text);
        if (!text_same(word, array_open) || type.arrays == TYPE_ARRAYS_MAX)
            return false;
        type.arrays++;
        text += sizeof array_open - 1;
        len -= sizeof array_open;
    }
    (void)snprintf(scalar, sizeof scalar, "%.*s", (int)len, text);
    if (!scalar_parse(scalar, &type))
        return false;
    *out = type;
    return true;
}

bool type_equal(const struct type *a, const struct type *b)
{
    return a->kind == b->kind && a->arrays == b->arrays &&
           (a->kind != TYPE_TIMESTAMP || a->unit == b->unit) &&
           (a->kind != TYPE_DECIMAL || (a->precision == b->precision && a->scale == b->scale)) &&
           (a->kind != TYPE_VECTOR || a->length == b->length);
}

bool type_is_text(const struct type *type)
{
    return type->arrays == 0 && (type->kind == TYPE_VARCHAR || type->kind == TYPE_NVARCHAR);
}

static bool is_signed(enum type_kind kind)
{
    return kind >= TYPE_INT8 && kind <= TYPE_INT64;
}

static bool is_unsigned(enum type_kind kind)
{
    return kind >= TYPE_UINT8 && kind <= TYPE_UINT64;
}

static bool is_float(enum type_kind kind)
{
    return kind == TYPE_FLOAT32 || kind == TYPE_FLOAT64;
}

/* Bytes of an integer, as a power of two. */
static int width(enum type_kind kind)
{
    return (int)kind - (int)(is_signed(kind) ? TYPE_INT8 : TYPE_UINT8);
}

/* The type of two different integers. */
static enum type_kind integer_of(enum type_kind a, enum type_kind b)
{
    if (is_signed(a) == is_signed(b))
        return a > b ? a : b;
    const int natural = width(is_signed(a) ? a : b);
    const int whole = width(is_signed(a) ? b : a) + 1; /* signed, it needs one step more */
    const int wider = natural > whole ? natural : whole;
    return wider > width(TYPE_INT64) ? TYPE_FLOAT64 : (enum type_kind)((int)TYPE_INT8 + wider);
}

/* The type of two different numbers; FLOAT32 holds every integer of 16 bits. */
static enum type_kind number_of(enum type_kind a, enum type_kind b)
{
    if (!is_float(a) && !is_float(b))
        return integer_of(a, b);
    const enum type_kind other = is_float(a) ? b : a;
    const enum type_kind real = is_float(a) ? a : b;
    const bool exact = !is_float(other) && width(other) <= width(TYPE_INT16);
    return real == TYPE_FLOAT32 && exact ? TYPE_FLOAT32 : TYPE_FLOAT64;
}

static bool is_number(enum type_kind kind)
{
    return is_signed(kind) || is_unsigned(kind) || is_float(kind);
}

bool type_widen(const struct type *a, const struct type *b, struct type *out)
{
    const bool a_empty = a->kind == TYPE_NULL && a->arrays <= b->arrays;
    const bool b_empty = b->kind == TYPE_NULL && b->arrays <= a->arrays;
    const bool numbers = is_number(a->kind) && is_number(b->kind);
    const bool texts = (a->kind == TYPE_VARCHAR && b->kind == TYPE_NVARCHAR) ||
                       (a->kind == TYPE_NVARCHAR && b->kind == TYPE_VARCHAR);
    if (type_equal(a, b) || b_empty) {
        *out = *a;
    } else if (a_empty) {
        *out = *b;
    } else if (a->arrays == b->arrays && (numbers || texts)) {
        *out = *a;
        out->kind = numbers ? number_of(a->kind, b->kind) : TYPE_NVARCHAR;
    } else {
        return false;
    }
    return true;
}
