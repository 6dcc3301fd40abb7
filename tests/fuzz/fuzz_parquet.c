/*
 * fuzz_parquet.c - any bytes between two PAR1 are read or refused as a footer.
 */
#include "fuzz_reading.h"
#include "tabular/parquet.h"

#include <stdio.h>

enum { MAGIC_LEN = 4, LENGTH_LEN = 4, FOOTER_MAX = 1 << 20 };

struct bytes {
    const unsigned char *at;
    size_t len;
};

static enum fault read_back(void *ctx, uint64_t offset, void *out, size_t len, size_t *got,
                            struct problem *why)
{
    const struct bytes *bytes = ctx;
    (void)why;
    assert(offset <= bytes->len);
    const size_t left = bytes->len - (size_t)offset;
    *got = len < left ? len : left;
    memcpy(out, bytes->at + offset, *got);
    return FAULT_NONE;
}

static void read(const struct bytes *bytes)
{
    const struct thrift_source source = { (void *)(uintptr_t)bytes, read_back };
    struct reading reading = { .rows = 0 };
    struct problem why = PROBLEM_NONE;
    struct text out;
    struct arena *arena = arena_create(ARENA_MAX);
    assert(arena);
    text_init(&out, FUZZ_TRACE_MAX);
    const enum fault f = parquet_read(&source, bytes->len, arena, &reading, &why);
    assert(f == why.fault);
    assert(f == FAULT_NONE || f == FAULT_UNPROCESSABLE || f == FAULT_TOO_LARGE);
    if (!f)
        fuzz_reading_write(&reading, &out);
    assert(!text_failed(&out));
    text_release(&out);
    arena_destroy(arena);
}

/* As it is, and as a footer with the right length and both magics around it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct bytes plain = { bytes, len };
    read(&plain);
    if (len > FOOTER_MAX)
        return 0;
    unsigned char *file = malloc(MAGIC_LEN + len + LENGTH_LEN + MAGIC_LEN);
    assert(file);
    memcpy(file, "PAR1", MAGIC_LEN);
    memcpy(file + MAGIC_LEN, bytes, len);
    for (size_t i = 0; i < LENGTH_LEN; i++)
        file[MAGIC_LEN + len + i] = (unsigned char)(len >> (8 * i));
    memcpy(file + MAGIC_LEN + len + LENGTH_LEN, "PAR1", MAGIC_LEN);
    const struct bytes framed = { file, MAGIC_LEN + len + LENGTH_LEN + MAGIC_LEN };
    read(&framed);
    free(file);
    return 0;
}
