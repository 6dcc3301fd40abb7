/*
 * exchange.h - one request and its answer, without a word about FastCGI.
 *
 * A handler reads what it needs from it, decides, and replies once.  Everything it allocates comes
 * from the request's arena.  The connection below is behind struct exchange_io, so that tests and
 * fuzzers drive the same code.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/arena.h"
#include "base/blob_ref.h"
#include "base/config.h"
#include "base/limits.h"
#include "base/problem.h"
#include "base/text.h"
#include "http/uri.h"
#include "stream/multipart.h"
#include "stream/sink.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob_store;
struct db;
struct principal;
struct route;
struct surface;

enum {
    REQUEST_ID_MAX = 65,  /* bytes of a request's id with the NUL; a client's own may be as long */
    EXCHANGE_RANDOM = 32, /* bytes */
    REPLY_HEADERS_MAX = 16 * KIB, /* bytes of the reply headers that surfaces set */
    METHOD_MAX = 32,              /* bytes of a method's name: FAULT_MALFORMED */
    CAPTURES_MAX = 8,             /* {names} in one route's pattern */
};

/* What carries a request: fcgx.c for real, memory in tests. */
struct exchange_io {
    void *ctx;
    /* A CGI parameter (RFC 3875) or NULL; borrowed for the request. */
    const char *(*param)(void *ctx, const char *name);
    /* Reads some of the body; *got is 0 at its end.  FAULT_ABORTED, FAULT_STALLED. */
    enum fault (*read)(void *ctx, void *bytes, size_t len, size_t *got, struct problem *why);
    /* Writes reply bytes; FAULT_ABORTED when nobody takes them. */
    enum fault (*write)(void *ctx, const void *bytes, size_t len, struct problem *why);
    /* A request header is longer than HEADER_VALUE_MAX; exchange_open() refuses. */
    bool headers_too_long;
};

enum body_state { BODY_UNREAD, BODY_READING, BODY_COMPLETE, BODY_BROKEN };
enum reply_state {
    REPLY_NONE,
    REPLY_HELD, /* a stream of unknown length, of which nothing has been sent yet */
    REPLY_STREAMING,
    REPLY_DONE
};

struct exchange {
    /* set by the worker, borrowed */
    const struct config *config;
    struct db *db;
    struct blob_store *blobs;
    struct arena *arena;
    struct exchange_io io;
    int64_t now;                     /* milliseconds UTC when the request was accepted */
    uint8_t random[EXCHANGE_RANDOM]; /* of this request alone, for names that nobody can guess */
    char request_id[REQUEST_ID_MAX];

    /* the request, decoded by exchange_open() */
    const char *method; /* "" when it is unusable */
    struct uri uri;
    int64_t content_length;             /* -1 when absent (chunked) */
    const struct surface *surface;      /* whose dialect the answer speaks */
    const struct route *route;          /* NULL until one matched */
    const char *captures[CAPTURES_MAX]; /* decoded {name} segments of the route */
    size_t capture_count;

    /* set by auth_require(); NULL until then */
    const struct principal *caller; /* whose credential was good, whatever it may do: for the log */
    const struct principal *who;    /* the same, once a right was granted */
    const char *resource;           /* the last that a right was asked for; for the log */

    /* the state of the two directions */
    enum body_state body;
    uint64_t body_bytes; /* as sent */
    enum reply_state reply;
    int status; /* of the reply; 0 before */
    uint64_t reply_bytes;
    int64_t reply_length;   /* as announced; -1 when unknown */
    const char *reply_type; /* the Content-Type of a held reply */
    bool head_only;         /* HEAD: the body is counted and not sent */
    struct text reply_headers;
    struct text held; /* the first bytes of a stream of unknown length */
};

/* ---- the request ---- */

/* Prepares x (the worker's part of it is filled, the rest zero): reads the parameters, decodes path
 * and query.  FAULT_MALFORMED for what no route could take: a bad method, address or
 * Content-Length, Transfer-Encoding beside Content-Length (RFC 9112 section 6.1); FAULT_MISSING for
 * too many segments.  x can be replied to all the same (route_refuse). */
MUST_CHECK enum fault exchange_open(struct exchange *x, struct problem *why);

/* Gives back what is not in the arena. */
void exchange_close(struct exchange *x);

/* The decoded path segment of the route's i-th {name}. */
const char *exchange_path(const struct exchange *x, size_t i);

/* The last value of a query parameter, decoded; NULL when absent, "" when empty. */
const char *exchange_query(const struct exchange *x, const char *name);

/* A request header by its usual name ("Content-Type", "UPLOAD_TYPE"); NULL when absent.  Borrowed. */
const char *exchange_header(const struct exchange *x, const char *name);

/* "scheme://host" for links: the public_url setting, else from Host; in the arena. */
const char *exchange_base_url(struct exchange *x);

/* ---- the body: exactly one of these, once ---- */

/* For routes whose body is the content itself: FAULT_UNSUPPORTED, EXCHANGE_IS_FORM, when a form was
 * sent instead (curl -F, a browser's FormData), whose boundaries would become a part of it. */
#define EXCHANGE_IS_FORM "is_form" /* problem.code */
MUST_CHECK enum fault exchange_refuse_form(const struct exchange *x, struct problem *why);

/* Streams the body as sent into sink, to its end.  Success means that it was complete: no error of
 * the connection, and as long as Content-Length said (FAULT_MALFORMED otherwise).  wire_max: bytes,
 * past which it is FAULT_TOO_LARGE (at once when Content-Length says so). */
MUST_CHECK enum fault exchange_body(struct exchange *x, uint64_t wire_max, bytes_sink sink,
                                    void *ctx, struct problem *why);

/* The same for multipart bodies; any number of bytes. */
MUST_CHECK enum fault exchange_multipart(struct exchange *x, const struct multipart_sink *sink,
                                         void *ctx, struct problem *why);

/* A small body in the arena, NUL-terminated; *len without the NUL. */
MUST_CHECK enum fault exchange_body_text(struct exchange *x, size_t max, const char **out,
                                         size_t *len, struct problem *why);

/* A small JSON body, parsed by json_parse() and released with the arena. */
MUST_CHECK enum fault exchange_json(struct exchange *x, size_t max, json_object **out,
                                    struct problem *why);

/* ---- the reply: once; a fault of these is FAULT_ABORTED, our own, or that of db_settle() ----
 *
 * Before the first byte of an answer below 500, and of each later piece, all that the request has
 * read and written is made durable. */

/* Adds a header to the reply, before it starts.  One with control characters, or past
 * REPLY_HEADERS_MAX, is our defect: the reply then fails with FAULT_INTERNAL before it starts, and
 * the error answer that follows has none of the headers that were set. */
void exchange_set_header(struct exchange *x, const char *name, const char *value);

/* A whole reply.  A status below 400 on a route with a right that auth_require() has not granted is
 * our defect: nothing is sent and FAULT_INTERNAL is returned.  This holds for every kind of reply. */
MUST_CHECK enum fault exchange_reply(struct exchange *x, int status, const char *content_type,
                                     const void *bytes, size_t len, struct problem *why);

/* A JSON reply; body is taken. */
MUST_CHECK enum fault exchange_reply_json(struct exchange *x, int status, json_object *body,
                                          struct problem *why);

/* A reply without a body (204, 304). */
MUST_CHECK enum fault exchange_reply_empty(struct exchange *x, int status, struct problem *why);

/* Sends the client to path on this server, with the query that it sent (307: the method stays). */
MUST_CHECK enum fault exchange_reply_redirect(struct exchange *x, const char *path,
                                              struct problem *why);

/* A reply of unknown or large length, written by pieces; length -1 when unknown.  Up to
 * STREAM_OUT_MAX bytes of a stream of unknown length are held: one that ends within them gets its
 * length announced, and one that fails within them is answered with its fault as if it had not
 * begun.  Announce the length where it is known: without it a client can hardly tell that an answer
 * broke off (README.md).  ctx of exchange_write is the exchange, so that it can serve as a
 * bytes_sink. */
MUST_CHECK enum fault exchange_stream_begin(struct exchange *x, int status,
                                            const char *content_type, int64_t length,
                                            struct problem *why);
MUST_CHECK enum fault exchange_write(void *x, const void *bytes, size_t len, struct problem *why);
MUST_CHECK enum fault exchange_stream_end(struct exchange *x, struct problem *why);

/* A stored content, as a look-up finds it.  Texts live as long as the request. */
struct exchange_content {
    struct blob_ref ref;
    const char *content_type;
    const char *etag;        /* with its quotes, of what the content is; NULL: made of its digest */
    const char *disposition; /* Content-Disposition, or NULL */
};

/* Finds the row of what was asked for and fills out, which is all zero.  Called again when the
 * content has moved meanwhile, so it sets nothing else. */
typedef enum fault (*exchange_look_up)(struct exchange *x, void *ctx, struct exchange_content *out,
                                       struct problem *why);

/* Answers with a stored content: Range (one range; 206, 416), If-Range, ETag and If-None-Match
 * (304), HEAD, and by configuration X-Sendfile or X-Accel-Redirect for whole files.  The faults of
 * look_up.  FAULT_DAMAGED when the bytes are not there or not the right ones: before the answer
 * begins, or, of a large content, in place of its last bytes (blob.h says what is compared). */
MUST_CHECK enum fault exchange_reply_content(struct exchange *x, exchange_look_up look_up,
                                             void *ctx, struct problem *why);

#endif
