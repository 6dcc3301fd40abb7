/*
 * hash.h - the name of a version: XXH3 of its bytes, 128 bits, as text in hexadecimal.
 *
 * Oxen's server reads a name as Rust's u128::from_str_radix(text, 16) does, so upper case, leading
 * zeros and one leading '+' are all spellings of one number.  Here they name one entry; answers
 * repeat the text as it was sent.
 */
#ifndef OXEN_HASH_H
#define OXEN_HASH_H

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    OXEN_HASH_BYTES = 16,
    OXEN_HASH_TEXT_MAX = 33, /* up to 32 digits and the NUL */
};

struct oxen_hash {
    uint8_t bytes[OXEN_HASH_BYTES]; /* most significant first */
};

/* Any spelling.  FAULT_MALFORMED with Oxen's words: "Invalid integer: ..." and of the first
 * character that does not fit why. */
MUST_CHECK enum fault oxen_hash_parse(const char *text, struct oxen_hash *out, struct problem *why);

/* From the two halves that a digest gives. */
struct oxen_hash oxen_hash_of(uint64_t high, uint64_t low);

/* The canonical text: lower case, no leading zeros, "0" for zero. */
void oxen_hash_text(const struct oxen_hash *hash, char out[OXEN_HASH_TEXT_MAX]);

bool oxen_hash_same(const struct oxen_hash *a, const struct oxen_hash *b);

#endif
