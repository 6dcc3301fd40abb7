/*
 * body.c - the half of exchange.h that reads the request's body.
 */
#include "http/exchange.h"
#include "json/json.h"

#include <string.h>
#include <strings.h>

enum fault exchange_refuse_form(const struct exchange *x, struct problem *why)
{
    static const char form[] = "multipart/form-data";
    const char *type = exchange_header(x, "Content-Type");
    if (!type || strncasecmp(type, form, sizeof form - 1) != 0)
        return FAULT_NONE;
    return problem_code(why, FAULT_UNSUPPORTED, EXCHANGE_IS_FORM,
                        "the body is the content itself and not a form: send the file's bytes, as "
                        "curl does with --data-binary or -T");
}

static enum fault too_large(uint64_t wire_max, struct problem *why)
{
    return problem_set(why, FAULT_TOO_LARGE, "the body is larger than %llu bytes",
                       (unsigned long long)wire_max);
}

/* How much to ask for: one byte past the end shows both that there is none and that there is. */
static size_t want(const struct exchange *x, uint64_t wire_max)
{
    const uint64_t length = (uint64_t)x->content_length;
    const uint64_t most = x->content_length >= 0 && length < wire_max ? length : wire_max;
    const uint64_t left = most - x->body_bytes;
    return left < IO_CHUNK ? (size_t)left + 1 : IO_CHUNK;
}

/* Counts a piece in, against both limits. */
static enum fault count(struct exchange *x, size_t got, uint64_t wire_max, struct problem *why)
{
    x->body_bytes += got;
    if (x->body_bytes > wire_max)
        return too_large(wire_max, why);
    if (x->content_length >= 0 && x->body_bytes > (uint64_t)x->content_length)
        return problem_set(why, FAULT_MALFORMED, "the body is longer than its Content-Length");
    return FAULT_NONE;
}

static enum fault body_end(struct exchange *x, struct problem *why)
{
    if (x->content_length >= 0 && x->body_bytes != (uint64_t)x->content_length) {
        x->body = BODY_BROKEN;
        return problem_set(why, FAULT_MALFORMED, "the body is shorter than its Content-Length");
    }
    x->body = BODY_COMPLETE;
    return FAULT_NONE;
}

enum fault exchange_body(struct exchange *x, uint64_t wire_max, bytes_sink sink, void *ctx,
                         struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    if (x->body != BODY_UNREAD)
        return problem_internal(why, "the body is read a second time");
    if (x->content_length >= 0 && (uint64_t)x->content_length > wire_max)
        return too_large(wire_max, why);
    x->body = BODY_READING;
    for (;;) {
        size_t got = 0;
        enum fault f = x->io.read(x->io.ctx, chunk, want(x, wire_max), &got, why);
        if (f) {
            x->body = BODY_BROKEN;
            return f;
        }
        if (got == 0)
            return body_end(x, why);
        f = count(x, got, wire_max, why);
        if (!f)
            f = sink(ctx, chunk, got, why);
        if (f)
            return f;
    }
}

enum fault exchange_multipart(struct exchange *x, const struct multipart_sink *sink, void *ctx,
                              struct problem *why)
{
    struct multipart *parser = NULL;
    enum fault f = multipart_create(exchange_header(x, "Content-Type"), sink, ctx, &parser, why);
    if (!f)
        f = exchange_body(x, UINT64_MAX, multipart_sink_bytes, parser, why);
    if (!f)
        f = multipart_end(parser, why);
    multipart_destroy(parser);
    return f;
}

static enum fault append(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct text *text = ctx;
    text_add(text, bytes, len);
    return text_failed(text) ? problem_internal(why, "no memory for a body") : FAULT_NONE;
}

enum fault exchange_body_text(struct exchange *x, size_t max, const char **out, size_t *len,
                              struct problem *why)
{
    struct text text;
    text_init(&text, max);
    enum fault f = exchange_body(x, max, append, &text, why);
    const char *copy = f ? NULL : arena_strdup(x->arena, text_string(&text), text.len);
    if (!f && !copy)
        f = problem_set(why, FAULT_TOO_LARGE, "the body is too large");
    if (!f) {
        *out = copy;
        *len = text.len;
    }
    text_release(&text);
    return f;
}

static void put_object(void *object)
{
    json_object_put(object);
}

/* The text is gone before the values are used: both together would take twice the memory. */
enum fault exchange_json(struct exchange *x, size_t max, json_object **out, struct problem *why)
{
    struct text text;
    json_object *made = NULL;
    text_init(&text, max);
    enum fault f = exchange_body(x, max, append, &text, why);
    if (!f)
        f = json_parse(text_string(&text), text.len, &made, NULL, why);
    text_release(&text);
    if (!f && made && !arena_defer(x->arena, put_object, made))
        f = problem_set(why, FAULT_TOO_LARGE, "the body is too large");
    if (!f)
        *out = made;
    return f;
}
