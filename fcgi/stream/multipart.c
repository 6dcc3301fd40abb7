#include "stream/multipart.h"

#include "base/limits.h"
#include "base/text.h"
#include "stream/multipart_head.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DELIMITER_START "\r\n--" /* RFC 2046 section 5.1.1 */

enum {
    START_LEN = sizeof DELIMITER_START - 1,
    LINE_END_LEN = 2,
    DELIMITER_ROOM = START_LEN + MULTIPART_BOUNDARY_MAX + 1, /* with the NUL */
    BYTE_VALUES = 256,
    SHORT_SHIFT = 32, /* bytes; measured with tests/bench/stream.c */
};

/* Where the parser stands.  Until the first part has begun (parts is 0) everything is preamble. */
enum state {
    IN_DATA,        /* preamble or body, looking for the delimiter */
    AFTER_BOUNDARY, /* behind the boundary's last byte */
    AFTER_DASH,     /* behind the first '-' that closes the body */
    IN_PADDING,     /* in the white space behind a boundary */
    AFTER_CR,       /* in the line end behind a boundary */
    IN_HEADERS,
    IN_EPILOGUE,
};

struct multipart {
    struct multipart_sink sink;
    void *ctx;
    enum state state;
    bool form_data;  /* every part must have a name */
    size_t parts;    /* begun so far */
    size_t preamble; /* bytes of it so far */

    /* The delimiter, CRLF "--" boundary.  Its only CR stands in front, so what was held of it at
     * the end of a feed is a prefix of it, and is data again as soon as one byte differs. */
    char delimiter[DELIMITER_ROOM];
    size_t delimiter_len;
    size_t matched; /* bytes of it that the last feed ended with */
    size_t implied; /* the first of those that were never in the data */
    uint8_t shift[BYTE_VALUES];

    size_t head_len;
    char head[MULTIPART_HEADER_BYTES_MAX + 1];
};

/* What is left of a feed. */
struct input {
    const char *bytes;
    size_t len;
};

static void skip(struct input *in, size_t len)
{
    in->bytes += len;
    in->len -= len;
}

/* How far a search may move on, by the byte under the delimiter's last place (Horspool, 1980). */
static void prepare_shift(struct multipart *parser)
{
    const size_t len = parser->delimiter_len;
    memset(parser->shift, (int)len, sizeof parser->shift);
    for (size_t i = 0; i + 1 < len; i++)
        parser->shift[(unsigned char)parser->delimiter[i]] = (uint8_t)(len - 1 - i);
}

/* Where the delimiter stands in the bytes, or where a beginning of it reaches their end; len when
 * neither does.  A delimiter begins with a CR: where the shift is short, memchr() finds the next one
 * sooner, and comparing nowhere else keeps the time linear for every input. */
static size_t find_delimiter(const struct multipart *parser, const char *bytes, size_t len)
{
    const char *delimiter = parser->delimiter;
    const size_t want = parser->delimiter_len;
    size_t at = 0;
    while (len - at >= want) {
        if (bytes[at] == '\r' && memcmp(bytes + at, delimiter, want) == 0)
            return at;
        const size_t shift = parser->shift[(unsigned char)bytes[at + want - 1]];
        at += shift;
        if (shift < SHORT_SHIFT) {
            const char *cr = memchr(bytes + at, '\r', len - at);
            at = cr ? (size_t)(cr - bytes) : len;
        }
    }
    while (at < len) {
        const char *cr = memchr(bytes + at, '\r', len - at);
        if (!cr)
            return len;
        at = (size_t)(cr - bytes);
        if (memcmp(cr, delimiter, len - at) == 0)
            return at;
        at++;
    }
    return len;
}

/* The same words and code as for a body that ends without its boundary: the size of a body with a
 * wrong boundary must not change its answer. */
static enum fault incomplete(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_INCOMPLETE,
                        "multipart body ends before its closing boundary");
}

static enum fault skip_preamble(struct multipart *parser, size_t len, struct problem *why)
{
    parser->preamble += len;
    return parser->preamble > MULTIPART_PREAMBLE_MAX ? incomplete(why) : FAULT_NONE;
}

static enum fault hand_on(struct multipart *parser, const char *bytes, size_t len,
                          struct problem *why)
{
    if (len == 0)
        return FAULT_NONE;
    if (parser->parts == 0)
        return skip_preamble(parser, len, why);
    return parser->sink.part_body(parser->ctx, bytes, len, why);
}

static enum fault delimiter_found(struct multipart *parser, struct problem *why)
{
    parser->matched = 0;
    parser->implied = 0;
    parser->state = AFTER_BOUNDARY;
    return parser->parts == 0 ? skip_preamble(parser, parser->delimiter_len, why) : FAULT_NONE;
}

/* Goes on with a delimiter that the last feed ended in.  When it turns out to be data, the bytes
 * held of it are handed on from the delimiter itself and this feed is looked at afresh. */
static enum fault resume_match(struct multipart *parser, struct input *in, struct problem *why)
{
    const size_t missing = parser->delimiter_len - parser->matched;
    const size_t len = in->len < missing ? in->len : missing;
    if (memcmp(in->bytes, parser->delimiter + parser->matched, len) == 0) {
        skip(in, len);
        parser->matched += len;
        return len == missing ? delimiter_found(parser, why) : FAULT_NONE;
    }
    const char *held = parser->delimiter + parser->implied;
    const size_t held_len = parser->matched - parser->implied;
    parser->matched = 0;
    parser->implied = 0;
    return hand_on(parser, held, held_len, why);
}

static enum fault feed_data(struct multipart *parser, struct input *in, struct problem *why)
{
    if (parser->matched > 0)
        return resume_match(parser, in, why);
    const char *bytes = in->bytes;
    const size_t data = find_delimiter(parser, bytes, in->len);
    const size_t rest = in->len - data;
    const bool whole = rest >= parser->delimiter_len;
    parser->matched = whole ? 0 : rest;
    skip(in, whole ? data + parser->delimiter_len : in->len);
    const enum fault f = hand_on(parser, bytes, data, why);
    return !f && whole ? delimiter_found(parser, why) : f;
}

/* A delimiter may follow at once: RFC 2046's body-part needs no line of its own, and the first one
 * no line before it. */
static void expect_delimiter(struct multipart *parser)
{
    parser->state = IN_DATA;
    parser->matched = LINE_END_LEN;
    parser->implied = LINE_END_LEN;
}

static enum fault end_part(struct multipart *parser, struct problem *why)
{
    return parser->parts > 0 ? parser->sink.part_end(parser->ctx, why) : FAULT_NONE;
}

static enum fault begin_headers(struct multipart *parser, struct problem *why)
{
    const enum fault f = end_part(parser, why);
    if (f)
        return f;
    if (parser->parts == MULTIPART_PARTS_MAX) {
        return problem_code(why, FAULT_TOO_LARGE, MULTIPART_PARTS,
                            "multipart body has more than %d parts", MULTIPART_PARTS_MAX);
    }
    parser->parts++;
    parser->head_len = 0;
    parser->state = IN_HEADERS;
    return FAULT_NONE;
}

/* Behind a boundary stands what must not.  In the preamble that only means that this was no
 * boundary; the byte that told is looked at again.  No delimiter begins before it: a CR that the
 * line ended with would have been followed by its LF. */
static enum fault not_a_boundary(struct multipart *parser, struct problem *why)
{
    if (parser->parts > 0) {
        return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_BOUNDARY,
                            "multipart boundary is followed by other bytes");
    }
    parser->state = IN_DATA;
    return FAULT_NONE;
}

/* The rest of a boundary's line: "--", or white space and a line end. */
static enum fault feed_boundary_line(struct multipart *parser, struct input *in,
                                     struct problem *why)
{
    const char byte = in->bytes[0];
    const enum state state = parser->state;
    const bool blank = byte == ' ' || byte == '\t';
    enum fault f = FAULT_NONE;
    if (state == AFTER_CR && byte == '\n') {
        f = begin_headers(parser, why);
    } else if (state == AFTER_DASH && byte == '-') {
        f = end_part(parser, why);
        parser->state = IN_EPILOGUE;
    } else if (state == AFTER_BOUNDARY && byte == '-') {
        parser->state = AFTER_DASH;
    } else if ((state == AFTER_BOUNDARY || state == IN_PADDING) && blank) {
        parser->state = IN_PADDING;
    } else if ((state == AFTER_BOUNDARY || state == IN_PADDING) && byte == '\r') {
        parser->state = AFTER_CR;
    } else {
        return not_a_boundary(parser, why);
    }
    skip(in, 1);
    return f || parser->parts > 0 ? f : skip_preamble(parser, 1, why);
}

static bool headers_complete(const struct multipart *parser)
{
    static const char empty_line[] = "\r\n\r\n";
    const size_t len = parser->head_len;
    const size_t want = sizeof empty_line - 1;
    if (len == LINE_END_LEN)
        return memcmp(parser->head, empty_line, LINE_END_LEN) == 0;
    return len >= want && memcmp(parser->head + len - want, empty_line, want) == 0;
}

/* A part begins when its header block is complete: what is wrong in it is told only then, so that a
 * body that ends in its middle is incomplete, not malformed. */
static enum fault begin_part(struct multipart *parser, struct problem *why)
{
    struct multipart_head head = { 0 };
    const size_t lines = parser->head_len - LINE_END_LEN;
    enum fault f = multipart_head_parse(parser->head, lines, parser->form_data, &head, why);
    if (!f)
        f = parser->sink.part_begin(parser->ctx, &head, why);
    expect_delimiter(parser);
    return f;
}

/* Takes the input up to the end of a line. */
static enum fault feed_headers(struct multipart *parser, struct input *in, struct problem *why)
{
    const char *end = memchr(in->bytes, '\n', in->len);
    const size_t len = end ? (size_t)(end - in->bytes) + 1 : in->len;
    if (len > MULTIPART_HEADER_BYTES_MAX - parser->head_len) {
        return problem_code(why, FAULT_MALFORMED, MULTIPART_HEADER_BYTES,
                            "multipart part has more than %d bytes of headers",
                            MULTIPART_HEADER_BYTES_MAX);
    }
    memcpy(parser->head + parser->head_len, in->bytes, len);
    parser->head_len += len;
    skip(in, len);
    return headers_complete(parser) ? begin_part(parser, why) : FAULT_NONE;
}

enum fault multipart_create(const char *content_type, const struct multipart_sink *sink, void *ctx,
                            struct multipart **out, struct problem *why)
{
    const char *boundary = NULL;
    struct multipart *parser = calloc(1, sizeof *parser);
    if (!parser)
        return problem_internal(why, "multipart: out of memory");
    const enum fault f = multipart_type_parse(content_type, parser->head, sizeof parser->head,
                                              &boundary, &parser->form_data, why);
    if (f) {
        free(parser);
        return f;
    }
    const size_t len = strlen(boundary);
    memcpy(parser->delimiter, DELIMITER_START, START_LEN);
    memcpy(parser->delimiter + START_LEN, boundary, len + 1);
    parser->delimiter_len = START_LEN + len;
    parser->sink = *sink;
    parser->ctx = ctx;
    prepare_shift(parser);
    expect_delimiter(parser);
    *out = parser;
    return FAULT_NONE;
}

void multipart_destroy(struct multipart *parser)
{
    free(parser);
}

enum fault multipart_feed(struct multipart *parser, const void *bytes, size_t len,
                          struct problem *why)
{
    struct input in = { bytes, len };
    enum fault f = FAULT_NONE;
    while (!f && in.len > 0) {
        switch (parser->state) {
        case IN_DATA:
            f = feed_data(parser, &in, why);
            break;
        case AFTER_BOUNDARY:
        case AFTER_DASH:
        case IN_PADDING:
        case AFTER_CR:
            f = feed_boundary_line(parser, &in, why);
            break;
        case IN_HEADERS:
            f = feed_headers(parser, &in, why);
            break;
        case IN_EPILOGUE:
            in.len = 0;
            break;
        }
    }
    return f;
}

enum fault multipart_end(struct multipart *parser, struct problem *why)
{
    return parser->state == IN_EPILOGUE ? FAULT_NONE : incomplete(why);
}

enum fault multipart_sink_bytes(void *parser, const void *bytes, size_t len, struct problem *why)
{
    return multipart_feed(parser, bytes, len, why);
}
