/*
 * fuzz_multipart.c - every cut of a body gives the same events, begin and end are paired, and each
 * body byte is one of the input, in its order.
 *
 * Input: one byte that chooses the request's type, one that seeds the cuts, the body.  The last type
 * is the body's own first line.
 */
#include "fuzz_pieces.h"
#include "stream/multipart.h"

enum { CHOICE_BYTES = 2 };

struct events {
    struct text *text;
    const uint8_t *from; /* where body bytes may still come from in a whole run, else NULL */
    const uint8_t *to;
    bool inside;
};

static void add_word(struct text *text, const char *word)
{
    text_adds(text, word ? word : "(none)");
    text_addc(text, '|');
}

static enum fault on_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct events *events = ctx;
    (void)why;
    assert(!events->inside);
    events->inside = true;
    text_addc(events->text, '[');
    add_word(events->text, head->name);
    add_word(events->text, head->filename);
    add_word(events->text, head->content_type);
    add_word(events->text, head->content_encoding);
    return FAULT_NONE;
}

static enum fault on_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct events *events = ctx;
    const uint8_t *at = bytes;
    (void)why;
    assert(events->inside && len > 0);
    if (events->from) {
        assert(at >= events->from && len <= (size_t)(events->to - at));
        events->from = at + len;
    }
    text_add(events->text, bytes, len);
    return FAULT_NONE;
}

static enum fault on_end(void *ctx, struct problem *why)
{
    struct events *events = ctx;
    (void)why;
    assert(events->inside);
    events->inside = false;
    text_addc(events->text, ']');
    return FAULT_NONE;
}

static void run(const char *type, const uint8_t *bytes, size_t len, struct fuzz_pieces pieces,
                struct fuzz_result *result)
{
    static const struct multipart_sink sink = { on_begin, on_body, on_end };
    struct events events = { .text = &result->events };
    struct multipart *parser = NULL;
    result->why = PROBLEM_NONE;
    text_init(&result->events, FUZZ_TRACE_MAX);
    if (pieces.run == 0) {
        events.from = bytes;
        events.to = bytes + len;
    }
    enum fault f = multipart_create(type, &sink, &events, &parser, &result->why);
    for (size_t at = 0; !f && at < len;) {
        const size_t size = fuzz_piece(&pieces, len - at);
        f = multipart_feed(parser, bytes + at, size, &result->why);
        at += size;
    }
    if (!f)
        f = multipart_end(parser, &result->why);
    assert(f || !events.inside);
    multipart_destroy(parser);
    result->fault = f;
}

static void compare_runs(const char *type, const uint8_t *bytes, size_t len, uint8_t seed)
{
    struct fuzz_result first;
    run(type, bytes, len, (struct fuzz_pieces){ 0, seed }, &first);
    for (size_t i = 1; i < FUZZ_RUNS; i++) {
        struct fuzz_result other;
        run(type, bytes, len, (struct fuzz_pieces){ i, seed }, &other);
        fuzz_must_agree(&first, &other);
        text_release(&other.events);
    }
    text_release(&first.events);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const types[] = {
        "multipart/form-data; boundary=b",
        "multipart/form-data; boundary=\"-----\"",
        "multipart/mixed; charset=x; boundary=bb",
    };
    enum { FIXED = sizeof types / sizeof types[0] };
    if (len < CHOICE_BYTES)
        return 0;
    const size_t choice = bytes[0] % (FIXED + 1);
    const uint8_t seed = bytes[1];
    bytes += CHOICE_BYTES;
    len -= CHOICE_BYTES;
    if (choice < FIXED) {
        compare_runs(types[choice], bytes, len, seed);
        return 0;
    }
    const uint8_t *end = memchr(bytes, '\n', len);
    const size_t line = end ? (size_t)(end - bytes) : len;
    char *type = calloc(1, line + 1);
    assert(type);
    memcpy(type, bytes, line);
    compare_runs(type, bytes + line, len - line, seed);
    free(type);
    return 0;
}
