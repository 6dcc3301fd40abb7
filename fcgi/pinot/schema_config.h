/*
 * schema_config.h - schemas: checked as the controller checks them, and kept as a whole.
 *
 * Members that Pinot does not know are left out and told ("unrecognizedProperties"), and each column's
 * kind is filled in.
 */
#ifndef PINOT_SCHEMA_CONFIG_H
#define PINOT_SCHEMA_CONFIG_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* What tables and later schemas must agree with. */
struct schema_columns {
    json_object *types; /* column to "DIMENSION STRING", with " MV" behind it for many values */
    json_object *keys;  /* list of the primary key's columns; NULL: none */
};

struct schema_config {
    const char *name;              /* with its database; owned by the arena */
    const char *config;            /* JSON; owned by the arena */
    json_object *unrecognized;     /* path to value; owned by the arena */
    struct schema_columns columns; /* owned by the arena */
};

/* text: the JSON that the client sent.  FAULT_MALFORMED for what is no JSON, for a schema without a
 * usable name, for columns without a name or with one twice or with white space, for a data type that
 * there is not or that the kind of column cannot have, and for keys that are no columns. */
MUST_CHECK enum fault schema_config_parse(const char *text, size_t len, const char *database,
                                          struct arena *arena, struct schema_config *out,
                                          struct problem *why);

/* The same for an object that is parsed already and changed here; out->unrecognized is there, and
 * members are told below path. */
MUST_CHECK enum fault schema_config_read(json_object *schema, const char *path,
                                         const char *database, struct arena *arena,
                                         struct schema_config *out, struct problem *why);

/* The columns of a schema that was kept, ended by schema_columns_release().  Kept before columns were checked, it may have some that
 * would not be taken today; those are passed over. */
MUST_CHECK enum fault schema_columns_read(const char *config, struct schema_columns *out,
                                          struct problem *why);
void schema_columns_release(struct schema_columns *columns);

/* Whether name is a column of time. */
bool schema_columns_has_time(const struct schema_columns *columns, const char *name);

/* Whether a schema with the columns after can take the place of one with the columns before: all
 * columns are there, with the same data type and number of values, and so are the keys.  details gets
 * what is in the way, a line each, in the controller's words. */
bool schema_columns_agree(const struct schema_columns *before, const struct schema_columns *after,
                          struct text *details);

#endif
