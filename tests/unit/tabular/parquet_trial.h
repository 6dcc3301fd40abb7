/*
 * parquet_trial.h - Parquet files without pages, made element by element.
 */
#ifndef TESTS_PARQUET_TRIAL_H
#define TESTS_PARQUET_TRIAL_H

#include "base/arena.h"
#include "base/limits.h"
#include "reading_trace.h"
#include "tabular/parquet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    FILE_MAX = 4 * MIB,
    MAGIC_LEN = 4,
    LENGTH_LEN = 4,
    BYTE_BITS = 8,
    /* Thrift's compact protocol */
    I8 = 3,
    I32 = 5,
    I64 = 6,
    BINARY = 8,
    LIST = 9,
    STRUCT = 12,
};

/* A file that is being made. */
struct file {
    unsigned char *bytes;
    size_t len;
    int field; /* the last one's number */
};

static inline void put(struct file *file, const void *bytes, size_t len)
{
    assert_true(file->len + len <= FILE_MAX);
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}

static inline void put_byte(struct file *file, unsigned byte)
{
    const unsigned char one = (unsigned char)byte;
    put(file, &one, 1);
}

static inline void put_varint(struct file *file, uint64_t value)
{
    for (; value > 0x7F; value >>= 7)
        put_byte(file, 0x80 | (value & 0x7F));
    put_byte(file, (unsigned)value);
}

static inline void put_field(struct file *file, int id, unsigned type)
{
    const int delta = id - file->field;
    put_byte(file, delta < 16 ? (unsigned)delta << 4 | type : type);
    if (delta >= 16)
        put_varint(file, (uint64_t)id << 1);
    file->field = id;
}

static inline void put_number(struct file *file, int id, unsigned type, int64_t value)
{
    put_field(file, id, type);
    put_varint(file, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static inline void put_list(struct file *file, int id, size_t count)
{
    put_field(file, id, LIST);
    put_byte(file, 0xF0 | STRUCT);
    put_varint(file, count);
}

/* An element as the tables below write it: children 0 is a leaf; -1 stands for "not given". */
struct element {
    const char *name;
    int physical;
    int length;
    int repetition;
    int children;
    int converted;
    int logical;
    int more[2]; /* of the logical type: precision and scale, unit, or width and sign */
    int precision;
    int scale;
};

enum { NO = -1, REQUIRED = 0, OPTIONAL, REPEATED };
enum { BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED };

/* The members of a logical type; the number of the last field is kept. */
static inline void put_logical(struct file *file, const struct element *e)
{
    enum { DECIMAL = 5, TIME = 7, TIMESTAMP = 8, INTEGER = 10 };
    enum { TRUE_FIELD = 1, FALSE_FIELD = 2, UNION = 10 };
    put_field(file, UNION, STRUCT);
    file->field = 0;
    put_field(file, e->logical, STRUCT);
    file->field = 0;
    if (e->logical == DECIMAL) {
        put_number(file, 1, I32, e->more[1]);
        put_number(file, 2, I32, e->more[0]);
    } else if (e->logical == INTEGER) {
        put_field(file, 1, I8);
        put_byte(file, (unsigned)e->more[0]);
        put_field(file, 2, e->more[1] ? TRUE_FIELD : FALSE_FIELD);
    } else if (e->logical == TIME || e->logical == TIMESTAMP) {
        put_field(file, 1, TRUE_FIELD);
        put_field(file, 2, STRUCT);
        file->field = 0;
        put_field(file, e->more[0], STRUCT);
        put_byte(file, 0); /* of MILLIS, MICROS or NANOS */
        put_byte(file, 0); /* of the unit */
    }
    put_byte(file, 0);
    put_byte(file, 0);
    file->field = UNION;
}

static inline void put_element(struct file *file, const struct element *e)
{
    const int numbers[][2] = {
        { 1, e->physical },
        { 2, e->length ? e->length : NO },
        { 3, e->repetition },
    };
    file->field = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i][1] != NO)
            put_number(file, numbers[i][0], I32, numbers[i][1]);
    }
    put_field(file, 4, BINARY);
    put_varint(file, strlen(e->name));
    put(file, e->name, strlen(e->name));
    if (e->children)
        put_number(file, 5, I32, e->children);
    if (e->converted != NO)
        put_number(file, 6, I32, e->converted);
    if (e->precision) {
        put_number(file, 7, I32, e->scale);
        put_number(file, 8, I32, e->precision);
    }
    if (e->logical)
        put_logical(file, e);
    put_byte(file, 0);
}

/* Row groups of some rows, each with the schema's leaves and no pages. */
static inline void put_groups(struct file *file, const int64_t *rows, size_t count, size_t leaves)
{
    put_list(file, 4, count);
    for (size_t i = 0; i < count; i++) {
        file->field = 0;
        put_list(file, 1, leaves);
        for (size_t leaf = 0; leaf < leaves; leaf++)
            put_byte(file, 0);
        put_number(file, 3, I64, rows[i]);
        put_byte(file, 0);
    }
}

static inline void file_begin(struct file *file)
{
    *file = (struct file){ .bytes = malloc(FILE_MAX) };
    assert_non_null(file->bytes);
    put(file, "PAR1", MAGIC_LEN);
}

static inline void file_end(struct file *file)
{
    const size_t len = file->len - MAGIC_LEN;
    for (size_t i = 0; i < LENGTH_LEN; i++)
        put_byte(file, (unsigned)(len >> (BYTE_BITS * i)) & 0xFF);
    put(file, "PAR1", MAGIC_LEN);
}

static inline enum fault read_back(void *ctx, uint64_t offset, void *out, size_t len, size_t *got,
                                   struct problem *why)
{
    const struct file *file = ctx;
    (void)why;
    assert_true(offset <= file->len);
    *got = len < file->len - (size_t)offset ? len : file->len - (size_t)offset;
    memcpy(out, file->bytes + offset, *got);
    return FAULT_NONE;
}

/* What is read of a file that is complete, which is let go. */
static inline void trace_of(struct file *file, char trace[TRACE_MAX])
{
    const struct thrift_source source = { file, read_back };
    struct arena *arena = arena_create(ARENA_MAX);
    struct reading reading = { .rows = 0 };
    struct problem why = PROBLEM_NONE;
    const enum fault f = parquet_read(&source, file->len, arena, &reading, &why);
    assert_true(f == FAULT_NONE || f == FAULT_UNPROCESSABLE);
    if (f)
        (void)snprintf(trace, TRACE_MAX, "%s", why.text);
    else
        trace_write(&reading, trace);
    arena_destroy(arena);
    free(file->bytes);
}

enum { ELEMENTS_MAX = 8 };

#define GROUP(name, repetition, children, converted)                                               \
    {                                                                                              \
        name, NO, 0, repetition, children, converted, 0, { 0 }, 0, 0                               \
    }
#define LEAF(name, repetition, physical)                                                           \
    {                                                                                              \
        name, physical, 0, repetition, 0, NO, 0, { 0 }, 0, 0                                       \
    }
#define OLD(physical, length, converted, precision, scale)                                         \
    {                                                                                              \
        "c", physical, length, OPTIONAL, 0, converted, 0, { 0 }, precision, scale                  \
    }
#define NEW(physical, length, logical, first, second)                                              \
    {                                                                                              \
        "c", physical, length, OPTIONAL, 0, NO, logical, { first, second }, 0, 0                   \
    }

#endif
