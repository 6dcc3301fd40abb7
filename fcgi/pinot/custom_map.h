/*
 * custom_map.h - the header Pinot-SegmentZKMetadataCustomMapModifier: what a push does to the custom
 * maps of its segments.
 *
 *     {"mapModifyMode": "UPDATE" | "REPLACE", "map": {"key": "value", ...}}
 *
 * Without the header a segment's map is what its metadata says.  With it, the modifier is applied to
 * what was there before: nothing for a new segment, the row's map for one with the same CRC, and the
 * row's map with the metadata's laid over it for one with another CRC.
 */
#ifndef PINOT_CUSTOM_MAP_H
#define PINOT_CUSTOM_MAP_H

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdbool.h>

struct custom_modifier {
    json_object *map; /* NULL: there is no modifier; owned by the arena */
    bool replace;
    struct text after; /* the last result; ended by custom_modifier_release() */
};

/* header: the value, NULL for none.  FAULT_MALFORMED for anything but the form above. */
MUST_CHECK enum fault custom_modifier_parse(const char *header, struct arena *arena,
                                            struct custom_modifier *out, struct problem *why);
void custom_modifier_release(struct custom_modifier *modifier);

/* The callback of struct pinot_push; ctx is the modifier, which is there. */
MUST_CHECK enum fault custom_modifier_apply(void *ctx, const char *before, const char *given,
                                            bool same_crc, const char **after, struct problem *why);

#endif
