/*
 * blob_ref.h - where a content lies: what a row holds of it and what blob/ makes of that.
 */
#ifndef BASE_BLOB_REF_H
#define BASE_BLOB_REF_H

#include <stdint.h>

struct blob_ref {
    int64_t file;  /* the store's number of the file: the writing worker's, then the file's own */
    int64_t start; /* byte offset in it */
    int64_t bytes; /* length of the content */
};

#endif
