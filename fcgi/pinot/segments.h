/*
 * segments.h - reading and deleting segments: the routes below /segments but the uploads.
 */
#ifndef PINOT_SEGMENTS_H
#define PINOT_SEGMENTS_H

#include "http/exchange.h"

/* GET /segments/{table}: names, by type */
MUST_CHECK enum fault pinot_segments_list(struct exchange *x, struct problem *why);

/* GET /segments/{table}/select: the same of those that no replacement hides */
MUST_CHECK enum fault pinot_segments_select(struct exchange *x, struct problem *why);

/* GET /segments/{table}/crc: name to CRC */
MUST_CHECK enum fault pinot_segments_crc(struct exchange *x, struct problem *why);

/* GET /segments/{table}/metadata and /zkmetadata: name to what is known of it */
MUST_CHECK enum fault pinot_segments_metadata(struct exchange *x, struct problem *why);

/* GET /segments/{table}/{segment}/metadata */
MUST_CHECK enum fault pinot_segment_metadata(struct exchange *x, struct problem *why);

/* GET /segments/{table}/{segment}: the copy that Sluice keeps */
MUST_CHECK enum fault pinot_segment_download(struct exchange *x, struct problem *why);

/* DELETE /segments/{table}/{segment} */
MUST_CHECK enum fault pinot_segments_delete_one(struct exchange *x, struct problem *why);

/* DELETE /segments/{table}: all, or those of ?segments= */
MUST_CHECK enum fault pinot_segments_delete(struct exchange *x, struct problem *why);

/* POST /segments/{table}/delete: those of a JSON list */
MUST_CHECK enum fault pinot_segments_delete_listed(struct exchange *x, struct problem *why);

#endif
