#include "tabular/cast_number.h"

#include "base/number.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum {
    BASE = 10,
    DIGITS_MAX = 38,            /* that 128 bits hold whatever they are */
    PLAIN_DIGITS = 18,          /* the same of 64 bits with a sign */
    EXPONENT_MAX = 1000 * 1000, /* past which an exponent is as good as endless */
    EXACT_POWER = 22,           /* 10^22 is the last power that a double holds exactly */
};

__extension__ typedef unsigned __int128 wide;

/* magnitude times 10 to the power of exponent; no zeros end the magnitude. */
struct decimal {
    wide magnitude;
    int64_t exponent;
    bool negative;
    bool too_long; /* it has more than DIGITS_MAX digits */
};

struct scan {
    const char *at;
    const char *end;
    struct decimal number;
    int digits;      /* of the magnitude */
    int64_t pending; /* zeros that end the magnitude so far */
};

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* A run of digits; returns how many. */
static int64_t digits(struct scan *scan)
{
    const char *from = scan->at;
    for (; is_digit(scan); scan->at++) {
        struct decimal *number = &scan->number;
        if (*scan->at == '0') {
            scan->pending += scan->digits > 0;
            continue;
        }
        number->too_long = number->too_long || scan->digits + scan->pending + 1 > DIGITS_MAX;
        for (; !number->too_long && scan->pending > 0; scan->pending--, scan->digits++)
            number->magnitude = number->magnitude * (unsigned)BASE;
        scan->pending = 0;
        scan->digits++;
        if (!number->too_long)
            number->magnitude = number->magnitude * (unsigned)BASE + (unsigned)(*scan->at - '0');
    }
    return scan->at - from;
}

static bool exponent(struct scan *scan, int64_t *out)
{
    const char *from = ++scan->at;
    int64_t value = 0;
    const bool negative = scan->at < scan->end && *scan->at == '-';
    if (scan->at < scan->end && (*scan->at == '-' || *scan->at == '+'))
        from = ++scan->at;
    for (; is_digit(scan); scan->at++)
        value = value < EXPONENT_MAX ? value * BASE + (*scan->at - '0') : EXPONENT_MAX;
    *out = negative ? -value : value;
    return scan->at > from;
}

/* false: it is no number. */
static bool read_decimal(const char *bytes, size_t len, struct decimal *out)
{
    struct scan scan = { .at = bytes, .end = bytes + len };
    int64_t power = 0;
    scan.number.negative = len && *bytes == '-';
    scan.at += len && (*bytes == '-' || *bytes == '+');
    int64_t all = digits(&scan);
    int64_t behind = 0;
    if (scan.at < scan.end && *scan.at == '.') {
        scan.at++;
        behind = digits(&scan);
        all += behind;
    }
    if (all == 0)
        return false;
    if (scan.at < scan.end && (*scan.at == 'e' || *scan.at == 'E') && !exponent(&scan, &power))
        return false;
    scan.number.exponent = power - behind + scan.pending;
    *out = scan.number;
    return scan.at == scan.end;
}

/* The whole number that a decimal times 10^scale is, below 10^DIGITS_MAX. */
static bool whole(const struct decimal *number, int scale, wide *out)
{
    const int64_t power = number->exponent + scale;
    wide value = number->magnitude;
    if (number->too_long)
        return false;
    if (value != 0 && (power < 0 || power > DIGITS_MAX))
        return false;
    for (int64_t i = 0; value != 0 && i < power; i++) {
        if (__builtin_mul_overflow(value, (wide)BASE, &value))
            return false;
    }
    *out = value;
    return true;
}

/* The digits of most numbers, without more than a sign. */
static bool plain(const char *bytes, size_t len, int64_t *out)
{
    const bool negative = len && *bytes == '-';
    const size_t from = negative ? 1 : 0;
    int64_t value = 0;
    if (len == from || len - from > PLAIN_DIGITS)
        return false;
    for (size_t i = from; i < len; i++) {
        const unsigned digit = (unsigned)(unsigned char)bytes[i] - '0';
        if (digit >= BASE)
            return false;
        value = value * BASE + (int64_t)digit;
    }
    *out = negative ? -value : value;
    return true;
}

bool cast_number_integer(const char *bytes, size_t len, int64_t least, int64_t most, int64_t *out)
{
    struct decimal number;
    wide value = 0;
    if (plain(bytes, len, out))
        return *out >= least && *out <= most;
    if (!read_decimal(bytes, len, &number) || !whole(&number, 0, &value))
        return false;
    const wide bound = number.negative ? (wide)(-(least + 1)) + 1 : (wide)most;
    if (value > bound || (number.negative && least >= 0 && value > 0))
        return false;
    *out = number.negative ? (int64_t)(-(cell_decimal)value) : (int64_t)value;
    return true;
}

bool cast_number_natural(const char *bytes, size_t len, uint64_t most, uint64_t *out)
{
    struct decimal number;
    wide value = 0;
    if (!read_decimal(bytes, len, &number) || !whole(&number, 0, &value))
        return false;
    *out = (uint64_t)value;
    return value <= most && (value == 0 || !number.negative);
}

bool cast_number_decimal(const char *bytes, size_t len, int precision, int scale, cell_decimal *out)
{
    struct decimal number;
    wide value = 0;
    wide bound = 1;
    for (int i = 0; i < precision; i++)
        bound = bound * (unsigned)BASE;
    if (!read_decimal(bytes, len, &number) || !whole(&number, scale, &value) || value >= bound)
        return false;
    *out = number.negative ? -(cell_decimal)value : (cell_decimal)value;
    return true;
}

static bool is_word(const char *bytes, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(bytes, word, len) == 0;
}

static bool no_finite(const char *bytes, size_t len, double *out)
{
    const bool negative = len && *bytes == '-';
    const size_t sign = len && (*bytes == '-' || *bytes == '+');
    if (is_word(bytes + sign, len - sign, "nan"))
        *out = (double)NAN;
    else if (is_word(bytes + sign, len - sign, "inf") ||
             is_word(bytes + sign, len - sign, "infinity"))
        *out = negative ? -HUGE_VAL : HUGE_VAL;
    else
        return false;
    return true;
}

/* Both are exact, so that their product or quotient is rounded once (Clinger, 1990). */
static bool exact_real(const struct decimal *number, double *out)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const int64_t power = number->exponent;
    if (number->too_long || number->magnitude > UINT64_C(1) << DBL_MANT_DIG ||
        power > EXACT_POWER || power < -EXACT_POWER)
        return false;
    const double magnitude = (double)(uint64_t)number->magnitude;
    const double value = power < 0 ? magnitude / powers[-power] : magnitude * powers[power];
    *out = number->negative ? -value : value;
    return true;
}

bool cast_number_real(const char *bytes, size_t len, bool single, double *out)
{
    struct decimal number;
    if (!read_decimal(bytes, len, &number))
        return no_finite(bytes, len, out);
    if (!single && exact_real(&number, out))
        return true;
    return number_nearest(bytes, len, single, out);
}
