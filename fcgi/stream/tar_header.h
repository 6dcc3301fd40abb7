/*
 * tar_header.h - the blocks of a tar archive that are read whole: an entry's header (POSIX.1-2017,
 * pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format") and pax records.
 */
#ifndef STREAM_TAR_HEADER_H
#define STREAM_TAR_HEADER_H

#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAR_BLOCK = 512,           /* bytes; headers and padded contents are multiples of it */
    TAR_HEADER_NAME_MAX = 256, /* bytes of prefix "/" name without the NUL */
};

/* What a header introduces: an entry, or a description of the next one. */
enum tar_role {
    TAR_ROLE_FILE,       /* '0', NUL (before POSIX), '7' (contiguous) */
    TAR_ROLE_FOLDER,     /* '5' */
    TAR_ROLE_OTHER,      /* links, devices, and letters that we do not know */
    TAR_ROLE_PAX,        /* 'x': records for the next entry */
    TAR_ROLE_PAX_GLOBAL, /* 'g': records for all entries that follow */
    TAR_ROLE_LONG_NAME,  /* 'L': GNU, the next entry's name */
    TAR_ROLE_LONG_LINK,  /* 'K': GNU, the next entry's link target */
};

struct tar_header {
    enum tar_role role;
    uint64_t bytes; /* at most INT64_MAX */
    size_t name_len;
    char name[TAR_HEADER_NAME_MAX + 1];
};

bool tar_header_is_zero(const uint8_t block[TAR_BLOCK]);

/* FAULT_MALFORMED for a checksum that is neither the sum of unsigned nor that of signed bytes (both
 * are in use), and for a size that is no number, negative, or past INT64_MAX.  Numbers are octal
 * between blanks and NULs, or base 256 where the first byte has its high bit set. */
MUST_CHECK enum fault tar_header_parse(const uint8_t block[TAR_BLOCK], struct tar_header *out,
                                       struct problem *why);

/* What the records of one pax header say that matters here. */
struct tar_pax {
    const char *path; /* borrowed, not NUL-terminated; NULL when absent */
    size_t path_len;
    bool has_size;
    uint64_t size; /* at most INT64_MAX */
};

/* FAULT_MALFORMED for anything but "LEN key=value\n" records, a size that is no decimal number, an
 * empty path (which would delete one), path or size twice, and GNU.sparse keys, whose contents are
 * not the file's. */
MUST_CHECK enum fault tar_pax_parse(const char *records, size_t len, struct tar_pax *out,
                                    struct problem *why);

#endif
