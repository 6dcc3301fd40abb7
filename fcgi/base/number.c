#include "base/number.h"

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
    return in_base(text, len, 16, out);
}

bool number_octal(const char *text, size_t len, uint64_t *out)
{
    return in_base(text, len, 8, out);
}
