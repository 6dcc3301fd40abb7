#include "pinot/mapping.h"

#include "base/limits.h"

#include <string.h>

void mapping_init(struct mapping *mapping, mapping_sink sink, void *ctx)
{
    *mapping = (struct mapping){ .sink = sink, .ctx = ctx };
    text_init(&mapping->name, PINOT_URI_MAX);
    text_init(&mapping->line, PINOT_URI_MAX);
}

void mapping_release(struct mapping *mapping)
{
    text_release(&mapping->name);
    text_release(&mapping->line);
}

static enum fault no_uri(const struct mapping *m, struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED,
                       "Failed to find the segment download uri within the file: "
                       "all_segments_metadata for segment: %s",
                       text_string(&m->name));
}

static enum fault end_line(struct mapping *m, struct problem *why)
{
    if (text_failed(&m->line) || memchr(text_string(&m->line), '\0', m->line.len))
        return problem_set(why, FAULT_MALFORMED,
                           "all_segments_metadata has a line that is no segment name or URI");
    if (!m->in_pair) {
        const struct text name = m->name;
        m->name = m->line;
        m->line = name;
        text_clear(&m->line);
        m->in_pair = true;
        return FAULT_NONE;
    }
    if (m->line.len == 0)
        return no_uri(m, why);
    const enum fault f = m->sink(m->ctx, text_string(&m->name), text_string(&m->line), why);
    text_clear(&m->line);
    m->in_pair = false;
    return f;
}

enum fault mapping_feed(struct mapping *mapping, const void *bytes, size_t len, struct problem *why)
{
    const char *at = bytes;
    const char *end = at + len;
    enum fault f = FAULT_NONE;
    while (!f && at < end) {
        const char *stop = at;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        const bool swallowed = mapping->after_cr && stop == at && *at == '\n';
        if (stop > at || swallowed)
            mapping->after_cr = false;
        text_add(&mapping->line, at, (size_t)(stop - at));
        if (stop < end && !swallowed) {
            mapping->after_cr = *stop == '\r';
            f = end_line(mapping, why);
        }
        at = stop < end ? stop + 1 : stop;
    }
    return f;
}

enum fault mapping_end(struct mapping *mapping, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (mapping->line.len > 0 || text_failed(&mapping->line))
        f = end_line(mapping, why);
    if (!f && mapping->in_pair)
        f = no_uri(mapping, why);
    mapping->in_pair = false;
    mapping->after_cr = false;
    text_clear(&mapping->line);
    return f;
}

enum fault mapping_uri_check(const char *uri, const char *segment, struct problem *why)
{
    enum { DELETE = 0x7F };
    const size_t len = strlen(uri);
    bool good = len > 0 && len < PINOT_URI_MAX && text_is_utf8(uri, len);
    for (size_t i = 0; i < len && good; i++)
        good = (unsigned char)uri[i] > ' ' && uri[i] != DELETE;
    if (good)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "the download URI of segment: %s is blank, too long, or has spaces or "
                       "control characters in it",
                       segment);
}
