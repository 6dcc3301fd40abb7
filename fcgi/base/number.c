#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

static bool in_base(const char *text, size_t len, unsigned base, uint64_t *out)
{
    uint64_t value = 0;
    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        const int digit = digit_value(text[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool number_u64(const char *text, size_t len, uint64_t *out)
{
    return in_base(text, len, 10, out);
}

bool number_i64(const char *text, size_t len, int64_t *out)
{
    uint64_t magnitude = 0;
    const bool negative = len > 0 && text[0] == '-';
    const size_t skip = negative ? 1 : 0;
    const uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (!in_base(text + skip, len - skip, 10, &magnitude) || magnitude > most)
        return false;
    if (negative)
        *out = magnitude > INT64_MAX ? INT64_MIN : -(int64_t)magnitude;
    else
        *out = (int64_t)magnitude;
    return true;
}

bool number_hex64(const char *text, size_t len, uint64_t *out)
{
    enum { DIGITS_MAX = 16 };
    return len <= DIGITS_MAX && in_base(text, len, 16, out);
}

bool number_octal(const char *text, size_t len, uint64_t *out)
{
    return in_base(text, len, 8, out);
}

static size_t digits(const char *text, size_t len)
{
    size_t count = 0;
    while (count < len && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* The length of "e", an optional sign and digits at text, 0 when it is none. */
static size_t exponent(const char *text, size_t len)
{
    if (len == 0 || (text[0] != 'e' && text[0] != 'E'))
        return 0;
    const size_t sign = len > 1 && (text[1] == '+' || text[1] == '-') ? 1 : 0;
    const size_t count = digits(text + 1 + sign, len - 1 - sign);
    return count > 0 ? 1 + sign + count : 0;
}

size_t number_json_len(const char *text, size_t len, bool *integer)
{
    size_t at = len > 0 && text[0] == '-' ? 1 : 0;
    const size_t whole = at < len && text[at] == '0' ? 1 : digits(text + at, len - at);
    if (whole == 0)
        return 0;
    at += whole;
    *integer = true;
    const size_t fraction = at < len && text[at] == '.' ? digits(text + at + 1, len - at - 1) : 0;
    if (fraction > 0) {
        at += 1 + fraction;
        *integer = false;
    }
    const size_t power = exponent(text + at, len - at);
    if (power > 0)
        *integer = false;
    return at + power;
}

bool number_nearest(const char *text, size_t len, bool single, double *out)
{
    char copy[NUMBER_TEXT_MAX];
    if (len == 0 || len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    const double value = single ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool number_double(const char *text, size_t len, double *out)
{
    bool integer = false;
    return number_json_len(text, len, &integer) == len && number_nearest(text, len, false, out);
}
