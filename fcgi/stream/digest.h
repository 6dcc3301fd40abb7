/*
 * digest.h - checksums of a stream; a route asks only for those that it needs.
 */
#ifndef STREAM_DIGEST_H
#define STREAM_DIGEST_H

#include "base/problem.h"

#include <stddef.h>
#include <stdint.h>

enum digest_kind {
    DIGEST_SHA256 = 1 << 0, /* libcrypto */
    DIGEST_XXH3 = 1 << 1,   /* XXH3, 128 bits, seed 0; libxxhash.  Not cryptographic */
    DIGEST_CRC32 = 1 << 2,  /* zlib's crc32() */
};

enum {
    DIGEST_SHA256_BYTES = 32,
    DIGEST_XXH3_BYTES = 16,
    DIGEST_XXH3_HEX_MAX = 33, /* up to 32 digits and the NUL */
};

struct digest;

/* kinds: digest_kind values or-ed.  Owned by the caller; NULL when out of memory. */
struct digest *digest_create(unsigned kinds);
void digest_destroy(struct digest *digest);

/* Back to the empty stream, same kinds; no allocation. */
void digest_reset(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t len);

/* Results of what was added so far, which may go on; only of kinds that were asked for.  When
 * libcrypto has no memory left, digest_sha256() ends the process: there is no wrong result. */
void digest_sha256(struct digest *digest, uint8_t out[DIGEST_SHA256_BYTES]);
uint32_t digest_crc32(const struct digest *digest);
/* The 128 bits as two halves, and as Oxen prints them: lower-case hex without leading zeros. */
void digest_xxh3(const struct digest *digest, uint64_t *high, uint64_t *low);
void digest_xxh3_hex(const struct digest *digest, char out[DIGEST_XXH3_HEX_MAX]);

/* The same 128 bits, most significant byte first. */
void digest_xxh3_bytes(const struct digest *digest, uint8_t out[DIGEST_XXH3_BYTES]);
void digest_xxh3_of(const void *bytes, size_t len, uint8_t out[DIGEST_XXH3_BYTES]);

/* SHA-256 of one piece of memory. */
void digest_sha256_of(const void *bytes, size_t len, uint8_t out[DIGEST_SHA256_BYTES]);

#endif
