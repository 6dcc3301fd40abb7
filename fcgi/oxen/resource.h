/*
 * resource.h - "{revision}/{path}" of an address, where a revision is a commit or a branch, whose name
 * may have slashes.
 *
 * The client pastes paths into addresses almost as they are, so the address is decoded leniently: what
 * is no escape stands for itself.  Empty and "." segments are dropped; ".." is refused.
 */
#ifndef OXEN_RESOURCE_H
#define OXEN_RESOURCE_H

#include "base/problem.h"
#include "db/oxen_store.h"
#include "http/exchange.h"
#include "oxen/hash.h"

#include <stdbool.h>

/* Texts are in the arena. */
struct oxen_resource {
    const char *text;   /* all of it, as it was asked for: decoded, without empty segments */
    const char *branch; /* NULL when the revision is a commit */
    struct oxen_hash commit;
    const char *version; /* the branch, or the commit as it was written */
    const char *path;    /* inside the repository, "" for its root */
    const char *raw;     /* the same, undecoded */
};

/* Of the route's last capture.  *found is false when no commit of the repository and no branch is named
 * so: text is set all the same.  FAULT_MALFORMED for "..", for bytes that are no UTF-8. */
MUST_CHECK enum fault oxen_resource_read(struct exchange *x,
                                         const struct oxen_repository *repository,
                                         struct oxen_resource *out, bool *found,
                                         struct problem *why);

/* A commit's hash or a branch's name, as one captured segment. */
MUST_CHECK enum fault oxen_resource_revision(struct exchange *x, int64_t repository,
                                             const char *text, struct oxen_hash *out, bool *found,
                                             struct problem *why);

/* A path of len bytes without empty and "." segments, in the arena; NULL when that is full. */
char *oxen_resource_tidy(struct exchange *x, const char *path, size_t len);

/* 404 of a path or revision that there is not, in the words of the route. */
enum fault oxen_resource_missing(const char *code, const char *text, struct problem *why);

#endif
