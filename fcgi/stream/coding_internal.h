/*
 * coding_internal.h - what coding.c asks of a library that decodes: one engine a coding.
 *
 * A stream is one gzip member, one zstd frame, or all of deflate and br.
 */
#ifndef STREAM_CODING_INTERNAL_H
#define STREAM_CODING_INTERNAL_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call of a library: what it may read and write, and what it did. */
struct coding_step {
    const uint8_t *in; /* moves on as the library reads */
    size_t in_len;
    uint8_t *out;
    size_t room; /* bytes of out that it may fill */
    size_t made; /* bytes of them that it has filled */
    bool ended;  /* the stream is complete; bytes after it are not read */
};

struct coding_engine {
    /* Zeros after a stream are padding: tape blocks, and what tar writes to a pipe. */
    bool padded;
    /* NULL when out of memory. */
    void *(*create)(void);
    /* engine may be NULL. */
    void (*destroy)(void *engine);
    /* Forgets a stream that was left in its middle. */
    void (*reset)(void *engine);
    /* A stream begins with step's first byte, at least one; nothing is read yet.  again: one has
     * ended before it. */
    enum fault (*begin)(void *engine, const struct coding_step *step, bool again,
                        struct problem *why);
    /* Reads and writes as far as it can. */
    enum fault (*step)(void *engine, struct coding_step *step, struct problem *why);
};

extern const struct coding_engine coding_gzip_engine;
extern const struct coding_engine coding_deflate_engine;
extern const struct coding_engine coding_br_engine;
extern const struct coding_engine coding_zstd_engine;
extern const struct coding_engine coding_lz4_engine;

/* Faults that every coding knows; name: as coding_name() has it. */
enum fault coding_bad_header(const char *name, struct problem *why);
enum fault coding_bad_checksum(const char *name, struct problem *why);
enum fault coding_corrupt(const char *name, struct problem *why);
enum fault coding_trailing(const char *name, struct problem *why);
enum fault coding_dictionary(const char *name, struct problem *why);
enum fault coding_window(const char *name, int mib, struct problem *why); /* mib: what is served */

#endif
