#include "stream/multipart.h"

#include "base/limits.h"
#include "base/text.h"
#include "stream/parameters.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What stands before a boundary: the line end belongs to it (RFC 2046 section 5.1.1). */
static const char delimiter_start[] = "\r\n--";

enum {
    DELIMITER_START_LEN = sizeof delimiter_start - 1,
    LINE_END_LEN = 2, /* of the delimiter: as good as seen when the body begins */
    CONTENT_TYPE_MAX = HEADER_VALUE_MAX,
};

enum state {
    STATE_PREAMBLE,
    STATE_AFTER_BOUNDARY, /* "--", or white space and CRLF */
    STATE_CLOSING,        /* one '-' of the closing "--" was seen */
    STATE_PADDING,        /* white space was seen */
    STATE_LINE_END,       /* the CR was seen */
    STATE_HEADERS,
    STATE_BODY,
    STATE_EPILOGUE,
};

struct multipart {
    const struct multipart_sink *sink;
    void *ctx;
    enum state state;
    bool in_part; /* part_begin was called, part_end not yet */
    size_t parts;
    size_t preamble;
    size_t matched; /* bytes of the delimiter that ended the input so far, held back */
    size_t lent;    /* of them, not in the text: the line end before a first boundary */
    size_t delimiter_len;
    char delimiter[DELIMITER_START_LEN + MULTIPART_BOUNDARY_MAX];
    size_t header_len;
    char header[MULTIPART_HEADER_BYTES_MAX + 1];
};

/* ---- the content type ---- */

static enum fault no_boundary(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_BOUNDARY,
                        "Multipart boundary is not found");
}

/* A CR or LF inside would make the search wrong; the header cannot hold them. */
static enum fault take_boundary(struct multipart *parser, const char *boundary, struct problem *why)
{
    const size_t len = strlen(boundary);
    if (len == 0 || len > MULTIPART_BOUNDARY_MAX || strpbrk(boundary, "\r\n"))
        return no_boundary(why);
    memcpy(parser->delimiter, delimiter_start, DELIMITER_START_LEN);
    memcpy(parser->delimiter + DELIMITER_START_LEN, boundary, len);
    parser->delimiter_len = DELIMITER_START_LEN + len;
    return FAULT_NONE;
}

static enum fault read_parameters(struct multipart *parser, char *rest, struct problem *why)
{
    const char *boundary = NULL;
    char *name = NULL;
    char *value = NULL;
    do {
        if (!parameters_next(&rest, &name, &value))
            return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_TYPE,
                                "Could not parse Content-Type header");
        if (name && text_same(name, "boundary")) {
            if (boundary)
                return no_boundary(why);
            boundary = value;
        }
    } while (name);
    return boundary ? take_boundary(parser, boundary, why) : no_boundary(why);
}

static enum fault read_content_type(struct multipart *parser, const char *content_type,
                                    struct problem *why)
{
    static const char multipart[] = "multipart/";
    char copy[CONTENT_TYPE_MAX + 1];
    char *rest = NULL;
    if (!content_type)
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_TYPE,
                            "Could not find Content-Type header");
    const size_t len = strlen(content_type);
    if (len > CONTENT_TYPE_MAX)
        return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_TYPE,
                            "Could not parse Content-Type header");
    memcpy(copy, content_type, len + 1);
    const char *type = parameters_value(copy, &rest);
    const char *slash = strchr(type, '/');
    if (!slash || slash == type || !slash[1])
        return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_TYPE,
                            "Could not parse Content-Type header");
    if (strncasecmp(type, multipart, sizeof multipart - 1) != 0)
        return problem_code(why, FAULT_UNSUPPORTED, MULTIPART_NOT_MULTIPART,
                            "Parsed Content-Type did not have 'multipart' top-level media type");
    return read_parameters(parser, rest, why);
}

enum fault multipart_create(const char *content_type, const struct multipart_sink *sink, void *ctx,
                            struct multipart **out, struct problem *why)
{
    struct multipart *parser = calloc(1, sizeof *parser);
    if (!parser)
        return problem_internal(why, "out of memory for a multipart parser");
    parser->sink = sink;
    parser->ctx = ctx;
    parser->matched = parser->lent = LINE_END_LEN;
    enum fault f = read_content_type(parser, content_type, why);
    if (f)
        multipart_destroy(parser);
    else
        *out = parser;
    return f;
}

void multipart_destroy(struct multipart *parser)
{
    free(parser);
}

/* ---- the headers of a part ---- */

static enum fault bad_header(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_HEADER, "a part header does not parse");
}

static enum fault no_disposition(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_DISPOSITION,
                        "Content-Disposition header was not found when parsing a \"form-data\" "
                        "field");
}

static enum fault read_disposition(char *value, struct multipart_head *head, struct problem *why)
{
    char *rest = NULL;
    char *name = NULL;
    char *text = NULL;
    if (!text_same(parameters_value(value, &rest), "form-data"))
        return no_disposition(why);
    do {
        if (!parameters_next(&rest, &name, &text))
            return bad_header(why);
        if (!name)
            break;
        const char **field = text_same(name, "name")       ? &head->name
                             : text_same(name, "filename") ? &head->filename
                                                           : NULL;
        if (field && *field)
            return bad_header(why);
        if (field)
            *field = text;
    } while (true);
    return FAULT_NONE;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        text[--len] = '\0';
    return text;
}

/* One line without its end.  Folded lines are obsolete (RFC 9112 section 5.2) and refused. */
static enum fault read_line(char *line, struct multipart_head *head, bool *disposed,
                            struct problem *why)
{
    char *colon = strchr(line, ':');
    if (!colon || colon == line || strcspn(line, " \t") < (size_t)(colon - line))
        return bad_header(why);
    *colon = '\0';
    char *value = trim(colon + 1);
    if (text_same(line, "Content-Disposition")) {
        if (*disposed)
            return bad_header(why);
        *disposed = true;
        return read_disposition(value, head, why);
    }
    if (text_same(line, "Content-Type"))
        head->content_type = value;
    else if (text_same(line, "Content-Encoding"))
        head->content_encoding = value;
    return FAULT_NONE;
}

/* The header block holds whole lines, each ended by CRLF, without the empty one. */
static enum fault read_head(struct multipart *parser, struct multipart_head *head,
                            struct problem *why)
{
    size_t lines = 0;
    bool disposed = false;
    char *line = parser->header;
    while (*line) {
        char *end = strstr(line, "\r\n");
        if (++lines > MULTIPART_HEADERS_MAX)
            return problem_code(why, FAULT_MALFORMED, MULTIPART_HEADERS,
                                "a part has more than %d headers", MULTIPART_HEADERS_MAX);
        *end = '\0';
        if (strpbrk(line, "\r\n"))
            return bad_header(why);
        const enum fault f = read_line(line, head, &disposed, why);
        if (f)
            return f;
        line = end + LINE_END_LEN;
    }
    if (!disposed)
        return no_disposition(why);
    if (!head->name)
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_NAME,
                            "Content-Disposition 'name' parameter was not found when parsing a "
                            "\"form-data\" field");
    return FAULT_NONE;
}

static enum fault begin_part(struct multipart *parser, struct problem *why)
{
    struct multipart_head head = { 0 };
    if (++parser->parts > MULTIPART_PARTS_MAX)
        return problem_code(why, FAULT_TOO_LARGE, MULTIPART_PARTS,
                            "the body has more than %d parts", MULTIPART_PARTS_MAX);
    enum fault f = read_head(parser, &head, why);
    if (!f)
        f = parser->sink->part_begin(parser->ctx, &head, why);
    if (f)
        return f;
    parser->in_part = true;
    parser->state = STATE_BODY;
    /* an empty part's boundary may follow at once: its line end is the headers' */
    parser->matched = parser->lent = LINE_END_LEN;
    return FAULT_NONE;
}

static bool headers_end(const struct multipart *parser)
{
    static const char end[] = "\r\n\r\n";
    const size_t len = parser->header_len;
    if (len == LINE_END_LEN)
        return memcmp(parser->header, end, LINE_END_LEN) == 0;
    return len >= sizeof end - 1 &&
           memcmp(parser->header + len - (sizeof end - 1), end, sizeof end - 1) == 0;
}

static enum fault feed_headers(struct multipart *parser, const char **at, const char *end,
                               struct problem *why)
{
    while (*at < end) {
        const char byte = *(*at)++;
        if (byte == '\0')
            return bad_header(why);
        if (parser->header_len == MULTIPART_HEADER_BYTES_MAX)
            return problem_code(why, FAULT_MALFORMED, MULTIPART_HEADER_BYTES,
                                "the headers of a part have more than %d bytes",
                                MULTIPART_HEADER_BYTES_MAX);
        parser->header[parser->header_len++] = byte;
        if (byte == '\n' && headers_end(parser)) {
            parser->header[parser->header_len - LINE_END_LEN] = '\0';
            return begin_part(parser, why);
        }
    }
    return FAULT_NONE;
}

/* ---- the text between boundaries ---- */

static enum fault pass_on(struct multipart *parser, const char *bytes, size_t len,
                          struct problem *why)
{
    if (len == 0)
        return FAULT_NONE;
    if (parser->in_part)
        return parser->sink->part_body(parser->ctx, bytes, len, why);
    parser->preamble += len;
    if (parser->preamble > MULTIPART_PREAMBLE_MAX)
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_BOUNDARY,
                            "no boundary in the first %d bytes", MULTIPART_PREAMBLE_MAX);
    return FAULT_NONE;
}

static enum fault boundary_found(struct multipart *parser, struct problem *why)
{
    parser->state = STATE_AFTER_BOUNDARY;
    parser->matched = parser->lent = 0;
    if (!parser->in_part)
        return FAULT_NONE;
    parser->in_part = false;
    return parser->sink->part_end(parser->ctx, why);
}

/* Goes on with a delimiter whose beginning was held back.  A mismatch gives the held bytes back as
 * data: no second delimiter can begin inside, since a CR is only its first byte. */
static enum fault resume_match(struct multipart *parser, const char **at, const char *end,
                               struct problem *why)
{
    while (*at < end && parser->matched < parser->delimiter_len &&
           **at == parser->delimiter[parser->matched]) {
        parser->matched++;
        (*at)++;
    }
    if (parser->matched == parser->delimiter_len)
        return boundary_found(parser, why);
    if (*at == end)
        return FAULT_NONE;
    const size_t lent = parser->lent;
    const size_t held = parser->matched - lent;
    parser->matched = parser->lent = 0;
    return pass_on(parser, parser->delimiter + lent, held, why);
}

/* Searches what lies whole in the input; a delimiter that is cut off at its end is held back. */
static enum fault search(struct multipart *parser, const char **at, const char *end,
                         struct problem *why)
{
    const char *from = *at;
    const char *cr = memchr(from, '\r', (size_t)(end - from));
    for (; cr; cr = memchr(cr + 1, '\r', (size_t)(end - cr - 1))) {
        const size_t left = (size_t)(end - cr);
        const size_t len = left < parser->delimiter_len ? left : parser->delimiter_len;
        if (memcmp(cr, parser->delimiter, len) != 0)
            continue;
        const enum fault f = pass_on(parser, from, (size_t)(cr - from), why);
        *at = cr + len;
        parser->matched = len;
        if (f)
            return f;
        return len == parser->delimiter_len ? boundary_found(parser, why) : FAULT_NONE;
    }
    *at = end;
    return pass_on(parser, from, (size_t)(end - from), why);
}

static enum fault feed_text(struct multipart *parser, const char **at, const char *end,
                            struct problem *why)
{
    return parser->matched > 0 ? resume_match(parser, at, end, why) : search(parser, at, end, why);
}

/* ---- the rest of a boundary's line ---- */

static enum fault bad_boundary(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_BOUNDARY,
                        "Multipart boundary is not found");
}

static enum fault incomplete(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_INCOMPLETE,
                        "Multipart stream is incomplete");
}

/* "--" closes, white space is padding, CRLF begins the part's headers (RFC 2046 section 5.1.1). */
static enum fault boundary_byte(struct multipart *parser, char byte, struct problem *why)
{
    const bool fresh = parser->state == STATE_AFTER_BOUNDARY;
    if (parser->state == STATE_LINE_END || parser->state == STATE_CLOSING) {
        const bool closing = parser->state == STATE_CLOSING;
        if (byte != (closing ? '-' : '\n'))
            return bad_boundary(why);
        parser->state = closing ? STATE_EPILOGUE : STATE_HEADERS;
        parser->header_len = 0;
        return FAULT_NONE;
    }
    if (byte == '\n')
        return incomplete(why); /* line ends without CR make no boundary */
    if (fresh && byte == '-')
        parser->state = STATE_CLOSING;
    else if (byte == '\r')
        parser->state = STATE_LINE_END;
    else if (byte == ' ' || byte == '\t')
        parser->state = STATE_PADDING;
    else
        return bad_boundary(why);
    return FAULT_NONE;
}

enum fault multipart_feed(struct multipart *parser, const void *bytes, size_t len,
                          struct problem *why)
{
    const char *at = bytes;
    const char *end = at + len;
    enum fault f = FAULT_NONE;
    while (!f && at < end) {
        switch (parser->state) {
        case STATE_PREAMBLE:
        case STATE_BODY:
            f = feed_text(parser, &at, end, why);
            break;
        case STATE_AFTER_BOUNDARY:
        case STATE_CLOSING:
        case STATE_PADDING:
        case STATE_LINE_END:
            f = boundary_byte(parser, *at++, why);
            break;
        case STATE_HEADERS:
            f = feed_headers(parser, &at, end, why);
            break;
        case STATE_EPILOGUE:
            return FAULT_NONE;
        }
    }
    return f;
}

enum fault multipart_end(struct multipart *parser, struct problem *why)
{
    return parser->state == STATE_EPILOGUE ? FAULT_NONE : incomplete(why);
}

enum fault multipart_sink_bytes(void *parser, const void *bytes, size_t len, struct problem *why)
{
    return multipart_feed(parser, bytes, len, why);
}
