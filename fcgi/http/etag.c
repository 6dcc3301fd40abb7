#include "http/etag.h"

#include <stddef.h>
#include <string.h>

enum { WEAK_LEN = 2 }; /* "W/" */

static bool is_weak(const char *tag)
{
    return strncmp(tag, "W/", WEAK_LEN) == 0;
}

static const char *opaque(const char *tag)
{
    return is_weak(tag) ? tag + WEAK_LEN : tag;
}

/* The length of the quoted text at the start, quotes included, 0 when there is none. */
static size_t quoted_len(const char *text)
{
    if (text[0] != '"')
        return 0;
    const char *end = strchr(text + 1, '"');
    return end ? (size_t)(end - text) + 1 : 0;
}

/* strong: a weak tag of the list matches nothing. */
static bool listed(const char *list, const char *etag, bool strong)
{
    const char *wanted = opaque(etag);
    const size_t wanted_len = strlen(wanted);
    const char *at = list + strspn(list, " \t,");
    if (strcmp(at, "*") == 0)
        return true;
    while (*at) {
        const bool weak = is_weak(at);
        at = opaque(at);
        const size_t len = quoted_len(at);
        if (len == 0)
            return false;
        if (len == wanted_len && memcmp(at, wanted, len) == 0 && !(strong && weak))
            return true;
        at += len;
        at += strspn(at, " \t,");
    }
    return false;
}

bool etag_listed(const char *list, const char *etag)
{
    return list && listed(list, etag, false);
}

bool etag_allows(const char *if_match, const char *etag)
{
    return !if_match || !if_match[0] || strcmp(if_match, "*") == 0 ||
           (etag && !is_weak(etag) && listed(if_match, etag, true));
}

bool etag_allows_range(const char *if_range, const char *etag)
{
    return !if_range || (etag && !is_weak(etag) && strcmp(if_range, etag) == 0);
}
