#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_ROOM = 256 };

void text_init(struct text *text, size_t max)
{
    *text = (struct text){ .max = max };
}

void text_release(struct text *text)
{
    free(text->data);
    text_init(text, text->max);
}

void text_clear(struct text *text)
{
    text->len = 0;
    text->failed = false;
    if (text->data)
        text->data[0] = '\0';
}

/* Makes room for more bytes and the NUL; remembers a failure. */
static bool reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (more > text->max - text->len || more >= SIZE_MAX - text->len) {
        text->failed = true;
        return false;
    }
    const size_t want = text->len + more + 1;
    if (want <= text->room)
        return true;
    size_t room = text->room ? text->room : FIRST_ROOM;
    while (room < want)
        room = room > SIZE_MAX / 2 ? want : room * 2;
    if (room - 1 > text->max)
        room = text->max + 1;
    char *data = realloc(text->data, room);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->room = room;
    return true;
}

void text_add(struct text *text, const void *bytes, size_t len)
{
    if (!reserve(text, len))
        return;
    if (len > 0)
        memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = '\0';
}

void text_adds(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_addc(struct text *text, char byte)
{
    text_add(text, &byte, 1);
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const int len = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (len < 0 || !reserve(text, (size_t)len)) {
        text->failed = true;
        return;
    }
    va_start(values, format);
    (void)vsnprintf(text->data + text->len, (size_t)len + 1, format, values);
    va_end(values);
    text->len += (size_t)len;
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}

bool text_failed(const struct text *text)
{
    return text->failed;
}

bool text_same(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* The length of the well-formed sequence at bytes, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_sequence(const unsigned char *bytes, size_t len)
{
    const unsigned char first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t need = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++) {
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    }
    const unsigned char second = bytes[1];
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F;
    const bool past_end = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || past_end ? 0 : need;
}

bool text_is_utf8(const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    while (len > 0) {
        const size_t step = utf8_sequence(at, len);
        if (step == 0)
            return false;
        at += step;
        len -= step;
    }
    return true;
}

void text_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 0x0F];
    }
    out[2 * len] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool text_unhex(const char *hex, size_t hex_len, uint8_t *out, size_t len)
{
    if (hex_len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        const int high = hex_value(hex[2 * i]);
        const int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
