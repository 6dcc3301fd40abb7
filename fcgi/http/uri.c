#include "http/uri.h"

#include "base/text.h"

#include <string.h>

enum { ESCAPE_LEN = 3 }; /* "%41" */

/* Decodes text in place and ends it with a NUL.  false, and text untouched, when an escape is bad
 * or names a NUL (RFC 3986 section 2.1). */
static bool decode(char *text, bool plus_is_space)
{
    uint8_t byte = 0;
    for (const char *at = strchr(text, '%'); at; at = strchr(at + ESCAPE_LEN, '%')) {
        if (strnlen(at, ESCAPE_LEN) < ESCAPE_LEN || !text_unhex(at + 1, 2, &byte, 1) || byte == 0)
            return false;
    }
    char *to = text;
    for (const char *from = text; *from; to++) {
        if (*from == '%') {
            (void)text_unhex(from + 1, 2, (uint8_t *)to, 1);
            from += ESCAPE_LEN;
        } else {
            *to = *from;
            if (plus_is_space && *from == '+')
                *to = ' ';
            from++;
        }
    }
    *to = '\0';
    return true;
}

static enum fault decode_piece(char *text, bool plus_is_space, struct problem *why)
{
    if (!decode(text, plus_is_space))
        return problem_set(why, FAULT_MALFORMED, "malformed percent escape in the request address");
    if (!text_is_utf8(text, strlen(text)))
        return problem_set(why, FAULT_MALFORMED, "the request address is not UTF-8");
    return FAULT_NONE;
}

/* Cuts text at every separator and hands out the pieces, up to max of them; *more when there would
 * have been another. */
static size_t split(char *text, char separator, char **pieces, size_t max, bool *more)
{
    size_t count = 0;
    *more = false;
    for (char *at = text; at;) {
        if (count == max) {
            *more = true;
            return count;
        }
        pieces[count++] = at;
        at = strchr(at, separator);
        if (at)
            *at++ = '\0';
    }
    return count;
}

static enum fault parse_path(struct arena *arena, struct uri *out, struct problem *why)
{
    char *pieces[PATH_SEGMENTS_MAX] = { NULL };
    bool more = false;
    if (out->path[0] != '/')
        return problem_set(why, FAULT_MALFORMED, "the request path does not begin with '/'");
    char *copy = arena_strdup(arena, out->path + 1, strlen(out->path + 1));
    if (!copy)
        return problem_set(why, FAULT_TOO_LARGE, "the request address is too long");
    out->segment_count = split(copy, '/', pieces, PATH_SEGMENTS_MAX, &more);
    memcpy(out->segments, pieces, sizeof pieces);
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < out->segment_count; i++) {
        out->bad_escape = !decode(pieces[i], false) || out->bad_escape;
        if (!text_is_utf8(pieces[i], strlen(pieces[i])))
            f = problem_set(why, FAULT_MALFORMED, "the request address is not UTF-8");
    }
    if (!f && more)
        return problem_set(why, FAULT_MISSING, "no such path");
    return f;
}

static enum fault parse_query(struct arena *arena, struct uri *out, struct problem *why)
{
    char *pieces[QUERY_PAIRS_MAX] = { NULL };
    bool more = false;
    char *copy = arena_strdup(arena, out->query, strlen(out->query));
    if (!copy)
        return problem_set(why, FAULT_TOO_LARGE, "the query is too long");
    const size_t count = split(copy, '&', pieces, QUERY_PAIRS_MAX, &more);
    if (more)
        return problem_set(why, FAULT_MALFORMED, "the query has more than %d parameters",
                           QUERY_PAIRS_MAX);
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < count; i++) {
        if (pieces[i][0] == '\0')
            continue; /* "a=1&&b=2" */
        char *value = strchr(pieces[i], '=');
        if (value)
            *value++ = '\0';
        else
            value = pieces[i] + strlen(pieces[i]);
        f = decode_piece(pieces[i], true, why);
        if (!f)
            f = decode_piece(value, true, why);
        if (!f)
            out->pairs[out->pair_count++] = (struct uri_pair){ pieces[i], value };
    }
    return f;
}

/* Such bytes are no part of an address (RFC 3986 section 2), and would end a header that repeats
 * it. */
static bool has_control(const char *raw)
{
    enum { CONTROL_END = 0x20, DELETE = 0x7F };
    for (; *raw; raw++) {
        if ((unsigned char)*raw < CONTROL_END || *raw == DELETE)
            return true;
    }
    return false;
}

/* As much of the raw address as is kept. */
static bool keep_raw(const char *raw, size_t path_len, struct arena *arena, struct uri *out)
{
    const char *query = raw[path_len] ? raw + path_len + 1 : "";
    char *path = arena_strdup(arena, raw, path_len < PATH_MAX_BYTES ? path_len : PATH_MAX_BYTES);
    char *rest = arena_strdup(arena, query, strnlen(query, QUERY_MAX_BYTES));
    if (!path || !rest)
        return false;
    out->path = path;
    out->query = rest;
    return true;
}

enum fault uri_parse(const char *raw, struct arena *arena, struct uri *out, struct problem *why)
{
    *out = (struct uri){ .path = "", .query = "" };
    const size_t path_len = strcspn(raw, "?");
    enum fault f = FAULT_NONE;
    if (path_len > PATH_MAX_BYTES || strlen(raw + path_len) > QUERY_MAX_BYTES + 1)
        f = problem_set(why, FAULT_MALFORMED, "the request address is too long");
    else if (has_control(raw))
        f = problem_set(why, FAULT_MALFORMED, "the request address has control characters in it");
    if (!keep_raw(raw, path_len, arena, out))
        return problem_set(why, FAULT_TOO_LARGE, "the request address is too long");
    const enum fault of_path = parse_path(arena, out, why); /* whose it is, also when it is bad */
    if (!f)
        f = of_path;
    if (!f)
        f = parse_query(arena, out, why);
    return f;
}

bool uri_escape(const char *segment, char *out, size_t room)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (const char *at = segment; *at; at++) {
        const bool escaped = !strchr(plain, *at);
        const size_t want = escaped ? ESCAPE_LEN : 1;
        if (len + want >= room)
            return false;
        const unsigned char byte = (unsigned char)*at;
        out[len] = *at;
        if (escaped) {
            out[len] = '%';
            out[len + 1] = digits[byte >> 4];
            out[len + 2] = digits[byte & 0x0F];
        }
        len += want;
    }
    out[len] = '\0';
    return true;
}

const char *uri_query(const struct uri *uri, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < uri->pair_count; i++) {
        if (strcmp(uri->pairs[i].name, name) == 0)
            value = uri->pairs[i].value;
    }
    return value;
}
