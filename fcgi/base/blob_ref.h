/*
 * blob_ref.h - where a content lies and what it is: what a row holds of it and what blob/ makes of
 * that.
 */
#ifndef BASE_BLOB_REF_H
#define BASE_BLOB_REF_H

#include <stdint.h>

enum { BLOB_DIGEST_BYTES = 16 };

struct blob_ref {
    int64_t file;  /* the store's number of the file: the writing worker's, then the file's own */
    int64_t start; /* byte offset in it */
    int64_t bytes; /* length of the content */
    /* XXH3 of the bytes, 128 bits, most significant byte first; all zero: not known, as of a
     * content that is older than digests or still arrives in parts. */
    uint8_t digest[BLOB_DIGEST_BYTES];
};

#endif
