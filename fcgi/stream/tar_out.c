#include "stream/tar_out.h"

#include <stdio.h>
#include <string.h>

/* Where the fields of a header lie, and their bytes. */
enum {
    NAME_LEN = 100,
    MODE_AT = 100,
    OWNER_AT = 108,
    GROUP_AT = 116,
    SIZE_AT = 124,
    SIZE_LEN = 12,
    TIME_AT = 136,
    SUM_AT = 148,
    SUM_LEN = 8,
    KIND_AT = 156,
    MAGIC_AT = 257,
    BASE_256 = 0x80, /* first byte of a number that is not octal */
    BYTE_BITS = 8,
};

#define SIZE_OCTAL_MAX (UINT64_C(1) << 33)

static void put_text(uint8_t *at, const char *text)
{
    while (*text)
        *at++ = (uint8_t)*text++;
}

static void put_size(uint8_t *at, uint64_t bytes)
{
    char octal[SIZE_LEN + BYTE_BITS * 2];
    if (bytes < SIZE_OCTAL_MAX) {
        (void)snprintf(octal, sizeof octal, "%0*llo", SIZE_LEN - 1, (unsigned long long)bytes);
        put_text(at, octal);
        return;
    }
    at[0] = BASE_256;
    for (size_t i = SIZE_LEN - 1; i > 0; i--) {
        at[i] = (uint8_t)bytes;
        bytes >>= BYTE_BITS;
    }
}

bool tar_out_header(const char *name, uint64_t bytes, uint8_t out[TAR_OUT_BLOCK])
{
    char octal[SUM_LEN + BYTE_BITS];
    unsigned sum = 0;
    if (strlen(name) > NAME_LEN)
        return false;
    memset(out, 0, TAR_OUT_BLOCK);
    put_text(out, name);
    put_text(out + MODE_AT, "0000644");
    put_text(out + OWNER_AT, "0000000");
    put_text(out + GROUP_AT, "0000000");
    put_size(out + SIZE_AT, bytes);
    put_text(out + TIME_AT, "00000000000");
    put_text(out + KIND_AT, "0");
    put_text(out + MAGIC_AT, "ustar  ");
    memset(out + SUM_AT, ' ', SUM_LEN); /* as the sum is defined */
    for (size_t i = 0; i < TAR_OUT_BLOCK; i++)
        sum += out[i];
    (void)snprintf(octal, sizeof octal, "%06o", sum);
    put_text(out + SUM_AT, octal);
    out[SUM_AT + SUM_LEN - 2] = '\0';
    return true;
}

size_t tar_out_padding(uint64_t bytes)
{
    const size_t over = (size_t)(bytes % TAR_OUT_BLOCK);
    return over ? TAR_OUT_BLOCK - over : 0;
}
