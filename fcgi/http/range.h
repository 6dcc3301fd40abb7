/*
 * range.h - which bytes of a content a request asks for (RFC 9110 section 14).
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdint.h>

enum range_kind {
    RANGE_WHOLE,        /* no range, one that is malformed or of another unit, or several */
    RANGE_PART,         /* 206 */
    RANGE_UNSATISFIABLE /* 416 */
};

/* first and count are set for RANGE_PART alone; count is never 0. */
struct range {
    enum range_kind kind;
    uint64_t first;
    uint64_t count;
};

/* value: the Range header or NULL; size: bytes of the content.  "bytes=a-b", "bytes=a-" and
 * "bytes=-n"; a server may ignore every other form (section 14.2), and this one does. */
struct range range_parse(const char *value, uint64_t size);

#endif
