/*
 * table_config.h - table configs: what a push depends on is checked and taken out, the whole is kept.
 *
 * As Pinot does, members that it does not know are left out and told ("unrecognizedProperties"), and
 * the values that it fills in are there when the config is read back.
 */
#ifndef PINOT_TABLE_CONFIG_H
#define PINOT_TABLE_CONFIG_H

#include "base/arena.h"
#include "base/problem.h"
#include "db/pinot_store_config.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_config {
    struct pinot_table table;  /* texts owned by the arena */
    json_object *unrecognized; /* path to value; owned by the arena */
};

/* text: the JSON that the client sent.  FAULT_MALFORMED for what is no JSON, for a missing or
 * unknown table type, an unusable name, a replication, quota or retention that does not parse. */
MUST_CHECK enum fault table_config_parse(const char *text, size_t len, const char *database,
                                         struct arena *arena, struct table_config *out,
                                         struct problem *why);

/* The same for an object that is parsed already and changed here; out->unrecognized is there, and
 * members are told below path. */
MUST_CHECK enum fault table_config_read(json_object *config, const char *path, const char *database,
                                        struct arena *arena, struct table_config *out,
                                        struct problem *why);

/* "3d", "4h30m", "0d" in milliseconds; false for anything else. */
bool table_config_period(const char *text, int64_t *out_ms);

#endif
