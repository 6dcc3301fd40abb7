/*
 * pack.h - MessagePack (github.com/msgpack/msgpack/blob/master/spec.md), as tree nodes hold it, read
 * from memory.
 *
 * Reading is sticky: after the first value that is not what was asked for, or that passes the end,
 * nothing more is read and oxen_pack_failed() is true.  Every read takes at least one byte, so any
 * input ends.  Integers are read in all their widths, also wider ones than they need.
 */
#ifndef OXEN_PACK_H
#define OXEN_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oxen_pack {
    const unsigned char *at;
    const unsigned char *end;
    bool failed;
};

/* Bytes of the input: text without a NUL behind it, or a binary. */
struct oxen_pack_bytes {
    const char *bytes;
    size_t len;
};

struct oxen_pack oxen_pack_of(const void *bytes, size_t len);
bool oxen_pack_failed(const struct oxen_pack *pack);

/* How many elements, or pairs, follow; 0 after a failure. */
uint32_t oxen_pack_array(struct oxen_pack *pack);
uint32_t oxen_pack_map(struct oxen_pack *pack);

struct oxen_pack_bytes oxen_pack_text(struct oxen_pack *pack);
struct oxen_pack_bytes oxen_pack_binary(struct oxen_pack *pack);

/* An integer; one past INT64_MAX fails. */
int64_t oxen_pack_int(struct oxen_pack *pack);

/* An integer or a float. */
double oxen_pack_real(struct oxen_pack *pack);
bool oxen_pack_bool(struct oxen_pack *pack);

/* Whether the next value is nil, which it passes over then. */
bool oxen_pack_nil(struct oxen_pack *pack);

/* What the next value is, by its first byte. */
enum oxen_pack_kind {
    OXEN_PACK_NOTHING, /* the end, or a failure */
    OXEN_PACK_NIL,
    OXEN_PACK_BOOL,
    OXEN_PACK_INT,
    OXEN_PACK_REAL,
    OXEN_PACK_TEXT,
    OXEN_PACK_BINARY,
    OXEN_PACK_ARRAY,
    OXEN_PACK_MAP,
    OXEN_PACK_OTHER /* an extension */
};
enum oxen_pack_kind oxen_pack_next(const struct oxen_pack *pack);

/* Passes over one value with all that is in it. */
void oxen_pack_skip(struct oxen_pack *pack);

#endif
