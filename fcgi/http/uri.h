/*
 * uri.h - path and query of a raw REQUEST_URI.
 *
 * The raw form is split first and each piece is percent-decoded once, because the web servers
 * normalise everything else differently (RFC 3986 section 2.4).
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>

struct uri_pair {
    const char *name;
    const char *value; /* "" when there was no '=' or nothing behind it */
};

/* Everything in the arena, NUL-terminated, decoded. */
struct uri {
    const char *path;  /* raw, without the query */
    const char *query; /* raw, "" when none */
    const char *segments[PATH_SEGMENTS_MAX];
    bool bad_escape;      /* a segment holds what is no percent escape, and stands undecoded */
    size_t segment_count; /* "/" has one empty segment; a trailing '/' gives an empty last one */
    struct uri_pair pairs[QUERY_PAIRS_MAX];
    size_t pair_count;
};

/* Splits and decodes.  '+' is a space in the query alone.  A bad percent escape, or that of a NUL, in
 * the path is left to the routes (bad_escape); in the query it is FAULT_MALFORMED, as are a control character that is not escaped, bytes that are no UTF-8, a path that does not begin
 * with '/', or over a limit; more than PATH_SEGMENTS_MAX segments: FAULT_MISSING.  After a fault
 * out holds what could be read, cut to its limits and with the segments undecoded from the bad one
 * on: enough to tell whose path it was. */
MUST_CHECK enum fault uri_parse(const char *raw, struct arena *arena, struct uri *out,
                                struct problem *why);

/* Writes segment with everything escaped that does not stand for itself in every part of an address
 * (RFC 3986 section 2.3); false when it does not fit with its NUL. */
MUST_CHECK bool uri_escape(const char *segment, char *out, size_t room);

/* The last value of name, NULL when absent. */
const char *uri_query(const struct uri *uri, const char *name);

#endif
