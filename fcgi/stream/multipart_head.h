/*
 * multipart_head.h - the two texts of a multipart body that are read whole: the request's
 * Content-Type and the header block of a part.
 */
#ifndef STREAM_MULTIPART_HEAD_H
#define STREAM_MULTIPART_HEAD_H

#include "stream/multipart.h"

#include <stdbool.h>

/* Reads a Content-Type (NULL or "": none) that must be multipart/ANY with one boundary of 1 to
 * MULTIPART_BOUNDARY_MAX printable ASCII characters that does not end in a space.  *boundary is
 * borrowed from room, which holds a copy of the value; a longer value does not parse.  form_data:
 * the type is multipart/form-data. */
MUST_CHECK enum fault multipart_type_parse(const char *content_type, char *room, size_t room_len,
                                           const char **boundary, bool *form_data,
                                           struct problem *why);

/* Reads len bytes of header lines, each with its CRLF, without the empty line; block has one more
 * byte of room, is written to, and *head is borrowed from it.
 *
 * A line is token ":" value without control characters but the tab; folded lines (RFC 9112 section
 * 5.2) are refused.  Content-Disposition, Content-Type and Content-Encoding may stand there once,
 * name and filename too, all in any case; what else there is means nothing.  named: the part must
 * be form-data with a name (RFC 7578 section 4.2); otherwise one without has neither name nor
 * filename. */
MUST_CHECK enum fault multipart_head_parse(char *block, size_t len, bool named,
                                           struct multipart_head *head, struct problem *why);

#endif
