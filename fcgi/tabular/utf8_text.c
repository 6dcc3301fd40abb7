#include "tabular/utf8_text.h"

#include <string.h>

static const char end_mark[] = "\x1A";

void utf8_text_init(struct utf8_text *text, const char *kind, bool json, utf8_text_sink sink,
                    void *reader)
{
    *text = (struct utf8_text){ .kind = kind, .json = json, .sink = sink, .reader = reader };
}

static enum fault not_utf8(const struct utf8_text *text, struct problem *why)
{
    return problem_set(why, FAULT_UNPROCESSABLE, "the part is not %s: byte %llu is not UTF-8",
                       text->kind, (unsigned long long)text->utf8.bad_at);
}

static enum fault hand_on(struct utf8_text *text, const char *bytes, size_t len,
                          struct problem *why)
{
    struct utf8_text_piece piece = { .bytes = bytes, .len = len, .offset = text->utf8.offset };
    if (len == 0)
        return FAULT_NONE;
    if (!utf8_feed(&text->utf8, bytes, len, &piece.ascii))
        return not_utf8(text, why);
    return text->sink(text->reader, &piece, why);
}

/* Takes bytes behind the marks at the beginning. */
static enum fault take(struct utf8_text *text, const char *bytes, size_t len, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (len == 0)
        return FAULT_NONE;
    if (text->marked)
        f = hand_on(text, end_mark, 1, why); /* it was not the end */
    text->marked = bytes[len - 1] == end_mark[0];
    return f ? f : hand_on(text, bytes, len - text->marked, why);
}

/* Looks at the head, which is complete. */
static enum fault begin(struct utf8_text *text, struct problem *why)
{
    static const char mark[] = { '\xEF', '\xBB', '\xBF' };
    size_t at = 0;
    text->begun = true;
    const char *looks = sniff_binary(text->head, text->head_len);
    while (text->head_len - at >= sizeof mark && memcmp(text->head + at, mark, sizeof mark) == 0)
        at += sizeof mark;
    if (!looks)
        looks = sniff_text(text->head + at, text->head_len - at, text->json);
    if (looks)
        return problem_set(why, FAULT_UNPROCESSABLE, "the part is not %s: it looks like %s",
                           text->kind, looks);
    text->utf8.offset = at;
    return take(text, text->head + at, text->head_len - at, why);
}

enum fault utf8_text_feed(struct utf8_text *text, const void *bytes, size_t len,
                          struct problem *why)
{
    const char *at = bytes;
    enum fault f = FAULT_NONE;
    if (!text->begun) {
        const size_t room = SNIFF_BYTES - text->head_len;
        const size_t taken = len < room ? len : room;
        memcpy(text->head + text->head_len, at, taken);
        text->head_len += taken;
        at += taken;
        len -= taken;
        if (text->head_len == SNIFF_BYTES)
            f = begin(text, why);
    }
    return f ? f : take(text, at, len, why);
}

enum fault utf8_text_end(struct utf8_text *text, struct problem *why)
{
    const enum fault f = text->begun ? FAULT_NONE : begin(text, why);
    if (f)
        return f;
    return utf8_end(&text->utf8) ? FAULT_NONE : not_utf8(text, why);
}
