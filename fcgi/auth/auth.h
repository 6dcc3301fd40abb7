/*
 * auth.h - from a credential to a principal to a right.
 *
 * A token's text is "slc_<id>_<secret>": 16 hex digits of public id, 64 of the 256-bit secret.
 * Only the SHA-256 of the secret is stored; it is compared in constant time, also for unknown ids.
 * "Authorization: Bearer <token>" and "Basic base64(anything:<token>)" are read; nothing else
 * identifies anybody.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/limits.h"
#include "base/problem.h"
#include "http/exchange.h"
#include "http/route.h"

#include <stdbool.h>
#include <stdint.h>

enum { PRINCIPAL_ID_MAX = 24 }; /* bytes of an id with the NUL */

struct principal {
    /* What owns things: of one token and never given again, as its name may be once it was revoked.
     * "anonymous" when authentication is open, which no token's id can be. */
    char id[PRINCIPAL_ID_MAX];
    char name[NAME_MAX_BYTES]; /* of the token, for people; "anonymous" likewise */
    bool open;                 /* nobody was asked */
    char rights[NAME_MAX_BYTES];
    char scope[NAME_MAX_BYTES];
};

/* Grants or refuses the right on resource (a table, "workspace.collection.dataset" or
 * "namespace/repository"; NULL when there is none yet) of x->surface, and sets x->who; x->caller
 * is set by a good credential alone, x->resource by what was asked for.
 * FAULT_UNAUTHENTIC without a good credential, FAULT_FORBIDDEN without the right or outside the
 * scope.  With authentication open everybody is "anonymous", but only on a loopback address
 * (SERVER_ADDR, which the web server sets): elsewhere FAULT_FORBIDDEN.  May be called more than
 * once (with another resource). */
MUST_CHECK enum fault auth_require(struct exchange *x, enum right right, const char *resource,
                                   struct problem *why);

/* ---- for `sluice token` ---- */

/* rights: a list like "pinot:write,oxen:read" or "all:admin"; write includes read, admin includes
 * write.  FAULT_MALFORMED with what would be right. */
MUST_CHECK enum fault auth_rights_check(const char *rights, struct problem *why);

/* scope: a shell-like pattern ('*' and '?'), several separated by ','. */
bool auth_scope_matches(const char *scope, const char *resource);

#endif
