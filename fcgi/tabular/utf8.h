/*
 * utf8.h - whether a stream is well-formed UTF-8 (RFC 3629), piece by piece.
 */
#ifndef TABULAR_UTF8_H
#define TABULAR_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: the start of a stream. */
struct utf8 {
    uint64_t offset;  /* bytes that came before the current piece */
    uint64_t bad_at;  /* offset of the first byte of what is wrong */
    uint64_t open_at; /* offset of the sequence that a piece ended in */
    uint8_t want;     /* bytes that it still needs */
    uint8_t least;    /* bounds of the next of them */
    uint8_t most;
};

/* Takes a piece; *ascii tells whether it is ASCII alone.  false at the first bad byte. */
bool utf8_feed(struct utf8 *utf8, const void *bytes, size_t len, bool *ascii);

/* The stream is over: false when it ends inside a sequence. */
bool utf8_end(struct utf8 *utf8);

/* Whether len bytes hold one that is no ASCII. */
bool utf8_is_wide(const void *bytes, size_t len);

#endif
