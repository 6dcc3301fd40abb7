/*
 * route.h - which handler answers a request, and in whose dialect.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "base/problem.h"
#include "http/exchange.h"

#include <stddef.h>

/* problem.code values of the faults that routing itself raises */
#define ROUTE_UNKNOWN "route_unknown" /* FAULT_MISSING: no route has this path */
#define ROUTE_METHOD "route_method"   /* FAULT_METHOD: routes have it, with other methods */

/* What a route asks of the caller; auth.h grants it. */
enum right { RIGHT_NONE, RIGHT_READ, RIGHT_WRITE, RIGHT_ADMIN };

struct route {
    const char *method;
    const char *pattern; /* "/v1/upload/{session}/commit"; a {name} takes one segment that is not
                          * empty, a last "{rest...}" all that remain, at least one; a last
                          * "{rest%...}" too, also when there are bad percent escapes in the path:
                          * the handler decodes it itself */
    enum right right;    /* handlers with a right must call auth_require() before they succeed */
    enum fault (*handle)(struct exchange *x, struct problem *why);
};

struct surface {
    const char *name;            /* "pinot", "opteryx", "oxen": the log's and the rights' word */
    const char *const *prefixes; /* paths it owns, NULL-terminated: "/segments" owns itself and what
                                    is below; a final '/' owns only what is below */
    const struct route *routes;
    size_t route_count;
    /* Runs before a handler and before 404 and 405; may be NULL.  Sets headers that every answer of
     * the surface carries, and may refuse. */
    enum fault (*gate)(struct exchange *x, struct problem *why);
    /* Writes the error answer in the surface's dialect: statuses and bodies are known here only. */
    enum fault (*refuse)(struct exchange *x, const struct problem *because, struct problem *why);
};

/* Finds surface and route of an opened exchange and runs the handler; an answer has been given
 * when it returns (or the client is gone).  fallback answers for paths that nobody owns.  The first
 * route of the table that fits wins.  404 for an unknown path, 405 with Allow for a known one with
 * another method; HEAD runs the GET route, OPTIONS answers 204 with Allow.  Returns the fault that
 * was answered, for the log. */
enum fault route_serve(struct exchange *x, const struct surface *const *surfaces, size_t count,
                       const struct surface *fallback, struct problem *why);

/* The same for a request whose body is not there yet and may not be wanted: instead of the handler
 * allow() is asked for the route's right (auth_require does it), and a status of 200 without a body
 * says that the request may come. */
enum fault route_allow(struct exchange *x, const struct surface *const *surfaces, size_t count,
                       const struct surface *fallback,
                       enum fault (*allow)(struct exchange *x, enum right right,
                                           const char *resource, struct problem *why),
                       struct problem *why);

/* Answers a fault of exchange_open(), which why holds, in the dialect of the path's surface. */
enum fault route_refuse(struct exchange *x, const struct surface *const *surfaces, size_t count,
                        const struct surface *fallback, struct problem *why);

#endif
