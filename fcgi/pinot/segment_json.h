/*
 * segment_json.h - a segment as Pinot tells it: a map of texts.
 */
#ifndef PINOT_SEGMENT_JSON_H
#define PINOT_SEGMENT_JSON_H

#include "base/text.h"
#include "db/pinot_store_segment.h"

/* Appends one JSON object; members without a value are left out. */
void segment_json(struct text *out, const struct pinot_segment_row *row);

#endif
