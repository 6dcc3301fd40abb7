#include "stream/multipart_head.h"

#include "base/limits.h"
#include "base/text.h"
#include "stream/parameter.h"

#include <string.h>

#define LINE_END "\r\n"
#define BLANKS " \t"

enum { LAST_CONTROL = 0x1F, DELETE = 0x7F };

static enum fault bad_type(struct problem *why)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_TYPE,
                        "Content-Type header does not parse");
}

static enum fault bad_header(struct problem *why, const char *what)
{
    return problem_code(why, FAULT_MALFORMED, MULTIPART_BAD_HEADER, "multipart part header: %s",
                        what);
}

/* RFC 2046 section 5.1.1 allows fewer characters and 70 of them; clients send more. */
static bool is_boundary(const char *text)
{
    const size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        const unsigned char code = (unsigned char)text[i];
        if (code <= LAST_CONTROL || code >= DELETE)
            return false;
    }
    return len > 0 && len <= MULTIPART_BOUNDARY_MAX && text[len - 1] != ' ';
}

/* Ends the type at its '/' and hands out the subtype; NULL when it is not token "/" token. */
static char *split_type(char *type)
{
    const size_t len = parameter_token(type);
    char *subtype = type + len + 1;
    if (len == 0 || type[len] != '/' || *subtype == '\0' || subtype[parameter_token(subtype)])
        return NULL;
    type[len] = '\0';
    return subtype;
}

enum fault multipart_type_parse(const char *content_type, char *room, size_t room_len,
                                const char **boundary, bool *form_data, struct problem *why)
{
    char *type = NULL;
    char *at = NULL;
    char *name = NULL;
    char *value = NULL;
    const char *found = NULL;
    size_t boundaries = 0;
    enum parameter next = PARAMETER_NONE;
    if (!content_type || *content_type == '\0') {
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_TYPE,
                            "Content-Type header is missing");
    }
    const size_t len = strlen(content_type);
    if (len >= room_len)
        return bad_type(why);
    memcpy(room, content_type, len + 1);
    const char *subtype = parameter_begin(room, &type, &at) ? split_type(type) : NULL;
    if (!subtype)
        return bad_type(why);
    for (next = parameter_next(&at, &name, &value); next == PARAMETER_FOUND;
         next = parameter_next(&at, &name, &value)) {
        if (text_same(name, "boundary")) {
            found = value;
            boundaries++;
        }
    }
    if (next == PARAMETER_BROKEN)
        return bad_type(why);
    if (!text_same(type, "multipart")) {
        return problem_code(why, FAULT_UNSUPPORTED, MULTIPART_NOT_MULTIPART,
                            "Content-Type is not multipart");
    }
    if (boundaries != 1 || !is_boundary(found)) {
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_BOUNDARY,
                            "Content-Type has no usable boundary");
    }
    *boundary = found;
    *form_data = text_same(subtype, "form-data");
    return FAULT_NONE;
}

static bool has_control(const char *text)
{
    for (; *text; text++) {
        const unsigned char code = (unsigned char)*text;
        if ((code <= LAST_CONTROL && code != '\t') || code == DELETE)
            return true;
    }
    return false;
}

/* Takes the blanks off both ends. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text);
    while (len > 0 && strchr(BLANKS, text[len - 1]))
        len--;
    text[len] = '\0';
    return text;
}

/* What the header lines say, before any of it is taken apart. */
struct lines {
    char *disposition;
    char *type;
    char *encoding;
};

static enum fault keep_once(char **slot, char *value, struct problem *why)
{
    if (*slot)
        return bad_header(why, "stands there twice");
    *slot = value;
    return FAULT_NONE;
}

static enum fault read_line(struct lines *lines, char *line, struct problem *why)
{
    const size_t name_len = parameter_token(line);
    if (name_len == 0 || line[name_len] != ':')
        return bad_header(why, "no name and colon in front");
    if (has_control(line))
        return bad_header(why, "control character");
    line[name_len] = '\0';
    char *value = trim(line + name_len + 1);
    if (text_same(line, "content-disposition"))
        return keep_once(&lines->disposition, value, why);
    if (text_same(line, "content-type"))
        return keep_once(&lines->type, value, why);
    if (text_same(line, "content-encoding"))
        return keep_once(&lines->encoding, value, why);
    return FAULT_NONE;
}

static enum fault read_lines(char *block, struct lines *lines, struct problem *why)
{
    size_t count = 0;
    enum fault f = FAULT_NONE;
    for (char *line = block; !f && *line; count++) {
        char *end = strstr(line, LINE_END);
        if (count == MULTIPART_HEADERS_MAX) {
            return problem_code(why, FAULT_MALFORMED, MULTIPART_HEADERS,
                                "multipart part has more than %d headers", MULTIPART_HEADERS_MAX);
        }
        if (!end)
            return bad_header(why, "line without its end");
        *end = '\0';
        f = read_line(lines, line, why);
        line = end + strlen(LINE_END);
    }
    return f;
}

/* The parameters of a form-data disposition. */
static enum fault read_names(char *at, struct multipart_head *head, struct problem *why)
{
    char *name = NULL;
    char *value = NULL;
    enum parameter next = parameter_next(&at, &name, &value);
    for (; next == PARAMETER_FOUND; next = parameter_next(&at, &name, &value)) {
        const char **slot = text_same(name, "name")       ? &head->name
                            : text_same(name, "filename") ? &head->filename
                                                          : NULL;
        if (slot && *slot)
            return bad_header(why, "name or filename stands there twice");
        if (slot)
            *slot = value;
    }
    if (next == PARAMETER_BROKEN)
        return bad_header(why, "Content-Disposition does not parse");
    return FAULT_NONE;
}

enum fault multipart_head_parse(char *block, size_t len, bool named, struct multipart_head *head,
                                struct problem *why)
{
    struct lines lines = { 0 };
    char *disposition = NULL;
    char *at = NULL;
    if (memchr(block, '\0', len))
        return bad_header(why, "control character");
    block[len] = '\0';
    enum fault f = read_lines(block, &lines, why);
    if (f)
        return f;
    const bool form_data = lines.disposition &&
                           parameter_begin(lines.disposition, &disposition, &at) &&
                           text_same(disposition, "form-data");
    if (named && !form_data) {
        return problem_code(why, FAULT_MALFORMED, MULTIPART_NO_DISPOSITION,
                            "multipart part has no Content-Disposition: form-data");
    }
    *head =
        (struct multipart_head){ .content_type = lines.type, .content_encoding = lines.encoding };
    if (form_data)
        f = read_names(at, head, why);
    if (!f && named && !head->name) {
        f = problem_code(why, FAULT_MALFORMED, MULTIPART_NO_NAME,
                         "multipart part has no name in its Content-Disposition");
    }
    return f;
}
