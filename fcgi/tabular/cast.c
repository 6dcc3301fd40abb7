#include "tabular/cast.h"

#include "base/limits.h"
#include "tabular/cast_number.h"
#include "tabular/cast_time.h"
#include "tabular/utf8.h"
#include "json/json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Bytes of a value and how many. */
struct span {
    const char *bytes;
    size_t len;
};

bool cast_takes(const struct type *type)
{
    return type->arrays == 0 && type->kind != TYPE_VECTOR && type->kind != TYPE_INTERVAL;
}

/* ---- numbers, truths, addresses ---- */

static bool to_integer(const struct type *type, struct span span, struct cell *out)
{
    static const struct {
        int64_t least;
        int64_t most;
    } bounds[] = {
        [TYPE_INT8] = { INT8_MIN, INT8_MAX },
        [TYPE_INT16] = { INT16_MIN, INT16_MAX },
        [TYPE_INT32] = { INT32_MIN, INT32_MAX },
        [TYPE_INT64] = { INT64_MIN, INT64_MAX },
    };
    out->kind = CELL_INTEGER;
    return cast_number_integer(span.bytes, span.len, bounds[type->kind].least,
                               bounds[type->kind].most, &out->as.integer);
}

static bool to_natural(const struct type *type, struct span span, struct cell *out)
{
    static const uint64_t bounds[] = {
        [TYPE_UINT8] = UINT8_MAX,
        [TYPE_UINT16] = UINT16_MAX,
        [TYPE_UINT32] = UINT32_MAX,
        [TYPE_UINT64] = UINT64_MAX,
    };
    out->kind = CELL_NATURAL;
    return cast_number_natural(span.bytes, span.len, bounds[type->kind], &out->as.natural);
}

static bool is_word(struct span span, const char *word)
{
    return span.len == strlen(word) && strncasecmp(span.bytes, word, span.len) == 0;
}

static bool to_truth(struct span span, struct cell *out)
{
    out->kind = CELL_INTEGER;
    out->as.integer = is_word(span, "true") || is_word(span, "t") || is_word(span, "1");
    return out->as.integer || is_word(span, "false") || is_word(span, "f") || is_word(span, "0");
}

static bool to_address(struct span span, struct cell *out)
{
    enum { NUMBERS = 4, NUMBER_BITS = 8, BASE = 10, DIGITS_MAX = 3 };
    const char *at = span.bytes;
    const char *const end = at + span.len;
    uint64_t address = 0;
    for (int i = 0; i < NUMBERS; i++) {
        const char *from = at + (i > 0);
        unsigned number = 0;
        if (i > 0 && (at == end || *at != '.'))
            return false;
        for (at = from; at < end && *at >= '0' && *at <= '9' && at - from < DIGITS_MAX; at++)
            number = number * BASE + (unsigned)(*at - '0');
        if (at == from || (*from == '0' && at - from > 1) || number > UINT8_MAX)
            return false;
        address = address << NUMBER_BITS | number;
    }
    out->kind = CELL_NATURAL;
    out->as.natural = address;
    return at == end;
}

/* ---- texts, bytes, JSON ---- */

static bool to_bytes(const char *bytes, size_t len, struct cell *out)
{
    out->kind = CELL_BYTES;
    out->as.bytes.data = bytes;
    out->as.bytes.len = len;
    return true;
}

/* The six bits of a letter of base64 (RFC 4648 section 4); -1: none. */
static int sextet(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? (int)(found - letters) : -1;
}

static bool from_base64(const struct value *value, struct text *scratch, struct cell *out)
{
    enum { LETTERS = 4, BYTES = 3, LETTER_BITS = 6, BYTE_BITS = 8 };
    const size_t len = value->len;
    const size_t last = len > 0 && value->bytes[len - 1] == '=';
    const size_t padding = last && len > 1 && value->bytes[len - 2] == '=' ? 2 : last;
    if (len % LETTERS != 0)
        return false;
    for (size_t at = 0; at < len; at += LETTERS) {
        const size_t absent = at + LETTERS == len ? padding : 0;
        uint32_t bits = 0;
        for (size_t i = 0; i < LETTERS; i++) {
            const int six = i < LETTERS - absent ? sextet(value->bytes[at + i]) : 0;
            if (six < 0)
                return false;
            bits = bits << LETTER_BITS | (uint32_t)six;
        }
        const size_t made = BYTES - absent;
        if (bits & ((UINT32_C(1) << absent * BYTE_BITS) - 1))
            return false; /* bits that stand for nothing */
        for (size_t i = 0; i < made; i++)
            text_addc(scratch, (char)(bits >> (BYTES - 1 - i) * BYTE_BITS));
    }
    return !text_failed(scratch) && to_bytes(text_string(scratch), scratch->len, out);
}

static bool to_json(const struct value *value, struct text *scratch, struct cell *out)
{
    json_object *parsed = NULL;
    struct problem why = PROBLEM_NONE;
    if (value->form == VALUE_STRING) {
        json_quote(scratch, value->bytes, value->len);
        return !text_failed(scratch) && to_bytes(text_string(scratch), scratch->len, out);
    }
    if (value->form == VALUE_PLAIN) {
        const enum fault f = json_parse(value->bytes, value->len, &parsed, NULL, &why);
        json_object_put(parsed);
        if (f)
            return false;
    }
    return to_bytes(value->bytes, value->len, out);
}

/* ---- all types ---- */

/* Without the blanks around. */
static struct span trimmed(const struct value *value)
{
    struct span span = { value->bytes, value->len };
    while (span.len > 0 && (*span.bytes == ' ' || *span.bytes == '\t')) {
        span.bytes++;
        span.len--;
    }
    while (span.len > 0 && (span.bytes[span.len - 1] == ' ' || span.bytes[span.len - 1] == '\t'))
        span.len--;
    return span;
}

static bool to_scalar(const struct type *type, struct span span, struct cell *out)
{
    if (type->kind >= TYPE_INT8 && type->kind <= TYPE_INT64)
        return to_integer(type, span, out);
    if (type->kind >= TYPE_UINT8 && type->kind <= TYPE_UINT64)
        return to_natural(type, span, out);
    out->kind = CELL_INTEGER;
    if (type->kind == TYPE_BOOL)
        return to_truth(span, out);
    if (type->kind == TYPE_DATE)
        return cast_time_date(span.bytes, span.len, &out->as.integer);
    if (type->kind == TYPE_TIME)
        return cast_time_of_day(span.bytes, span.len, &out->as.integer);
    if (type->kind == TYPE_TIMESTAMP)
        return cast_time_stamp(span.bytes, span.len, type->unit, &out->as.integer);
    if (type->kind == TYPE_IPV4)
        return to_address(span, out);
    if (type->kind == TYPE_DECIMAL) {
        out->kind = CELL_DECIMAL;
        return cast_number_decimal(span.bytes, span.len, type->precision, type->scale,
                                   &out->as.decimal);
    }
    out->kind = CELL_REAL;
    return (type->kind == TYPE_FLOAT32 || type->kind == TYPE_FLOAT64) &&
           cast_number_real(span.bytes, span.len, type->kind == TYPE_FLOAT32, &out->as.real);
}

/* Text, bytes and JSON. */
static bool to_text(const struct type *type, const struct value *value, struct text *scratch,
                    struct cell *out)
{
    if (value->half)
        return false;
    if (type->kind == TYPE_VARIANT)
        return to_json(value, scratch, out);
    if (type->kind == TYPE_VARBINARY && value->form == VALUE_STRING)
        return from_base64(value, scratch, out);
    if (type->kind == TYPE_VARBINARY && value->form != VALUE_PLAIN)
        return false;
    if (type->kind == TYPE_VARCHAR && utf8_is_wide(value->bytes, value->len))
        return false;
    return to_bytes(value->bytes, value->len, out);
}

bool cast_value(const struct type *type, const struct value *value, struct text *scratch,
                struct cell *out)
{
    text_clear(scratch);
    out->kind = CELL_NULL;
    if (value->form == VALUE_NULL)
        return true;
    if (!cast_takes(type) || type->kind == TYPE_NULL)
        return false;
    if (type_is_text(type) || type->kind == TYPE_VARBINARY || type->kind == TYPE_VARIANT)
        return to_text(type, value, scratch, out);
    if (value->form == VALUE_NESTED || value->len > OPTERYX_CELL_MAX)
        return false;
    if ((value->form == VALUE_TRUE || value->form == VALUE_FALSE) && type->kind != TYPE_BOOL)
        return false;
    return to_scalar(type, trimmed(value), out);
}

/* ---- refusals ---- */

/* A byte of a text between quotes, as Python writes it; returns how many bytes it takes. */
static size_t repr_byte(unsigned char byte, char quote, char out[sizeof "\\x00"])
{
    enum { CONTROL_END = 0x20, DELETE = 0x7F };
    static const char known[] = "\n\r\t\\";
    static const char letters[] = "nrt\\";
    const char *found = byte ? strchr(known, byte) : NULL;
    if (found)
        return (size_t)snprintf(out, sizeof "\\x00", "\\%c", letters[found - known]);
    if (byte == (unsigned char)quote)
        return (size_t)snprintf(out, sizeof "\\x00", "\\%c", quote);
    if (byte < CONTROL_END || byte == DELETE)
        return (size_t)snprintf(out, sizeof "\\x00", "\\x%02x", byte);
    out[0] = (char)byte;
    return 1;
}

static bool is_tail(char byte)
{
    enum { TAIL = 0x80, TAIL_MASK = 0xC0 };
    return ((unsigned char)byte & TAIL_MASK) == TAIL;
}

void cast_repr(const struct value *value, char out[CAST_REPR_MAX])
{
    static const char cut[] = "...";
    const bool quoted = value->form == VALUE_PLAIN || value->form == VALUE_STRING;
    const bool apostrophe = value->len && memchr(value->bytes, '\'', value->len);
    const bool other = value->len && memchr(value->bytes, '"', value->len);
    const char quote = apostrophe && !other ? '"' : '\'';
    const size_t room = CAST_REPR_MAX - sizeof cut - 1;
    size_t len = 0;
    size_t at = 0;
    if (value->form == VALUE_NULL || value->form == VALUE_TRUE || value->form == VALUE_FALSE) {
        static const char *const words[] = {
            [VALUE_NULL] = "None", [VALUE_TRUE] = "True", [VALUE_FALSE] = "False"
        };
        (void)snprintf(out, CAST_REPR_MAX, "%s", words[value->form]);
        return;
    }
    if (quoted)
        out[len++] = quote;
    for (; at < value->len; at++) {
        char one[sizeof "\\x00"];
        one[0] = value->bytes[at];
        const size_t made = quoted ? repr_byte((unsigned char)value->bytes[at], quote, one) : 1;
        if (len + made > room)
            break;
        memcpy(out + len, one, made);
        len += made;
    }
    for (; at < value->len && len > 1 && is_tail(value->bytes[at]); at--)
        len--; /* no half of a character */
    if (quoted)
        out[len++] = quote;
    (void)snprintf(out + len, CAST_REPR_MAX - len, "%s", at < value->len ? cut : "");
}
