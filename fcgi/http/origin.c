#include "http/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum {
    HOST_TEXT_MAX = 256, /* bytes of a host with its port and the NUL; longer ones are nobody's */
    LOOPBACK_NET = 127,  /* the first number of an IPv4 loopback address (RFC 1122, 3.2.1.3) */
    MAPPED_AT = 12,      /* where an IPv4 address stands in the IPv6 one that it is mapped to */
    HEADERS_TEXT_MAX = 1024, /* bytes of the header names that a preflight asks for */
};

bool origin_is_loopback(const char *address)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr four;
    struct in6_addr six;
    size_t len = address ? strlen(address) : 0;
    const bool brackets = len > 2 && address[0] == '[' && address[len - 1] == ']';
    if (brackets) {
        address++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, address, len);
    text[len] = '\0';
    if (inet_pton(AF_INET6, text, &six) == 1)
        return IN6_IS_ADDR_LOOPBACK(&six) ||
               (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[MAPPED_AT] == LOOPBACK_NET);
    return !brackets && inet_pton(AF_INET, text, &four) == 1 &&
           ntohl(four.s_addr) >> 24 == LOOPBACK_NET; /* NOLINT: the first of four bytes */
}

/* Splits "host" or "host:port" (RFC 9112 section 3.2) and hands out the host. */
static bool host_of(const char *field, char out[HOST_TEXT_MAX])
{
    const char *end = field[0] == '[' ? strchr(field, ']') : NULL;
    const size_t host = end ? (size_t)(end + 1 - field) : strcspn(field, ":");
    const char *port = field + host;
    if (host == 0 || host >= HOST_TEXT_MAX)
        return false;
    if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")] != '\0'))
        return false;
    memcpy(out, field, host);
    out[host] = '\0';
    return true;
}

static bool is_this_machine(const char *field)
{
    char host[HOST_TEXT_MAX];
    return host_of(field, host) && (strcasecmp(host, "localhost") == 0 || origin_is_loopback(host));
}

/* "https://host:port" without its scheme, or NULL.  "null" has none. */
static const char *behind_scheme(const char *origin)
{
    static const char mark[] = "://";
    const char *at = strstr(origin, mark);
    return at ? at + sizeof mark - 1 : NULL;
}

/* A page of this server: by the name that the client used, or by the public one.  The scheme is not
 * looked at, for TLS may end before us. */
static bool is_own(const struct exchange *x, const char *origin)
{
    const char *host = exchange_header(x, "Host");
    const char *named = behind_scheme(origin);
    if (named && host && strcasecmp(named, host) == 0)
        return true;
    return x->config->public_url[0] && strcasecmp(origin, x->config->public_url) == 0;
}

static bool is_listed(const struct exchange *x, const char *origin)
{
    const size_t len = strlen(origin);
    if (x->config->auth == AUTH_OPEN)
        return false;
    for (const char *at = x->config->cors_origins; *at;) {
        const char *end = strchrnul(at, ',');
        if ((size_t)(end - at) == len && strncasecmp(at, origin, len) == 0)
            return true;
        at = *end ? end + 1 : end;
    }
    return false;
}

/* Names of header fields, as a preflight lists them: they are repeated, so only what such names are
 * made of passes. */
static bool are_field_names(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_, ";
    const size_t len = strlen(text);
    return len > 0 && len < HEADERS_TEXT_MAX && strspn(text, allowed) == len;
}

static void allow(struct exchange *x, const char *origin)
{
    const char *fields = exchange_header(x, "Access-Control-Request-Headers");
    exchange_set_header(x, "Access-Control-Allow-Origin", origin);
    exchange_set_header(x, "Access-Control-Expose-Headers",
                        "X-Request-Id, ETag, Location, Content-Range, Retry-After");
    if (strcmp(x->method, "OPTIONS") != 0 || !exchange_header(x, "Access-Control-Request-Method"))
        return;
    exchange_set_header(x, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, QUERY");
    exchange_set_header(x, "Access-Control-Max-Age", "600");
    if (fields && are_field_names(fields))
        exchange_set_header(x, "Access-Control-Allow-Headers", fields);
}

static enum fault open_check(const struct exchange *x, struct problem *why)
{
    const char *host = exchange_header(x, "Host");
    const char *site = exchange_header(x, "Sec-Fetch-Site");
    if (host && !is_this_machine(host)) {
        return problem_set(why, FAULT_FORBIDDEN,
                           "authentication is off, so only localhost and loopback addresses are "
                           "served, by these names");
    }
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return problem_set(why, FAULT_FORBIDDEN,
                           "authentication is off, so pages of other sites are not served");
    return FAULT_NONE;
}

enum fault origin_check(struct exchange *x, struct problem *why)
{
    const char *origin = exchange_header(x, "Origin");
    const enum fault f = x->config->auth == AUTH_OPEN ? open_check(x, why) : FAULT_NONE;
    if (f)
        return f;
    if (x->config->cors_origins[0])
        exchange_set_header(x, "Vary", "Origin");
    if (!origin || is_own(x, origin))
        return FAULT_NONE;
    if (!is_listed(x, origin))
        return problem_set(why, FAULT_FORBIDDEN, "pages of another origin are not served");
    allow(x, origin);
    return FAULT_NONE;
}
