#include "oxen/pack.h"

#include <string.h>

/* First bytes of values. */
enum {
    FIXMAP = 0x80,
    FIXARRAY = 0x90,
    FIXTEXT = 0xA0,
    NIL = 0xC0,
    NEVER = 0xC1,
    FALSE_BYTE = 0xC2,
    TRUE_BYTE = 0xC3,
    BIN8 = 0xC4,
    BIN32 = 0xC6,
    EXT8 = 0xC7,
    EXT32 = 0xC9,
    FLOAT32 = 0xCA,
    FLOAT64 = 0xCB,
    UINT8 = 0xCC,
    UINT64 = 0xCF,
    INT8 = 0xD0,
    INT64 = 0xD3,
    FIXEXT1 = 0xD4,
    FIXEXT16 = 0xD8,
    TEXT8 = 0xD9,
    TEXT32 = 0xDB,
    ARRAY16 = 0xDC,
    ARRAY32 = 0xDD,
    MAP16 = 0xDE,
    MAP32 = 0xDF,
    NEGATIVE = 0xE0,
    NIBBLE = 0x0F,
    TEXT_LENGTH = 0x1F,
    BYTE_BITS = 8,
};

struct oxen_pack oxen_pack_of(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    return (struct oxen_pack){ at, at + len, false };
}

bool oxen_pack_failed(const struct oxen_pack *pack)
{
    return pack->failed;
}

static size_t left(const struct oxen_pack *pack)
{
    return (size_t)(pack->end - pack->at);
}

/* The first byte of the next value; NEVER, which begins none, after a failure. */
static unsigned head(struct oxen_pack *pack)
{
    if (pack->failed || left(pack) == 0) {
        pack->failed = true;
        return NEVER;
    }
    return *pack->at++;
}

/* A number of so many bytes, the most significant first. */
static uint64_t number(struct oxen_pack *pack, unsigned bytes)
{
    uint64_t value = 0;
    if (pack->failed || left(pack) < bytes) {
        pack->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value = value << BYTE_BITS | *pack->at++;
    return value;
}

static struct oxen_pack_bytes take(struct oxen_pack *pack, uint64_t len)
{
    if (pack->failed || len > left(pack)) {
        pack->failed = true;
        return (struct oxen_pack_bytes){ "", 0 };
    }
    const struct oxen_pack_bytes out = { (const char *)pack->at, (size_t)len };
    pack->at += len;
    return out;
}

/* Of the three widths of a length, the one that first says: 1, 2 or 4 bytes. */
static uint64_t length(struct oxen_pack *pack, unsigned first, unsigned least)
{
    return number(pack, 1U << (first - least));
}

uint32_t oxen_pack_array(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first >= FIXARRAY && first < FIXTEXT)
        return first & NIBBLE;
    if (first == ARRAY16 || first == ARRAY32)
        return (uint32_t)number(pack, 2U << (first - ARRAY16));
    pack->failed = true;
    return 0;
}

uint32_t oxen_pack_map(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first >= FIXMAP && first < FIXARRAY)
        return first & NIBBLE;
    if (first == MAP16 || first == MAP32)
        return (uint32_t)number(pack, 2U << (first - MAP16));
    pack->failed = true;
    return 0;
}

struct oxen_pack_bytes oxen_pack_text(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first >= FIXTEXT && first < NIL)
        return take(pack, first & TEXT_LENGTH);
    if (first >= TEXT8 && first <= TEXT32)
        return take(pack, length(pack, first, TEXT8));
    pack->failed = true;
    return (struct oxen_pack_bytes){ "", 0 };
}

struct oxen_pack_bytes oxen_pack_binary(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first >= BIN8 && first <= BIN32)
        return take(pack, length(pack, first, BIN8));
    pack->failed = true;
    return (struct oxen_pack_bytes){ "", 0 };
}

/* The value of a signed integer of 8, 16, 32 or 64 bits. */
static int64_t widen(uint64_t value, unsigned bytes)
{
    switch (bytes) {
    case sizeof(int8_t):
        return (int8_t)value;
    case sizeof(int16_t):
        return (int16_t)value;
    case sizeof(int32_t):
        return (int32_t)value;
    default:
        return (int64_t)value;
    }
}

int64_t oxen_pack_int(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first < FIXMAP)
        return first;
    if (first >= NEGATIVE)
        return (int8_t)first;
    if (first >= UINT8 && first <= UINT64) {
        const uint64_t value = number(pack, 1U << (first - UINT8));
        if (value <= INT64_MAX)
            return (int64_t)value;
    } else if (first >= INT8 && first <= INT64) {
        const unsigned bytes = 1U << (first - INT8);
        return widen(number(pack, bytes), bytes);
    }
    pack->failed = true;
    return 0;
}

double oxen_pack_real(struct oxen_pack *pack)
{
    double value = 0;
    float narrow = 0;
    if (oxen_pack_next(pack) == OXEN_PACK_INT)
        return (double)oxen_pack_int(pack);
    const unsigned first = head(pack);
    if (first == FLOAT64) {
        const uint64_t bits = number(pack, sizeof value);
        memcpy(&value, &bits, sizeof value);
    } else if (first == FLOAT32) {
        const uint32_t bits = (uint32_t)number(pack, sizeof narrow);
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    } else {
        pack->failed = true;
    }
    return pack->failed ? 0 : value;
}

bool oxen_pack_bool(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    pack->failed = pack->failed || (first != FALSE_BYTE && first != TRUE_BYTE);
    return first == TRUE_BYTE;
}

bool oxen_pack_nil(struct oxen_pack *pack)
{
    if (oxen_pack_next(pack) != OXEN_PACK_NIL)
        return false;
    pack->at++;
    return true;
}

enum oxen_pack_kind oxen_pack_next(const struct oxen_pack *pack)
{
    if (pack->failed || left(pack) == 0)
        return OXEN_PACK_NOTHING;
    const unsigned first = *pack->at;
    if (first < FIXMAP || first >= NEGATIVE || (first >= UINT8 && first <= INT64))
        return OXEN_PACK_INT;
    if (first < FIXARRAY || first >= MAP16)
        return OXEN_PACK_MAP;
    if (first < FIXTEXT || first >= ARRAY16)
        return OXEN_PACK_ARRAY;
    if (first < NIL || first >= TEXT8)
        return OXEN_PACK_TEXT;
    if (first == NIL)
        return OXEN_PACK_NIL;
    if (first == FALSE_BYTE || first == TRUE_BYTE)
        return OXEN_PACK_BOOL;
    if (first >= BIN8 && first <= BIN32)
        return OXEN_PACK_BINARY;
    if (first == FLOAT32 || first == FLOAT64)
        return OXEN_PACK_REAL;
    return first == NEVER ? OXEN_PACK_NOTHING : OXEN_PACK_OTHER;
}

static void skip_extension(struct oxen_pack *pack)
{
    const unsigned first = head(pack);
    if (first >= EXT8 && first <= EXT32)
        (void)take(pack, 1 + length(pack, first, EXT8));
    else if (first >= FIXEXT1 && first <= FIXEXT16)
        (void)take(pack, 1 + (UINT64_C(1) << (first - FIXEXT1)));
    else
        pack->failed = true;
}

/* Passes over the head of one value; how many values of its own follow. */
static uint64_t skip_one(struct oxen_pack *pack)
{
    switch (oxen_pack_next(pack)) {
    case OXEN_PACK_NIL:
    case OXEN_PACK_BOOL:
        pack->at++;
        return 0;
    case OXEN_PACK_INT:
    case OXEN_PACK_REAL: {
        const unsigned first = head(pack);
        if (first == FLOAT32 || first == FLOAT64)
            (void)number(pack, first == FLOAT32 ? sizeof(float) : sizeof(double));
        else if (first >= UINT8 && first <= UINT64)
            (void)number(pack, 1U << (first - UINT8));
        else if (first >= INT8 && first <= INT64)
            (void)number(pack, 1U << (first - INT8));
        return 0;
    }
    case OXEN_PACK_TEXT:
        (void)oxen_pack_text(pack);
        return 0;
    case OXEN_PACK_BINARY:
        (void)oxen_pack_binary(pack);
        return 0;
    case OXEN_PACK_ARRAY:
        return oxen_pack_array(pack);
    case OXEN_PACK_MAP:
        return 2 * (uint64_t)oxen_pack_map(pack);
    case OXEN_PACK_OTHER:
        skip_extension(pack);
        return 0;
    case OXEN_PACK_NOTHING:
        break;
    }
    pack->failed = true;
    return 0;
}

void oxen_pack_skip(struct oxen_pack *pack)
{
    for (uint64_t open = 1; open > 0 && !pack->failed; open--) {
        const uint64_t inside = skip_one(pack);
        if (inside > left(pack)) /* each takes a byte at least */
            pack->failed = true;
        open += inside;
    }
}
