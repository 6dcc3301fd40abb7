#include "oxen/hash.h"

#include <string.h>

enum { HALF_BITS = 64, DIGIT_BITS = 4, BYTE_BITS = 8, TEN = 10 };

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + TEN;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + TEN;
    return -1;
}

enum fault oxen_hash_parse(const char *text, struct oxen_hash *out, struct problem *why)
{
    uint64_t high = 0;
    uint64_t low = 0;
    if (text[0] == '\0')
        return problem_set(why, FAULT_MALFORMED,
                           "Invalid integer: cannot parse integer from empty string");
    const char *at = text[0] == '+' && text[1] != '\0' ? text + 1 : text;
    for (; *at; at++) {
        const int value = digit_value(*at);
        if (value < 0)
            return problem_set(why, FAULT_MALFORMED,
                               "Invalid integer: invalid digit found in string");
        if (high >> (HALF_BITS - DIGIT_BITS) != 0)
            return problem_set(why, FAULT_MALFORMED,
                               "Invalid integer: number too large to fit in target type");
        high = high << DIGIT_BITS | low >> (HALF_BITS - DIGIT_BITS);
        low = low << DIGIT_BITS | (uint64_t)value;
    }
    *out = oxen_hash_of(high, low);
    return FAULT_NONE;
}

static void put_half(uint64_t half, uint8_t *out)
{
    for (int shift = HALF_BITS - BYTE_BITS; shift >= 0; shift -= BYTE_BITS)
        *out++ = (uint8_t)(half >> shift);
}

struct oxen_hash oxen_hash_of(uint64_t high, uint64_t low)
{
    struct oxen_hash hash = { { 0 } };
    put_half(high, hash.bytes);
    put_half(low, hash.bytes + OXEN_HASH_BYTES / 2);
    return hash;
}

void oxen_hash_text(const struct oxen_hash *hash, char out[OXEN_HASH_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < OXEN_HASH_BYTES; i++) {
        const uint8_t byte = hash->bytes[i];
        if (len > 0 || byte >> DIGIT_BITS)
            out[len++] = digits[byte >> DIGIT_BITS];
        if (len > 0 || byte || i + 1 == OXEN_HASH_BYTES)
            out[len++] = digits[byte & 0x0F];
    }
    out[len] = '\0';
}

bool oxen_hash_same(const struct oxen_hash *a, const struct oxen_hash *b)
{
    return memcmp(a->bytes, b->bytes, OXEN_HASH_BYTES) == 0;
}
