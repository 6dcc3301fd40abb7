#include "json/json.h"

#include "base/limits.h"
#include "base/number.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- in ---- */

enum {
    HEX_DIGITS = 4, /* of a \uXXXX escape */
    CONTROL_END = 0x20,
    SURROGATE_HIGH = 0xD800,
    SURROGATE_LOW = 0xDC00,
    SURROGATE_END = 0xE000,
    PLANE_1 = 0x10000,
    REPLACEMENT = 0xFFFD,
};

/* What json-c takes for each, in bytes with malloc's share; an object starts with a table of 16.
 * "[{},{},..." needs three bytes of text for eight hundred of memory. */
enum {
    COST_SCALAR = 64,
    COST_STRING = 80, /* and its bytes */
    COST_ARRAY = 144,
    COST_ITEM = 16, /* the slot, in arrays that double */
    COST_OBJECT = 800,
    COST_MEMBER = 176,          /* the same, with the name's share; and the name's bytes */
    STRING_KEEP_MAX = 64 * KIB, /* a decoded string's room that is kept for the next */
};

/* The first thing that is wrong, and the text as far as it has been read. */
struct parser {
    const char *bytes;
    size_t len;
    size_t at;
    size_t cost; /* of all that was made */
    enum fault fault;
    const char *reason;
    size_t bad_at;      /* byte offset of what reason is about */
    struct text string; /* the last string, decoded */
};

static bool fail(struct parser *p, enum fault fault, const char *reason, size_t bad_at)
{
    p->fault = fault;
    p->reason = reason;
    p->bad_at = bad_at;
    return false;
}

static bool malformed(struct parser *p, const char *reason, size_t bad_at)
{
    return fail(p, FAULT_MALFORMED, reason, bad_at);
}

static bool out_of_memory(struct parser *p)
{
    return fail(p, FAULT_INTERNAL, "out of memory", p->at);
}

/* Accounts for what is made next; len: text that it holds. */
static bool afford(struct parser *p, size_t cost, size_t len)
{
    p->cost += cost + len;
    return p->cost <= JSON_TREE_MAX || fail(p, FAULT_TOO_LARGE, "Too many values", p->at);
}

/* The byte at the current place; 0, which is no JSON, at the end. */
static char peek(const struct parser *p)
{
    if (p->at == p->len)
        return '\0';
    return p->bytes[p->at];
}

static void skip_space(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t' || peek(p) == '\n' || peek(p) == '\r')
        p->at++;
}

/* Skips white space and then byte, when that is next. */
static bool take(struct parser *p, char byte)
{
    skip_space(p);
    if (peek(p) != byte)
        return false;
    p->at++;
    return true;
}

static void add_code_point(struct text *out, uint32_t point)
{
    enum { TAIL = 0x80, TAIL_MASK = 0x3F, TAIL_BITS = 6 };
    enum { ONE_END = 0x80, TWO_END = 0x800, TWO = 0xC0, THREE = 0xE0, FOUR = 0xF0 };
    if (point < ONE_END) {
        text_addc(out, (char)point);
        return;
    }
    if (point < TWO_END) {
        text_addc(out, (char)(TWO | point >> TAIL_BITS));
    } else {
        if (point < PLANE_1) {
            text_addc(out, (char)(THREE | point >> 2 * TAIL_BITS));
        } else {
            text_addc(out, (char)(FOUR | point >> 3 * TAIL_BITS));
            text_addc(out, (char)(TAIL | (point >> 2 * TAIL_BITS & TAIL_MASK)));
        }
        text_addc(out, (char)(TAIL | (point >> TAIL_BITS & TAIL_MASK)));
    }
    text_addc(out, (char)(TAIL | (point & TAIL_MASK)));
}

/* The four digits behind "\u" at the current place, which moves past them.  A text that ends there
 * has no closing quote; CPython blames the escape, too. */
static bool unit_parse(struct parser *p, uint32_t *out)
{
    uint64_t unit = 0;
    if (p->len - p->at <= HEX_DIGITS || !number_hex64(p->bytes + p->at, HEX_DIGITS, &unit))
        return malformed(p, "Invalid \\uXXXX escape", p->at - 1);
    p->at += HEX_DIGITS;
    *out = (uint32_t)unit;
    return true;
}

/* \uXXXX, with the second half of a surrogate pair when there is one; a half alone is U+FFFD, since
 * UTF-8 cannot hold it (RFC 3629 section 3). */
static bool unicode_escape(struct parser *p)
{
    uint32_t point = 0;
    if (!unit_parse(p, &point))
        return false;
    if (point < SURROGATE_HIGH || point >= SURROGATE_END) {
        add_code_point(&p->string, point);
        return true;
    }
    const bool pair = point < SURROGATE_LOW && p->len - p->at > 2 && p->bytes[p->at] == '\\' &&
                      p->bytes[p->at + 1] == 'u';
    if (pair) {
        const size_t back = p->at;
        uint32_t low = 0;
        p->at += 2;
        if (!unit_parse(p, &low))
            return false;
        if (low >= SURROGATE_LOW && low < SURROGATE_END) {
            enum { HALF_BITS = 10 };
            add_code_point(&p->string, PLANE_1 + ((point - SURROGATE_HIGH) << HALF_BITS) +
                                           (low - SURROGATE_LOW));
            return true;
        }
        p->at = back; /* it is a character of its own */
    }
    add_code_point(&p->string, REPLACEMENT);
    return true;
}

/* What stands behind a backslash (RFC 8259 section 7). */
static bool escape(struct parser *p)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char letter = p->bytes[p->at++];
    if (letter == 'u')
        return unicode_escape(p);
    const char *known = letter ? strchr(letters, letter) : NULL;
    if (!known)
        return malformed(p, "Invalid \\escape", p->at - 2);
    text_addc(&p->string, meanings[known - letters]);
    return true;
}

/* Reads a string into p->string; the current place is behind its opening quote. */
static bool string_parse(struct parser *p)
{
    const size_t opened = p->at - 1;
    text_clear(&p->string);
    for (;;) {
        const size_t run = p->at;
        while (p->at < p->len && p->bytes[p->at] != '"' && p->bytes[p->at] != '\\' &&
               (unsigned char)p->bytes[p->at] >= CONTROL_END)
            p->at++;
        text_add(&p->string, p->bytes + run, p->at - run);
        if (p->at == p->len)
            return malformed(p, "Unterminated string starting at", opened);
        if (!text_is_utf8(p->bytes + run, p->at - run))
            return malformed(p, "Invalid UTF-8 in the string starting at", opened);
        const char stop = p->bytes[p->at];
        if (stop == '"') {
            p->at++;
            return !text_failed(&p->string) || out_of_memory(p);
        }
        if (stop != '\\')
            return malformed(p, "Invalid control character at", p->at);
        p->at++;
        if (p->at == p->len)
            return malformed(p, "Unterminated string starting at", opened);
        if (!escape(p))
            return false;
    }
}

static bool string_value(struct parser *p, json_object **out)
{
    p->at++;
    if (!string_parse(p) || !afford(p, COST_STRING, p->string.len))
        return false;
    *out = json_object_new_string_len(text_string(&p->string), (int)p->string.len);
    if (p->string.room > STRING_KEEP_MAX)
        text_release(&p->string);
    return *out || out_of_memory(p);
}

/* Integers outside int64 become the nearest double, as JavaScript reads them. */
static bool number_value(struct parser *p, json_object **out)
{
    const char *text = p->bytes + p->at;
    bool integer = false;
    int64_t whole = 0;
    double real = 0;
    const size_t len = number_json_len(text, p->len - p->at, &integer);
    if (len == 0)
        return malformed(p, "Expecting value", p->at);
    if (!afford(p, COST_SCALAR, integer ? 0 : len))
        return false;
    if (integer && number_i64(text, len, &whole)) {
        *out = json_object_new_int64(whole);
    } else {
        char copy[NUMBER_TEXT_MAX];
        if (!number_double(text, len, &real))
            return malformed(p, "Number out of range", p->at);
        (void)snprintf(copy, sizeof copy, "%.*s", (int)len, text);
        *out = json_object_new_double_s(real, copy);
    }
    p->at += len;
    return *out || out_of_memory(p);
}

static bool word_value(struct parser *p, json_object **out)
{
    static const char *const words[] = { "null", "true", "false" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t len = strlen(words[i]);
        if (p->len - p->at < len || memcmp(p->bytes + p->at, words[i], len) != 0)
            continue;
        p->at += len;
        if (i == 0)
            return true;
        if (!afford(p, COST_SCALAR, 0))
            return false;
        *out = json_object_new_boolean(i == 1);
        return *out || out_of_memory(p);
    }
    return malformed(p, "Expecting value", p->at);
}

static bool value_parse(struct parser *p, unsigned depth, json_object **out);

static bool array_fill(struct parser *p, unsigned depth, json_object *array)
{
    if (take(p, ']'))
        return true;
    do {
        json_object *item = NULL;
        if (!afford(p, COST_ITEM, 0) || !value_parse(p, depth, &item))
            return false;
        if (json_object_array_add(array, item) != 0) {
            json_object_put(item);
            return out_of_memory(p);
        }
    } while (take(p, ','));
    return take(p, ']') || malformed(p, "Expecting ',' delimiter", p->at);
}

/* One "name": value.  json-c's names end at a NUL, so one inside would name another member. */
static bool member_parse(struct parser *p, unsigned depth, json_object *object)
{
    if (!take(p, '"'))
        return malformed(p, "Expecting property name enclosed in double quotes", p->at);
    const size_t opened = p->at - 1;
    if (!string_parse(p) || !afford(p, COST_MEMBER, p->string.len))
        return false;
    if (strlen(text_string(&p->string)) != p->string.len)
        return malformed(p, "Invalid NUL in the property name starting at", opened);
    char *name = strdup(text_string(&p->string));
    if (!name)
        return out_of_memory(p);
    json_object *value = NULL;
    bool ok = take(p, ':') || malformed(p, "Expecting ':' delimiter", p->at);
    ok = ok && value_parse(p, depth, &value);
    if (ok && json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        ok = out_of_memory(p);
    }
    free(name);
    return ok;
}

static bool object_fill(struct parser *p, unsigned depth, json_object *object)
{
    if (take(p, '}'))
        return true;
    do {
        if (!member_parse(p, depth, object))
            return false;
    } while (take(p, ','));
    return take(p, '}') || malformed(p, "Expecting ',' delimiter", p->at);
}

static bool container_value(struct parser *p, unsigned depth, bool is_array, json_object **out)
{
    if (depth == JSON_DEPTH_MAX)
        return malformed(p, "Nested too deep", p->at);
    if (!afford(p, is_array ? COST_ARRAY : COST_OBJECT, 0))
        return false;
    p->at++;
    json_object *made = is_array ? json_object_new_array_ext(1) : json_object_new_object();
    if (!made)
        return out_of_memory(p);
    const bool ok = is_array ? array_fill(p, depth + 1, made) : object_fill(p, depth + 1, made);
    if (ok)
        *out = made;
    else
        json_object_put(made);
    return ok;
}

/* depth: containers around this value; the recursion ends at JSON_DEPTH_MAX. */
static bool value_parse(struct parser *p, unsigned depth, json_object **out)
{
    skip_space(p);
    const char first = peek(p);
    if (first == '"')
        return string_value(p, out);
    if (first == '{' || first == '[')
        return container_value(p, depth, first == '[', out);
    if (first == '-' || (first >= '0' && first <= '9'))
        return number_value(p, out);
    return word_value(p, out);
}

static size_t characters(const char *bytes, size_t len)
{
    enum { TAIL = 0x80, TAIL_MASK = 0xC0 }; /* bytes of a sequence behind its first */
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)bytes[i] & TAIL_MASK) != TAIL;
    return count;
}

static enum fault report(const struct parser *p, struct json_error *error, struct problem *why)
{
    const size_t offset = characters(p->bytes, p->bad_at);
    if (p->fault == FAULT_INTERNAL)
        return problem_internal(why, "no memory for a JSON text");
    if (error)
        *error = (struct json_error){ offset, p->reason };
    return problem_set(why, p->fault, "not acceptable as JSON: %s (character %zu)", p->reason,
                       offset);
}

enum fault json_parse(const char *bytes, size_t len, json_object **out, struct json_error *error,
                      struct problem *why)
{
    struct parser p = { .bytes = bytes, .len = len };
    json_object *made = NULL;
    text_init(&p.string, len); /* decoding never lengthens */
    bool ok = value_parse(&p, 0, &made);
    if (ok) {
        skip_space(&p);
        ok = p.at == len || malformed(&p, "Extra data", p.at);
    }
    text_release(&p.string);
    if (ok) {
        *out = made;
        return FAULT_NONE;
    }
    json_object_put(made);
    return report(&p, error, why);
}

const char *json_text_of(json_object *object, const char *name)
{
    json_object *value = NULL;
    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}
