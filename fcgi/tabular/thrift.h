/*
 * thrift.h - Thrift's compact protocol, read from a content by small pieces.
 *
 * Reading is sticky: the first failure is remembered in why and fault, later calls return zeros,
 * and the caller asks once.  Every length is checked against what is left, so that hostile numbers
 * cost nothing.  (thrift/doc/specs/thrift-compact-protocol.md)
 */
#ifndef TABULAR_THRIFT_H
#define TABULAR_THRIFT_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    THRIFT_WINDOW = 16 * 1024, /* bytes read at once */
    THRIFT_DEPTH_MAX = 32,     /* structs, lists and maps around a value */
};

/* Where the bytes lie. */
struct thrift_source {
    void *ctx;
    /* Reads up to len bytes at offset; *got is 0 at the end. */
    enum fault (*read)(void *ctx, uint64_t offset, void *bytes, size_t len, size_t *got,
                       struct problem *why);
};

enum thrift_type {
    THRIFT_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13,
};

struct thrift {
    const struct thrift_source *source;
    uint64_t offset; /* of the next byte to be read into the window */
    uint64_t end;
    size_t at;
    size_t len;
    enum fault fault;
    struct problem *why; /* the caller's */
    unsigned char window[THRIFT_WINDOW];
};

/* Reads the bytes from offset to end.  why receives the first failure. */
void thrift_init(struct thrift *thrift, const struct thrift_source *source, uint64_t offset,
                 uint64_t end, struct problem *why);

/* Remembers a failure: FAULT_UNPROCESSABLE "the part is not Parquet: <what>". */
void thrift_fail(struct thrift *thrift, const char *what);

/* The next field of a struct: its type, THRIFT_STOP at the end or after a failure.  *id is that of
 * the field before, 0 at the start, and becomes this one's. */
enum thrift_type thrift_field(struct thrift *thrift, int16_t *id);

/* A number of any integer type, as fields hold them. */
int64_t thrift_integer(struct thrift *thrift);

/* A number of type byte, without its sign. */
int thrift_byte(struct thrift *thrift);

/* The head of a list: the number of its elements, which is not more than the bytes left. */
uint64_t thrift_list(struct thrift *thrift, enum thrift_type *element);

/* A text of at most max bytes, which are copied to out with a NUL; *len without it. */
void thrift_text(struct thrift *thrift, char *out, size_t max, size_t *len);

/* Passes over a value of a type. */
void thrift_skip(struct thrift *thrift, enum thrift_type type);

#endif
