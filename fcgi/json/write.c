/*
 * json_write.c - the half of json.h that writes.
 *
 * json-c's own writer makes the whole text inside the value, so that a reply would be held twice;
 * this one appends to the text that is sent.
 */
#include "json/json.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum { UTF8_SEQUENCE_MAX = 4, CONTROL_END = 0x20, ASCII_END = 0x80 };

/* The length of the UTF-8 sequence at bytes, 0 when it is none. */
static size_t sequence(const char *bytes, size_t len)
{
    for (size_t take = 1; take <= UTF8_SEQUENCE_MAX && take <= len; take++) {
        if (text_is_utf8(bytes, take))
            return take;
    }
    return 0;
}

static void quote_ascii(struct text *out, char byte)
{
    static const char letters[] = "bfnrt\"\\";
    static const char meanings[] = "\b\f\n\r\t\"\\";
    const char *known = byte ? strchr(meanings, byte) : NULL;
    if (known) {
        text_addc(out, '\\');
        text_addc(out, letters[known - meanings]);
    } else if ((unsigned char)byte < CONTROL_END) {
        text_addf(out, "\\u%04x", (unsigned)byte);
    } else {
        text_addc(out, byte);
    }
}

/* Appends the text with what is no UTF-8 replaced; quoted: escaped for a string literal, too. */
static void add_utf8(struct text *out, const char *bytes, size_t len, bool quoted)
{
    for (size_t at = 0; at < len;) {
        const size_t step = sequence(bytes + at, len - at);
        if (step == 0)
            text_adds(out, REPLACEMENT);
        else if (step == 1 && quoted)
            quote_ascii(out, bytes[at]);
        else
            text_add(out, bytes + at, step);
        at += step ? step : 1;
    }
}

void json_quote(struct text *out, const char *bytes, size_t len)
{
    text_addc(out, '"');
    add_utf8(out, bytes, len, true);
    text_addc(out, '"');
}

json_object *json_string(const char *text)
{
    if (!text)
        return NULL;
    const size_t len = strlen(text);
    if (text_is_utf8(text, len))
        return json_object_new_string(text);
    struct text clean;
    text_init(&clean, len * (sizeof REPLACEMENT - 1));
    add_utf8(&clean, text, len, false);
    json_object *made = text_failed(&clean) ? NULL : json_object_new_string(text_string(&clean));
    text_release(&clean);
    return made;
}

bool json_add(json_object *object, const char *name, json_object *value)
{
    if (json_object_object_add(object, name, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

/* json-c writes a double that has a text by that text. */
json_object *json_raw(const char *text)
{
    return json_object_new_double_s(0, text);
}

/* The shortest text that reads back as value; a parsed double keeps the text it had. */
static void write_double(struct text *out, json_object *value)
{
    enum { DIGITS_LEAST = 15, DIGITS_MOST = 17, ROOM = 40 };
    const char *const own = json_object_get_userdata(value);
    if (own) {
        text_adds(out, own);
        return;
    }
    const double number = json_object_get_double(value);
    char text[ROOM] = "null"; /* what JSON has for NaN and the infinities */
    double back = 0;
    for (int digits = DIGITS_LEAST; isfinite(number) && digits <= DIGITS_MOST; digits++) {
        const int len = snprintf(text, sizeof text, "%.*g", digits, number);
        if (number_double(text, (size_t)len, &back) && back == number)
            break;
    }
    text_adds(out, text);
}

static void write_array(struct text *out, json_object *array)
{
    const size_t count = json_object_array_length(array);
    text_addc(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_addc(out, ',');
        json_write(out, json_object_array_get_idx(array, i));
    }
    text_addc(out, ']');
}

static void write_object(struct text *out, json_object *object)
{
    bool first = true;
    text_addc(out, '{');
    json_object_object_foreach(object, name, value)
    {
        if (!first)
            text_addc(out, ',');
        first = false;
        json_quote(out, name, strlen(name));
        text_addc(out, ':');
        json_write(out, value);
    }
    text_addc(out, '}');
}

void json_write(struct text *out, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        write_object(out, value);
        return;
    case json_type_array:
        write_array(out, value);
        return;
    case json_type_string:
        json_quote(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
        return;
    case json_type_double:
        write_double(out, value);
        return;
    case json_type_null:
    case json_type_boolean:
    case json_type_int:
        text_adds(out, json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
        return;
    }
}
