#include "stream/digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zlib.h>

struct digest {
    unsigned kinds;
    EVP_MD_CTX *sha256; /* NULL unless asked for */
    EVP_MD_CTX *copy;   /* finalised in place of sha256, which goes on */
    XXH3_state_t *xxh3; /* NULL unless asked for */
    uint32_t crc32;
};

/* A digest that libcrypto could not compute must never pass for one that it did.  It fails only
 * when the machine is out of memory, so the process ends and nobody gets an answer. */
static void must(bool done)
{
    if (!done)
        abort();
}

struct digest *digest_create(unsigned kinds)
{
    struct digest *digest = calloc(1, sizeof *digest);
    if (!digest)
        return NULL;
    digest->kinds = kinds;
    bool made = true;
    if (kinds & DIGEST_SHA256) {
        digest->sha256 = EVP_MD_CTX_new();
        digest->copy = EVP_MD_CTX_new();
        made = digest->sha256 && digest->copy &&
               EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL) == 1;
    }
    if (kinds & DIGEST_XXH3) {
        digest->xxh3 = XXH3_createState(); /* the state wants 64-byte alignment */
        made = made && digest->xxh3;
    }
    if (!made) {
        digest_destroy(digest);
        return NULL;
    }
    digest_reset(digest);
    return digest;
}

void digest_destroy(struct digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->sha256);
    EVP_MD_CTX_free(digest->copy);
    (void)XXH3_freeState(digest->xxh3);
    free(digest);
}

void digest_reset(struct digest *digest)
{
    if (digest->sha256) /* no type: the one that it has, without a look-up or an allocation */
        must(EVP_DigestInit_ex(digest->sha256, NULL, NULL) == 1);
    if (digest->xxh3)
        (void)XXH3_128bits_reset(digest->xxh3);
    digest->crc32 = 0;
}

/* An empty piece may come with NULL, which zlib takes for the wish to start anew. */
void digest_add(struct digest *digest, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (digest->sha256)
        must(EVP_DigestUpdate(digest->sha256, bytes, len) == 1);
    if (digest->xxh3)
        (void)XXH3_128bits_update(digest->xxh3, bytes, len);
    if (digest->kinds & DIGEST_CRC32)
        digest->crc32 = (uint32_t)crc32_z(digest->crc32, bytes, len);
}

void digest_sha256(struct digest *digest, uint8_t out[DIGEST_SHA256_BYTES])
{
    must(digest->sha256 && EVP_MD_CTX_copy_ex(digest->copy, digest->sha256) == 1 &&
         EVP_DigestFinal_ex(digest->copy, out, NULL) == 1);
}

uint32_t digest_crc32(const struct digest *digest)
{
    return digest->crc32;
}

void digest_xxh3(const struct digest *digest, uint64_t *high, uint64_t *low)
{
    const XXH128_hash_t hash = XXH3_128bits_digest(digest->xxh3);
    *high = hash.high64;
    *low = hash.low64;
}

void digest_xxh3_hex(const struct digest *digest, char out[DIGEST_XXH3_HEX_MAX])
{
    uint64_t high = 0;
    uint64_t low = 0;
    digest_xxh3(digest, &high, &low);
    if (high != 0) {
        (void)snprintf(out, DIGEST_XXH3_HEX_MAX, "%llx%016llx", (unsigned long long)high,
                       (unsigned long long)low);
    } else {
        (void)snprintf(out, DIGEST_XXH3_HEX_MAX, "%llx", (unsigned long long)low);
    }
}

static void canonical(XXH128_hash_t hash, uint8_t out[DIGEST_XXH3_BYTES])
{
    XXH128_canonical_t bytes;
    XXH128_canonicalFromHash(&bytes, hash);
    memcpy(out, bytes.digest, DIGEST_XXH3_BYTES);
}

void digest_xxh3_bytes(const struct digest *digest, uint8_t out[DIGEST_XXH3_BYTES])
{
    canonical(XXH3_128bits_digest(digest->xxh3), out);
}

void digest_xxh3_of(const void *bytes, size_t len, uint8_t out[DIGEST_XXH3_BYTES])
{
    canonical(XXH3_128bits(bytes, len), out);
}

void digest_sha256_of(const void *bytes, size_t len, uint8_t out[DIGEST_SHA256_BYTES])
{
    must(EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) == 1);
}
