#include "tabular/csv_value.h"

#include "base/limits.h"
#include "tabular/bytes8.h"
#include "tabular/reading.h"

#include <stdbool.h>
#include <strings.h>

enum {
    INT_DIGITS_SAFE = 18, /* digits that fit 64 bits whatever they are */
    INT_DIGITS_MOST = 19,
};

static size_t digits(const char *at, const char *end)
{
    const char *from = at;
    while (at < end && (unsigned char)(*at - '0') <= '9' - '0')
        at++;
    return (size_t)(at - from);
}

/* Whether a run of digits fits 64 bits with its sign. */
static bool fits(const char *at, size_t count, bool negative)
{
    for (; count && *at == '0'; count--)
        at++;
    if (count != INT_DIGITS_MOST)
        return count <= INT_DIGITS_SAFE;
    return memcmp(at, negative ? "9223372036854775808" : "9223372036854775807", count) <= 0;
}

/* What follows the integer digits of a number that has a fraction or an exponent. */
static bool is_real(const char *at, const char *end, size_t whole)
{
    size_t fraction = 0;
    if (at < end && *at == '.') {
        fraction = digits(at + 1, end);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        const size_t exponent = digits(at, end);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == end;
}

static bool is_word(const char *bytes, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(bytes, word, len) == 0;
}

/* What is no number but is one of IEEE 754. */
static bool is_no_finite(const char *bytes, size_t len)
{
    return is_word(bytes, len, "nan") || is_word(bytes, len, "inf") ||
           is_word(bytes, len, "infinity");
}

/* 0: no number.  What has a plus sign or a leading zero names something: it is none, either. */
static unsigned number_seen(const char *bytes, size_t len)
{
    const char *at = bytes;
    const char *const end = bytes + len;
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    const size_t whole = digits(at, end);
    if (whole == 0 && is_no_finite(at, (size_t)(end - at)))
        return READING_FLOAT;
    if (*bytes == '+' || (whole > 1 && *at == '0'))
        return 0;
    if (whole && at + whole == end)
        return whole <= INT_DIGITS_SAFE || fits(at, whole, negative) ? READING_INT : READING_FLOAT;
    return is_real(at + whole, end, whole) ? READING_FLOAT : 0;
}

/* A value of fewer than eight bytes: most are told without a look at each; 0: not told. */
static unsigned short_seen(const char *bytes, size_t len)
{
    const uint64_t within = (UINT64_C(1) << len * BYTES8) - 1;
    const uint64_t word = bytes8_load(bytes) & within;
    const uint64_t others = bytes8_no_digit(word) & within;
    const uint64_t lower = word | (BYTES8_ONES * 0x20 & within);
    static const char truths[2][BYTES8] = { "true", "false" };
    const size_t odd = others ? bytes8_first(others) : len;
    if (!others)
        return len > 1 && *bytes == '0' ? 0 : READING_INT;
    if ((others & (others - 1)) == 0 && len > 1) {
        if (bytes[odd] == '.')
            return odd > 1 && *bytes == '0' ? 0 : READING_FLOAT;
        if (odd == 0 && *bytes == '-')
            return len > 2 && bytes[1] == '0' ? 0 : READING_INT;
    }
    const bool truth = lower == bytes8_load(truths[0]) || lower == bytes8_load(truths[1]);
    return truth ? READING_BOOL : 0;
}

/* Apart, so that a short value is told without what this needs. */
__attribute__((noinline)) static unsigned long_seen(const char *bytes, size_t len)
{
    const unsigned number = len <= OPTERYX_CELL_MAX ? number_seen(bytes, len) : 0;
    if (number)
        return number;
    return is_word(bytes, len, "true") || is_word(bytes, len, "false") ? READING_BOOL
                                                                       : READING_TEXT;
}

unsigned csv_value_seen(const char *bytes, size_t len, size_t room)
{
    if (len == 0)
        return READING_NULL;
    const unsigned seen = len < BYTES8 && room >= BYTES8 ? short_seen(bytes, len) : 0;
    return seen ? seen : long_seen(bytes, len);
}
