/*
 * multipart.h - multipart bodies (RFC 7578, RFC 2046 section 5.1), parsed while they stream.
 *
 * A push parser: any cut of the stream gives the same events.  Preamble and epilogue are skipped,
 * white space after a boundary is allowed (RFC 2046), line ends are CRLF only, the closing boundary
 * is required.  Limits: limits.h, MULTIPART_*.  What looks like a boundary in the preamble but has
 * other bytes behind it is preamble; between parts it is a fault.  A part's header block is judged
 * when it is complete, so a body that ends inside one is incomplete, whatever it holds.
 *
 * Faults carry a code for the surfaces that answer each cause differently; the codes are the
 * MULTIPART_* strings below, the texts stand beside them.
 */
#ifndef STREAM_MULTIPART_H
#define STREAM_MULTIPART_H

#include "base/problem.h"
#include "stream/sink.h"

#include <stddef.h>

/* problem.code values */
#define MULTIPART_NO_TYPE "multipart_no_type"               /* no Content-Type at all */
#define MULTIPART_BAD_TYPE "multipart_bad_type"             /* a Content-Type that does not parse */
#define MULTIPART_NOT_MULTIPART "multipart_not_multipart"   /* FAULT_UNSUPPORTED: another type */
#define MULTIPART_NO_BOUNDARY "multipart_no_boundary"       /* no, empty or unusable boundary */
#define MULTIPART_INCOMPLETE "multipart_incomplete"         /* ended before the closing boundary */
#define MULTIPART_BAD_BOUNDARY "multipart_bad_boundary"     /* wrong bytes after a boundary */
#define MULTIPART_BAD_HEADER "multipart_bad_header"         /* a part header that does not parse */
#define MULTIPART_HEADERS "multipart_headers"               /* too many part headers */
#define MULTIPART_HEADER_BYTES "multipart_header_bytes"     /* too many bytes of part headers */
#define MULTIPART_PARTS "multipart_parts"                   /* FAULT_TOO_LARGE: too many parts */
#define MULTIPART_NO_DISPOSITION "multipart_no_disposition" /* no Content-Disposition: form-data */
#define MULTIPART_NO_NAME "multipart_no_name"               /* form-data without a name */

/* What a part says of itself.  Borrowed, valid during part_begin only; NULL where absent.  name is
 * never NULL in multipart/form-data; in other multipart types name and filename are those of a
 * form-data disposition alone.  Quoted values are unescaped (backslash before a quote or backslash;
 * other backslashes stay, as browsers send paths); filename* is not read (RFC 7578 section 4.2
 * forbids it). */
struct multipart_head {
    const char *name;
    const char *filename;
    const char *content_type;     /* the whole value */
    const char *content_encoding; /* the whole value */
};

/* Events of one part come in this order: begin, body (any number, also none), end.  The end comes
 * when the whole line of the boundary behind the part has been read, so a part that has ended is
 * whole; a stream that breaks off leaves its last part without one.  body bytes are those of the
 * feed, or of the parser where a feed ended in what looked like a boundary; never none. */
struct multipart_sink {
    enum fault (*part_begin)(void *ctx, const struct multipart_head *head, struct problem *why);
    enum fault (*part_body)(void *ctx, const void *bytes, size_t len, struct problem *why);
    enum fault (*part_end)(void *ctx, struct problem *why);
};

struct multipart;

/* content_type: the request's header value, NULL or "" when there is none; it must be multipart/ANY
 * with one boundary.  Owned by the caller; one allocation of fixed size. */
MUST_CHECK enum fault multipart_create(const char *content_type, const struct multipart_sink *sink,
                                       void *ctx, struct multipart **out, struct problem *why);
void multipart_destroy(struct multipart *parser);

MUST_CHECK enum fault multipart_feed(struct multipart *parser, const void *bytes, size_t len,
                                     struct problem *why);

/* The body is over: FAULT_MALFORMED when the closing boundary has not been seen. */
MUST_CHECK enum fault multipart_end(struct multipart *parser, struct problem *why);

/* Feeding as a bytes_sink: ctx is the parser. */
MUST_CHECK enum fault multipart_sink_bytes(void *parser, const void *bytes, size_t len,
                                           struct problem *why);

#endif
