/*
 * ndjson_string.c - the strings of NDJSON: names, which are kept, and values, of which only the type is.
 */
#include "tabular/bytes8.h"
#include "tabular/ndjson_internal.h"
#include "tabular/utf8.h"

#include <string.h>

enum {
    HEX_DIGITS = 4,
    CONTROL_END = 0x20,
    ASCII_END = 0x80,
    SURROGATE_HIGH = 0xD800,
    SURROGATE_LOW = 0xDC00,
    SURROGATE_END = 0xE000,
    PLANE_1 = 0x10000,
    REPLACEMENT = 0xFFFD,
};

static void name_add(struct ndjson *n, const unsigned char *bytes, size_t len)
{
    const size_t room = NDJSON_NAME_ROOM - n->name_len;
    const size_t take = len < room ? len : room;
    memcpy(n->name + n->name_len, bytes, take);
    n->name_len += take;
}

static void string_add(struct ndjson *n, const unsigned char *bytes, size_t len)
{
    if (n->depth != 1)
        return;
    if (n->is_name) {
        name_add(n, bytes, len);
        return;
    }
    if (!n->ascii && !(n->seen & READING_WIDE) && utf8_is_wide(bytes, len))
        n->seen |= READING_WIDE;
    if (n->values)
        ndjson_value_add(n, bytes, len);
}

/* A character that an escape stands for. */
static void point_add(struct ndjson *n, uint32_t point)
{
    enum { TAIL = 0x80, TAIL_MASK = 0x3F, TAIL_BITS = 6, TWO_END = 0x800 };
    enum { TWO = 0xC0, THREE = 0xE0, FOUR = 0xF0, SEQUENCE_MAX = 4 };
    unsigned char bytes[SEQUENCE_MAX];
    size_t len = 0;
    if (point >= ASCII_END)
        n->seen |= n->is_name ? 0 : READING_WIDE;
    if (point < ASCII_END) {
        bytes[len++] = (unsigned char)point;
    } else if (point < TWO_END) {
        bytes[len++] = (unsigned char)(TWO | point >> TAIL_BITS);
    } else if (point < PLANE_1) {
        bytes[len++] = (unsigned char)(THREE | point >> 2 * TAIL_BITS);
    } else {
        bytes[len++] = (unsigned char)(FOUR | point >> 3 * TAIL_BITS);
        bytes[len++] = (unsigned char)(TAIL | (point >> 2 * TAIL_BITS & TAIL_MASK));
    }
    if (point >= TWO_END)
        bytes[len++] = (unsigned char)(TAIL | (point >> TAIL_BITS & TAIL_MASK));
    if (point >= ASCII_END)
        bytes[len++] = (unsigned char)(TAIL | (point & TAIL_MASK));
    if (n->depth == 1 && n->is_name)
        name_add(n, bytes, len);
    else if (n->depth == 1 && n->values)
        ndjson_value_add(n, bytes, len);
}

/* A first half whose second half has not come is no character. */
static void half_add(struct ndjson *n)
{
    ndjson_half_seen(n);
    point_add(n, REPLACEMENT);
}

static void high_drop(struct ndjson *n)
{
    if (n->high)
        half_add(n);
    n->high = 0;
}

/* Four digits of \uXXXX are there. */
static void unit_end(struct ndjson *n)
{
    enum { HALF_BITS = 10 };
    const uint32_t unit = n->hex;
    n->place = NDJSON_STRING;
    if (n->high && unit >= SURROGATE_LOW && unit < SURROGATE_END) {
        point_add(n, PLANE_1 + ((n->high - SURROGATE_HIGH) << HALF_BITS) + (unit - SURROGATE_LOW));
        n->high = 0;
        return;
    }
    high_drop(n);
    if (unit >= SURROGATE_HIGH && unit < SURROGATE_LOW)
        n->high = unit;
    else if (unit >= SURROGATE_LOW && unit < SURROGATE_END)
        half_add(n);
    else
        point_add(n, unit);
}

bool ndjson_string_hex(struct ndjson *n, const unsigned char *at)
{
    enum { LETTER_BASE = 10, NIBBLE = 4, TO_LOWER = 0x20 };
    const unsigned char lower = *at | TO_LOWER;
    if (*at >= '0' && *at <= '9')
        n->hex = n->hex << NIBBLE | (uint32_t)(*at - '0');
    else if (lower >= 'a' && lower <= 'f')
        n->hex = n->hex << NIBBLE | (uint32_t)(lower - 'a' + LETTER_BASE);
    else
        return ndjson_wrong(n, "a broken \\u escape", at);
    if (++n->hex_count == HEX_DIGITS)
        unit_end(n);
    return true;
}

bool ndjson_string_escape(struct ndjson *n, const unsigned char *at)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (*at == 'u') {
        n->place = NDJSON_HEX;
        n->hex = 0;
        n->hex_count = 0;
        return true;
    }
    const char *known = *at ? strchr(letters, *at) : NULL;
    if (!known)
        return ndjson_wrong(n, "a broken escape", at);
    high_drop(n);
    point_add(n, (unsigned char)meanings[known - letters]);
    n->place = NDJSON_STRING;
    return true;
}

const unsigned char *ndjson_string_run(const unsigned char *at, const unsigned char *end)
{
    for (; end - at >= BYTES8; at += BYTES8) {
        const uint64_t word = bytes8_load(at);
        const uint64_t found =
            bytes8_equal(word, '"') | bytes8_equal(word, '\\') | bytes8_below(word, CONTROL_END);
        if (found)
            return at + bytes8_first(found);
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= CONTROL_END)
        at++;
    return at;
}

bool ndjson_string_step(struct ndjson *n, const unsigned char **from, const unsigned char *end,
                        struct problem *why)
{
    const unsigned char *start = *from;
    const unsigned char *at = ndjson_string_run(start, end);
    *from = at < end ? at + 1 : end;
    if (n->high && at > start)
        high_drop(n);
    const bool name_here = n->is_name && n->depth == 1;
    if (at < end && *at == '"' && name_here && n->name_len == 0 && !n->high) {
        n->place = NDJSON_COLON;
        return ndjson_name_end(n, (const char *)start, (size_t)(at - start), why) == FAULT_NONE;
    }
    string_add(n, start, (size_t)(at - start));
    if (at == end)
        return true;
    if (*at == '\\') {
        n->place = NDJSON_ESCAPE;
        return true;
    }
    if (*at != '"')
        return ndjson_wrong(n, "a control character in a string", at);
    high_drop(n);
    if (n->half_in_name)
        return ndjson_wrong(n, "half a surrogate pair in a name", at);
    if (!n->is_name)
        return ndjson_value_end(n, at + 1);
    n->place = NDJSON_COLON;
    return !name_here || ndjson_name_end(n, n->name, n->name_len, why) == FAULT_NONE;
}

bool ndjson_string_begin(struct ndjson *n, bool is_name)
{
    n->place = NDJSON_STRING;
    n->is_name = is_name;
    n->name_len = 0;
    n->high = 0;
    n->half_in_name = false;
    if (!is_name)
        ndjson_value_begin(n, VALUE_STRING, NULL);
    n->seen = READING_TEXT | (n->depth == 1 ? 0 : READING_WIDE);
    return true;
}
