/*
 * names.h - what a namespace and a repository may be called, and what a path may hold.
 */
#ifndef OXEN_NAMES_H
#define OXEN_NAMES_H

#include "base/problem.h"

/* For a new repository: namespace [a-zA-Z0-9][a-zA-Z0-9_-]{1,49}, name [a-zA-Z0-9][a-zA-Z0-9_.-]+
 * and less than NAME_MAX_BYTES.  FAULT_MALFORMED with OXEN_SAID and Oxen's text. */
MUST_CHECK enum fault oxen_names_new(const char *namespace, const char *name, struct problem *why);

/* For a path: each one segment of it, not ".", "..", nor with a slash or control character inside
 * (they can come percent-encoded).  FAULT_MALFORMED with OXEN_DESCRIBED.  Names that no repository
 * can have are not refused here: there just is none. */
MUST_CHECK enum fault oxen_names_path(const char *namespace, const char *name, struct problem *why);

#endif
