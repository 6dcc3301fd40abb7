/*
 * metadata_json.h - what a tree says of a file's content, from MessagePack to JSON.
 */
#ifndef OXEN_METADATA_JSON_H
#define OXEN_METADATA_JSON_H

#include "base/text.h"
#include "oxen/node.h"

/* The metadata of a file or a dir, by its data type; null when there is none, or none that is known. */
void oxen_metadata_json_add(struct text *out, const struct oxen_node_entry *entry);

#endif
