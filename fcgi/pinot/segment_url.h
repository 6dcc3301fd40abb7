/*
 * segment_url.h - where Sluice itself answers with a segment that it keeps.
 */
#ifndef PINOT_SEGMENT_URL_H
#define PINOT_SEGMENT_URL_H

#include "http/exchange.h"

/* "http://host/segments/<raw table>/<segment>" in the arena; NULL when that is full. */
const char *segment_url(struct exchange *x, const char *raw, const char *segment);

#endif
