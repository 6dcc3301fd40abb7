#include "pinot/properties.h"

#include "base/number.h"

#include <stdint.h>
#include <string.h>

enum {
    UNICODE_DIGITS = 4,
    UNICODE_UNKNOWN = 0xFFFD, /* what Java writes for half a surrogate pair */
    SURROGATE_HIGH = 0xD800,
    SURROGATE_LOW = 0xDC00,
    SURROGATE_END = 0xE000,
    SURROGATE_BITS = 10,
    PLANE_ONE = 0x10000,
    UTF8_ONE = 0x80, /* code points below take one byte, ... */
    UTF8_TWO = 0x800,
    UTF8_BITS = 6,
    UTF8_MASK = 0x3F,
    UTF8_LEAD_TWO = 0xC0,
    UTF8_LEAD_THREE = 0xE0,
    UTF8_LEAD_FOUR = 0xF0,
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static void add_tail(struct text *out, uint32_t code, unsigned tails)
{
    while (tails > 0) {
        tails--;
        text_addc(out, (char)(UTF8_ONE | ((code >> (UTF8_BITS * tails)) & UTF8_MASK)));
    }
}

static void add_code_point(struct text *out, uint32_t code)
{
    if (code < UTF8_ONE) {
        text_addc(out, (char)code);
    } else if (code < UTF8_TWO) {
        text_addc(out, (char)(UTF8_LEAD_TWO | (code >> UTF8_BITS)));
        add_tail(out, code, 1);
    } else if (code < PLANE_ONE) {
        text_addc(out, (char)(UTF8_LEAD_THREE | (code >> (2 * UTF8_BITS))));
        add_tail(out, code, 2);
    } else {
        text_addc(out, (char)(UTF8_LEAD_FOUR | (code >> (3 * UTF8_BITS))));
        add_tail(out, code, 3);
    }
}

void properties_init(struct properties *properties, const char *bytes, size_t len)
{
    properties->at = bytes;
    properties->end = bytes + len;
    properties->has_cr = memchr(bytes, '\r', len) != NULL;
    text_init(&properties->joined, len);
}

void properties_release(struct properties *properties)
{
    text_release(&properties->joined);
}

/* The next line end.  Of two kinds of it the nearer one counts: a search for each, line by line,
 * would read the rest of the file again and again. */
static const char *line_end(const struct properties *p)
{
    const char *at = p->at;
    if (!p->has_cr) {
        at = memchr(at, '\n', (size_t)(p->end - at));
        return at ? at : p->end;
    }
    while (at < p->end && *at != '\n' && *at != '\r')
        at++;
    return at;
}

/* One natural line, trimmed; false at the end. */
static bool next_line(struct properties *p, const char **line, size_t *len)
{
    if (p->at == p->end)
        return false;
    const char *start = p->at;
    const char *stop = line_end(p);
    p->at = stop;
    if (p->at < p->end && *p->at == '\r')
        p->at++;
    if (p->at < p->end && *p->at == '\n')
        p->at++;
    while (start < stop && is_space(*start))
        start++;
    while (stop > start && is_space(stop[-1]))
        stop--;
    *line = start;
    *len = (size_t)(stop - start);
    return true;
}

/* An odd number of backslashes at the end joins the next line. */
static bool is_continued(const char *line, size_t len)
{
    size_t slashes = 0;
    while (slashes < len && line[len - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1;
}

/* The rest of a line whose first piece was continued. */
static void join_lines(struct properties *p, const char **line, size_t *len)
{
    text_clear(&p->joined);
    text_add(&p->joined, *line, *len - 1);
    const char *more = NULL;
    size_t more_len = 0;
    bool continued = true;
    while (continued && next_line(p, &more, &more_len)) {
        if (more_len > 0 && (more[0] == '#' || more[0] == '!'))
            continue;
        continued = is_continued(more, more_len);
        text_add(&p->joined, more, continued ? more_len - 1 : more_len);
    }
    *line = text_string(&p->joined);
    *len = p->joined.len;
}

static void split(const char *line, size_t len, struct property *out)
{
    /* a table, because this loop looks at most bytes of a push */
    static const bool ends[UINT8_MAX + 1] = {
        ['='] = true, [':'] = true, [' '] = true, ['\t'] = true, ['\f'] = true
    };
    size_t at = 0;
    while (at < len && !ends[(unsigned char)line[at]])
        at += line[at] == '\\' && at + 1 < len ? 2 : 1;
    out->key = line;
    out->key_len = at;
    while (at < len && is_space(line[at]))
        at++;
    if (at < len && (line[at] == '=' || line[at] == ':'))
        at++;
    while (at < len && is_space(line[at]))
        at++;
    out->value = line + at;
    out->value_len = len - at;
}

bool properties_next(struct properties *properties, struct property *out)
{
    const char *line = NULL;
    size_t len = 0;
    while (next_line(properties, &line, &len)) {
        if (len == 0 || line[0] == '#' || line[0] == '!')
            continue;
        if (is_continued(line, len))
            join_lines(properties, &line, &len);
        if (len == 0)
            continue;
        split(line, len, out);
        return true;
    }
    return false;
}

/* The code unit of "uXXXX" at at; false when it is none. */
static bool unicode_escape(const char *at, const char *end, uint32_t *unit)
{
    uint64_t value = 0;
    if (end - at < 1 + UNICODE_DIGITS || *at != 'u' ||
        !number_hex64(at + 1, UNICODE_DIGITS, &value))
        return false;
    *unit = (uint32_t)value;
    return true;
}

/* at stands behind a backslash, on 'u'; returns where the text goes on. */
static const char *add_unicode(struct text *out, const char *at, const char *end, uint32_t unit)
{
    uint32_t low = 0;
    const char *next = at + 1 + UNICODE_DIGITS;
    if (unit < SURROGATE_HIGH || unit >= SURROGATE_END) {
        add_code_point(out, unit);
        return next;
    }
    if (unit < SURROGATE_LOW && next < end && *next == '\\' &&
        unicode_escape(next + 1, end, &low) && low >= SURROGATE_LOW && low < SURROGATE_END) {
        add_code_point(out, PLANE_ONE + ((unit - SURROGATE_HIGH) << SURROGATE_BITS) +
                                (low - SURROGATE_LOW));
        return next + 2 + UNICODE_DIGITS;
    }
    add_code_point(out, UNICODE_UNKNOWN);
    return next;
}

static char control_escape(char c)
{
    switch (c) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    case 'b':
        return '\b';
    default:
        return c;
    }
}

void properties_unescape(struct text *out, const char *escaped, size_t len)
{
    const bool latin = !text_is_utf8(escaped, len);
    const char *at = escaped;
    const char *end = escaped + len;
    while (at < end) {
        uint32_t unit = 0;
        if (*at != '\\' || at + 1 == end) {
            if (latin)
                add_code_point(out, (unsigned char)*at);
            else
                text_addc(out, *at);
            at++;
        } else if (unicode_escape(at + 1, end, &unit)) {
            at = add_unicode(out, at + 1, end, unit);
        } else {
            text_addc(out, control_escape(at[1]));
            at += 2;
        }
    }
}

bool properties_copy(char *out, size_t room, const char *escaped, size_t len)
{
    const bool plain = !memchr(escaped, '\\', len) && text_is_utf8(escaped, len);
    if (plain) {
        if (len >= room || memchr(escaped, '\0', len))
            return false;
        memcpy(out, escaped, len);
        out[len] = '\0';
        return true;
    }
    struct text text;
    text_init(&text, room - 1);
    properties_unescape(&text, escaped, len);
    const bool fits = !text_failed(&text) && !memchr(text_string(&text), '\0', text.len);
    if (fits)
        memcpy(out, text_string(&text), text.len + 1);
    text_release(&text);
    return fits;
}
