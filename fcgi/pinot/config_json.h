/*
 * config_json.h - what the configs of schemas and tables have in common as JSON: members that Pinot
 * does not know are taken out and told, what it fills in is filled in, and the whole is kept.
 */
#ifndef PINOT_CONFIG_JSON_H
#define PINOT_CONFIG_JSON_H

#include "base/arena.h"
#include "base/problem.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Parses one JSON object, which the caller puts as soon as it can: it may be large.
 * FAULT_MALFORMED and FAULT_TOO_LARGE, the text behind prefix. */
MUST_CHECK enum fault config_json_parse(const char *text, size_t len, const char *prefix,
                                        json_object **out, struct problem *why);

/* An empty object, released with the arena: path to value of the members that were taken out. */
MUST_CHECK enum fault config_json_unknown(struct arena *arena, json_object **out,
                                          struct problem *why);

/* Moves the members that are not in the list (ended by NULL) from object to unrecognized, as
 * "<path>/<name>"; false when out of memory. */
bool config_json_take_unknown(json_object *object, const char *const *members, const char *path,
                              json_object *unrecognized);

/* Adds what from has and onto lacks, also in objects below; false when out of memory. */
bool config_json_fill(json_object *onto, json_object *from);

/* The object below a member; NULL when there is none, or object is NULL. */
json_object *config_json_member(json_object *object, const char *name);

/* The text of object, in the arena.  FAULT_TOO_LARGE. */
MUST_CHECK enum fault config_json_keep(json_object *object, struct arena *arena, const char **out,
                                       struct problem *why);

/* A copy of text in the arena; NULL stays NULL. */
MUST_CHECK enum fault config_json_keep_text(const char *text, struct arena *arena, const char **out,
                                            struct problem *why);

/* FAULT_INTERNAL: no memory for a config. */
enum fault config_json_no_memory(struct problem *why);

#endif
