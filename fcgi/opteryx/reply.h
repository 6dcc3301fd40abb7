/*
 * reply.h - the answers of this surface: FastAPI's {"detail": ...} and its 422 lists.
 */
#ifndef OPTERYX_REPLY_H
#define OPTERYX_REPLY_H

#include "http/exchange.h"
#include "opteryx/validate.h"

enum {
    OPTERYX_OK = 200,
    OPTERYX_CREATED = 201,
    OPTERYX_NO_CONTENT = 204,
    OPTERYX_BAD_REQUEST = 400,
    OPTERYX_CONFLICT = 409,
    OPTERYX_INVALID = 422,
};

/* A fault's answer; the surface's refuse. */
MUST_CHECK enum fault opteryx_refuse(struct exchange *x, const struct problem *because,
                                     struct problem *why);

/* 422 with the errors of v, of which there is at least one. */
MUST_CHECK enum fault opteryx_refuse_invalid(struct exchange *x, struct validate *v,
                                             struct problem *why);

#endif
