/*
 * single_upload.h - POST /segments and POST /v2/segments: one segment a request.
 *
 * UPLOAD_TYPE METADATA sends the two metadata files and names the segment's bytes in the header
 * DOWNLOAD_URI; SEGMENT (also without the header) sends the whole gzipped tar, which becomes a blob;
 * URI and JSON would have Sluice fetch it, which it does for file: URIs below the configured roots
 * alone.
 */
#ifndef PINOT_SINGLE_UPLOAD_H
#define PINOT_SINGLE_UPLOAD_H

#include "http/exchange.h"

/* The table may come from the segment's own metadata. */
MUST_CHECK enum fault pinot_upload(struct exchange *x, struct problem *why);

/* The query parameter tableName is required. */
MUST_CHECK enum fault pinot_upload_v2(struct exchange *x, struct problem *why);

#endif
