/*
 * reply.h - how Oxen's answers look: the pieces of a success and the shapes of a refusal.
 *
 * A refusal has one of four shapes, which the recordings number:
 *   1  {"status":"error","status_message":M,"oxen_version":V}
 *   2  the same and "status_description":TEXT
 *   3  {"error":{"detail","title","type"},"status":"error","status_message":M}
 *   4  text/plain
 * The fault alone gives a shape; the codes below ask for another one.
 */
#ifndef OXEN_REPLY_H
#define OXEN_REPLY_H

#include "base/problem.h"
#include "base/text.h"
#include "http/exchange.h"

#include <stdint.h>

#define OXEN_VERSION "0.65.2" /* whose behaviour is served */

/* problem.code values of this surface */
#define OXEN_SAID "oxen_said"                       /* shape 1, the text as status_message */
#define OXEN_DESCRIBED "oxen_described"             /* shape 2 */
#define OXEN_PLAIN "oxen_plain"                     /* shape 4 */
#define OXEN_OUTDATED "oxen_outdated"               /* 426, shape 3 */
#define OXEN_NO_BRANCH "oxen_no_branch"             /* shape 3, "Branch does not exist" */
#define OXEN_NO_COMMIT "oxen_no_commit"             /* shape 3, "Commit does not exist" */
#define OXEN_NO_REVISION "oxen_no_revision"         /* shape 3, "Revision not found" */
#define OXEN_NO_RESOURCE "oxen_no_resource"         /* shape 3, "Resource not found" */
#define OXEN_NO_PATH "oxen_no_path"                 /* shape 3, "Path does not exist" */
#define OXEN_NOT_IN_REVISION "oxen_not_in_revision" /* shape 3, "Path not in revision" */
#define OXEN_NO_WORKSPACE "oxen_no_workspace"       /* shape 3, "Workspace does not exist" */
#define OXEN_DEFERRED "oxen_deferred"               /* 429, try this part again in a second */

/* surface.refuse: writes the answer that because asks for. */
MUST_CHECK enum fault oxen_refuse(struct exchange *x, const struct problem *because,
                                  struct problem *why);

/* ---- a success, built piece by piece in a text and sent once; building is sticky ---- */

/* Whether the answer says which version of Oxen speaks; those of repositories and actions do not. */
enum oxen_versioned { OXEN_UNVERSIONED, OXEN_VERSIONED };

/* Starts the object {"status":"success","status_message":message...  The text is ended by
 * oxen_reply_end(). */
void oxen_reply_begin(struct text *out, const char *message, enum oxen_versioned versioned);

/* A comma where one is needed and "name": */
void oxen_reply_key(struct text *out, const char *name);

/* Members: text (NULL is null), number, truth. */
void oxen_reply_text(struct text *out, const char *name, const char *value);
void oxen_reply_number(struct text *out, const char *name, int64_t value);
void oxen_reply_truth(struct text *out, const char *name, bool value);

/* Closes the object, sends it as 200 and releases the text, whatever it returns. */
MUST_CHECK enum fault oxen_reply_end(struct exchange *x, struct text *out, struct problem *why);

/* 404 of a batch download: which hashes (as JSON strings separated by commas, in quoted, and as
 * plain text separated by ", ") are not stored.  Sent piece by piece: the lists can be long. */
MUST_CHECK enum fault oxen_reply_missing(struct exchange *x, int64_t count,
                                         const struct text *quoted, const struct text *plain,
                                         struct problem *why);

/* 400: a branch cannot stand at a commit that reaches what is not stored. */
struct oxen_whole;
MUST_CHECK enum fault oxen_reply_unreachable(struct exchange *x, const struct oxen_whole *whole,
                                             struct problem *why);

#endif
