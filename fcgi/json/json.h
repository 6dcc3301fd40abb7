/*
 * json.h - JSON in and out, on json-c's objects.
 *
 * The grammar is RFC 8259 to the letter and stands in json.c: json-c's own parser takes NaN, single
 * quotes, comments and TRUE, and cuts large integers, even in its strict mode.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include "base/problem.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Where a text stopped being JSON. */
struct json_error {
    size_t offset;      /* in characters (code points), as Python's json counts */
    const char *reason; /* static: "Expecting value", ... in Python's words where they fit */
};

/* Parses one JSON value (RFC 8259; white space around it is fine, anything else is not).  Depth
 * JSON_DEPTH_MAX, well-formed UTF-8 only, no NaN or Infinity, no byte order mark.  Of members with
 * one name the last wins.  Half a surrogate pair becomes U+FFFD.  An integer outside int64 becomes
 * the nearest double; a number past all doubles, or longer than NUMBER_TEXT_MAX, is refused, and so
 * is a NUL in a member's name.  error may be NULL.  FAULT_MALFORMED; FAULT_TOO_LARGE when
 * the values would take more than JSON_TREE_MAX bytes of memory.  The caller owns *out (NULL is a valid result: the value null). */
MUST_CHECK enum fault json_parse(const char *bytes, size_t len, json_object **out,
                                 struct json_error *error, struct problem *why);

/* A member of an object when it is text; NULL when absent, null or another type, or when it holds a
 * NUL. */
const char *json_text_of(json_object *object, const char *name);

/* Appends a JSON string literal, quotes and escapes included; bytes that are no UTF-8 become U+FFFD. */
void json_quote(struct text *out, const char *bytes, size_t len);

/* A string object; bytes that are no UTF-8 become U+FFFD.  NULL text is a JSON null. */
json_object *json_string(const char *text);

/* A value whose JSON text is made already, for what would be a large tree; text is copied.  NULL
 * when out of memory. */
json_object *json_raw(const char *text);

/* Adds a member and takes value; false (and value released) when out of memory. */
bool json_add(json_object *object, const char *name, json_object *value);

/* Compact text of value into out, '/' unescaped; what is no UTF-8 becomes U+FFFD. */
void json_write(struct text *out, json_object *value);

#endif
