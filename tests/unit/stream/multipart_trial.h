/*
 * multipart_trial.h - a multipart body's events as one text; shared by the tests of multipart.c.
 */
#ifndef TESTS_UNIT_MULTIPART_TRIAL_H
#define TESTS_UNIT_MULTIPART_TRIAL_H

#include "base/text.h"
#include "stream/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRACE_MAX = 1 << 20 };

/* "[name|filename|type|coding|body]" for each part; '-' for what is absent. */
struct trace {
    struct text text;
    bool inside;
};

static inline void trace_word(struct trace *trace, const char *word)
{
    text_adds(&trace->text, word ? word : "-");
    text_addc(&trace->text, '|');
}

static inline enum fault trace_begin(void *ctx, const struct multipart_head *head,
                                     struct problem *why)
{
    struct trace *trace = ctx;
    (void)why;
    assert_false(trace->inside);
    trace->inside = true;
    text_addc(&trace->text, '[');
    trace_word(trace, head->name);
    trace_word(trace, head->filename);
    trace_word(trace, head->content_type);
    trace_word(trace, head->content_encoding);
    return FAULT_NONE;
}

static inline enum fault trace_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct trace *trace = ctx;
    (void)why;
    assert_true(trace->inside);
    assert_true(len > 0);
    text_add(&trace->text, bytes, len);
    return FAULT_NONE;
}

static inline enum fault trace_end(void *ctx, struct problem *why)
{
    struct trace *trace = ctx;
    (void)why;
    assert_true(trace->inside);
    trace->inside = false;
    text_addc(&trace->text, ']');
    return FAULT_NONE;
}

static const struct multipart_sink trace_sink = { trace_begin, trace_body, trace_end };

/* Feeds the body as [0, cut), [cut, second), and the rest. */
static inline enum fault trace_run(const char *type, const char *body, size_t len, size_t cut,
                                   size_t second, struct trace *trace, struct problem *why)
{
    struct multipart *parser = NULL;
    text_clear(&trace->text);
    trace->inside = false;
    enum fault f = multipart_create(type, &trace_sink, trace, &parser, why);
    if (!f)
        f = multipart_feed(parser, body, cut, why);
    if (!f)
        f = multipart_feed(parser, body + cut, second - cut, why);
    if (!f)
        f = multipart_feed(parser, body + second, len - second, why);
    if (!f)
        f = multipart_end(parser, why);
    assert_false(!f && trace->inside);
    assert_false(text_failed(&trace->text));
    multipart_destroy(parser);
    return f;
}

#endif
