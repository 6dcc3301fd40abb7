/*
 * reading_trace.h - a reading as one line of text, and content cut in all ways.
 */
#ifndef TESTS_READING_TRACE_H
#define TESTS_READING_TRACE_H

#include "tabular/reading.h"
#include "tabular/utf8_text.h"

#include <stdio.h>

enum { TRACE_MAX = 4096 };

/* "rows name:type ... !issue ..." */
static inline void trace_write(const struct reading *reading, char trace[TRACE_MAX])
{
    size_t len = (size_t)snprintf(trace, TRACE_MAX, "%lld", (long long)reading->rows);
    for (size_t i = 0; i < reading->columns.count && len < TRACE_MAX; i++) {
        char word[TYPE_TEXT_MAX];
        type_print(&reading->columns.list[i].type, word);
        len += (size_t)snprintf(trace + len, TRACE_MAX - len, " %s:%s%s",
                                reading->columns.list[i].name, word,
                                reading->columns.list[i].nullable ? "" : "!");
    }
    for (size_t i = 0; i < reading->issues.count && len < TRACE_MAX; i++)
        len += (size_t)snprintf(trace + len, TRACE_MAX - len, " !%s", reading->issues.list[i].text);
}

/* A text of which no head is held back, so that every cut reaches the reader; only what begins like
 * a byte order mark needs one. */
static inline void trace_text(struct utf8_text *text, const char *content, const char *kind,
                              bool json, utf8_text_sink sink, void *reader)
{
    utf8_text_init(text, kind, json, sink, reader);
    text->begun = content[0] != '\xEF';
}

/* The length of the piece of a content of len bytes that begins at at: up to cut, then the rest;
 * step: that many bytes instead. */
static inline size_t trace_piece(size_t at, size_t len, size_t cut, size_t step)
{
    const size_t piece = step ? step : (at < cut ? cut : len - at);
    return piece < len - at ? piece : len - at;
}

#endif
