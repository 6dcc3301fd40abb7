/*
 * validate.h - what FastAPI checks before a handler runs, and the 422 body it answers with.
 *
 * Opteryx's service is a FastAPI application; its clients show its answers to people.  All errors
 * of a request are reported together, in the order of the fields, as
 * {"detail":[{"type","loc","msg","input"[,"ctx"]}, ...]}, byte for byte as FastAPI 0.165 with
 * pydantic 2.14 writes them.
 */
#ifndef OPTERYX_VALIDATE_H
#define OPTERYX_VALIDATE_H

#include "base/problem.h"
#include "base/text.h"
#include "db/opteryx_store.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALIDATE_DIGITS_MAX = 4300 }; /* digits of an integer that Python reads from text */

enum { VALIDATE_LOC_MAX = 4 }; /* names of a place */

/* Where a value stands: "body", "target", "dataset". */
struct validate_loc {
    const char *names[VALIDATE_LOC_MAX];
};

/* The errors found so far. */
struct validate {
    size_t count;
    struct text detail; /* the array without its closing bracket */
};

/* A commit's body. */
struct commit_request {
    struct opteryx_target target;
    const char *message; /* borrowed from the body; NULL when absent or null */
    enum opteryx_mode mode;
};

/* An integer parameter. */
struct validate_bounds {
    const char *where; /* "query" or "path" */
    const char *name;
    int64_t least;
    int64_t most;
};

void validate_init(struct validate *v);
void validate_release(struct validate *v);

/* The whole body of the answer, to be called once; valid until validate_release(). */
const char *validate_body(struct validate *v, size_t *len);

/* A part number in text, as pydantic reads integers ("007", "+7", " 7 ", "1_0", "7.0"), from 0 to
 * OPTERYX_PARTS_MAX - 1.  where: "query" or "path"; text NULL: the parameter is missing. */
void validate_part(struct validate *v, const char *where, const char *text, int64_t *out);

/* The same for any integer; text NULL leaves *out as it is. */
void validate_integer(struct validate *v, const struct validate_bounds *bounds, const char *text,
                      int64_t *out);

/* A JSON body: parsed when content_type says that it is JSON, else an error that quotes it.
 * FAULT_MALFORMED when the body is no UTF-8 (FastAPI answers 400).  *out is the caller's, NULL for
 * null; it is set only when v has no error. */
MUST_CHECK enum fault validate_json(struct validate *v, const char *content_type, const char *bytes,
                                    size_t len, json_object **out, struct problem *why);

/* The parsed body of POST /v1/upload/{session}/commit. */
void validate_commit(struct validate *v, json_object *body, struct commit_request *out);

/* The parsed body of POST /v1/upload/session: {}, or a target that may be null. */
void validate_session(struct validate *v, json_object *body, struct opteryx_target *out,
                      bool *has_target);

/* The parsed body of a rollback: {"snapshot": "<commit id>"}; borrowed from the body. */
void validate_rollback(struct validate *v, json_object *body, const char **snapshot);

/* Whether a text is a workspace, collection or dataset: 1 to OPTERYX_NAME_MAX letters, digits, '_'
 * and '-'. */
bool validate_is_name(const char *text);

/* ---- for bodies of other routes: each adds its error ---- */

void validate_error(struct validate *v, const char *type, const struct validate_loc *loc,
                    const char *message, json_object *input);

/* The same about a text, with the JSON of "ctx" or NULL.  input NULL: null. */
void validate_error_text(struct validate *v, const char *type, const struct validate_loc *loc,
                         const char *message, const char *input, const char *ctx);

/* Whether value is an object. */
bool validate_object(struct validate *v, const struct validate_loc *loc, json_object *value);

/* A required member of an object. */
bool validate_member(struct validate *v, const struct validate_loc *loc, json_object *object,
                     const char *name, json_object **out);

/* A text without NUL, borrowed; NULL for anything else. */
const char *validate_string(struct validate *v, const struct validate_loc *loc, json_object *value);

/* {"workspace","collection","dataset"}, loc ["body","target"]. */
void validate_target_object(struct validate *v, json_object *value, struct opteryx_target *out);

/* "workspace.collection.dataset" in three; false when it is not that. */
bool validate_target(const char *text, struct opteryx_target *out);

#endif
