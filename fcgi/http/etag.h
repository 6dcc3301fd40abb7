/*
 * etag.h - entity tags in conditions (RFC 9110 sections 8.8.3 and 13.1).
 */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include <stdbool.h>

/* Whether a list of tags, as If-None-Match holds it, names etag (with its quotes) by weak
 * comparison; "*" names every one.  list may be NULL; what follows a malformed tag is not read. */
bool etag_listed(const char *list, const char *etag);

/* Whether If-Match lets the request go on: it is absent, "*", or names etag by strong comparison.
 * etag may be NULL, which only "*" matches. */
bool etag_allows(const char *if_match, const char *etag);

/* Whether If-Range lets a Range stand: it is absent, or names etag by strong comparison.  A date
 * never matches, since contents have none.  etag may be NULL. */
bool etag_allows_range(const char *if_range, const char *etag);

#endif
