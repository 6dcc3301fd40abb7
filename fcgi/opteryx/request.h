/*
 * request.h - what the handlers of this surface have in common: bodies, names, columns to show.
 */
#ifndef OPTERYX_REQUEST_H
#define OPTERYX_REQUEST_H

#include "db/opteryx_store.h"
#include "http/exchange.h"
#include "opteryx/validate.h"
#include "tabular/columns.h"

#include <json-c/json.h>
#include <stdbool.h>

/* The JSON body of a request, checked by validate_json(); its errors are in v.  optional: no body
 * at all is no error, *out is then NULL.  *out lives in the arena. */
MUST_CHECK enum fault opteryx_request_json(struct exchange *x, struct validate *v, bool optional,
                                           json_object **out, struct problem *why);

/* "workspace.collection.dataset", in the arena; NULL when that is full. */
const char *opteryx_request_table(struct exchange *x, const struct opteryx_target *target);

/* The session of the path; "" for the id of a contract, which no session's is. */
const char *opteryx_request_session(const struct exchange *x);

/* The file name of x-file-name, from the Latin-1 of HTTP headers (RFC 9110 section 5.5) to UTF-8;
 * NULL when there is none. */
const char *opteryx_request_file_name(struct exchange *x);

/* Counts len more decoded bytes of the body in: a few bytes that become a disk full of them are
 * FAULT_TOO_LARGE by the operator's bound, where the decoder's own would let them pass. */
MUST_CHECK enum fault opteryx_request_ratio(const struct exchange *x, uint64_t *decoded, size_t len,
                                            struct problem *why);

/* The commit id of If-Match, in quotes or not, or OPTERYX_ANY_COMMIT; NULL without the header. */
const char *opteryx_request_if_match(struct exchange *x);

/* The id of a commit that this request makes.  It opens with a letter, so that nobody takes it for
 * a number. */
void opteryx_request_commit_id(const struct exchange *x, char out[OPTERYX_COMMIT_ID_MAX]);

/* {"columns":[{"name","type"}]}; NULL when out of memory. */
json_object *opteryx_request_schema(const struct columns *columns);

/* A fault for a json object that could not be made. */
enum fault opteryx_request_no_memory(struct problem *why);

#endif
