/*
 * entry_json.h - commits, resources and entries of trees as JSON, in the order of the recordings.
 */
#ifndef OXEN_ENTRY_JSON_H
#define OXEN_ENTRY_JSON_H

#include "base/problem.h"
#include "base/text.h"
#include "oxen/lookup.h"
#include "oxen/resource.h"
#include "oxen/tree.h"

#include <stdbool.h>
#include <stdint.h>

/* A commit's object is asked for with every entry of a list, mostly the same few: the last ones are
 * kept. */
enum { OXEN_KEPT_COMMITS = 8 };

struct oxen_entry_json {
    struct oxen_tree *tree;
    const struct oxen_resource *resource; /* whose commit and branch stand with each entry */
    const char *resource_commit;          /* its commit's object, in the arena */
    struct oxen_kept_commit {
        uint8_t hash[OXEN_HASH_BYTES];
        struct text json; /* empty: none is kept here */
    } kept[OXEN_KEPT_COMMITS];
    size_t turn;
};

/* resource may be NULL where only commits are written.  Ended by oxen_entry_json_end(), whatever it
 * returns. */
MUST_CHECK enum fault oxen_entry_json_begin(struct oxen_entry_json *json, struct oxen_tree *tree,
                                            const struct oxen_resource *resource,
                                            struct problem *why);
void oxen_entry_json_end(struct oxen_entry_json *json);

/* A commit's object, or null when its node is not stored. */
MUST_CHECK enum fault oxen_entry_json_commit(struct oxen_entry_json *json, struct text *out,
                                             const uint8_t hash[OXEN_HASH_BYTES],
                                             struct problem *why);

/* The resource's object, for a path inside it. */
void oxen_entry_json_resource(struct oxen_entry_json *json, struct text *out, const char *path);

/* The entry's object; path: of the entry, from the root. */
MUST_CHECK enum fault oxen_entry_json_entry(struct oxen_entry_json *json, struct text *out,
                                            struct oxen_found *found, const char *path,
                                            struct problem *why);

/* A dir's "metadata" object alone. */
MUST_CHECK enum fault oxen_entry_json_dir_metadata(struct oxen_entry_json *json, struct text *out,
                                                   struct oxen_found *found, struct problem *why);

#endif
