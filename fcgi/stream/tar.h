/*
 * tar.h - tar archives (POSIX ustar and pax, GNU long names), parsed while they stream.
 *
 * A push parser: any cut of the stream gives the same events.  Nothing is ever extracted: names
 * are handed up as they stand, the reader decides.  A pax size wins over the header's
 * (CVE-2025-62518); header checksums are verified; sizes in base 256 are read.  The archive ends
 * with a zero block (two are usual, one or none at the end of the input is accepted when no entry
 * is open); what follows the zero blocks must be zeros.  Limits: limits.h, TAR_*.
 *
 * Readers of tar disagree about archives that say a thing twice, and that is how contents are
 * smuggled past one of them.  So these are FAULT_MALFORMED: content on anything but a file (links,
 * devices, folders, unknown types), an entry named or sized twice by pax or GNU headers, a global
 * pax header that names or sizes, sparse files, sizes that are negative or past INT64_MAX.
 */
#ifndef STREAM_TAR_H
#define STREAM_TAR_H

#include "base/problem.h"
#include "stream/sink.h"

#include <stddef.h>
#include <stdint.h>

enum tar_kind { TAR_FILE, TAR_FOLDER, TAR_OTHER }; /* TAR_OTHER: links, devices, fifos, ... */

/* Borrowed, valid during entry_begin only.  A file whose name ends with a slash is a folder, as
 * before POSIX. */
struct tar_head {
    const char *name; /* NUL-terminated, name_len bytes; a name with a NUL inside is refused */
    size_t name_len;
    enum tar_kind kind;
    uint64_t bytes; /* of content that follow; 0 for what has none */
};

/* Events of one entry come in this order: begin, body (any number, also none), end. */
struct tar_sink {
    enum fault (*entry_begin)(void *ctx, const struct tar_head *head, struct problem *why);
    enum fault (*entry_body)(void *ctx, const void *bytes, size_t len, struct problem *why);
    enum fault (*entry_end)(void *ctx, struct problem *why);
};

struct tar;

MUST_CHECK enum fault tar_create(const struct tar_sink *sink, void *ctx, struct tar **out,
                                 struct problem *why);
void tar_destroy(struct tar *tar);

/* FAULT_MALFORMED for what is not tar, FAULT_TOO_LARGE past TAR_ENTRIES_MAX; texts name the entry
 * where one is known.  It is a bytes_sink with the parser as its ctx, so that a decoder can feed
 * it. */
MUST_CHECK enum fault tar_feed(void *tar, const void *bytes, size_t len, struct problem *why);

/* The input is over: FAULT_MALFORMED when it ended inside a header or an entry. */
MUST_CHECK enum fault tar_end(struct tar *tar, struct problem *why);

#endif
