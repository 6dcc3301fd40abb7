/*
 * utf8_text.h - a text as its reader is given it: well-formed UTF-8 without what programs put around
 * it.
 *
 * Passed over are byte order marks at the beginning, one or more, and one 0x1A at the end, by which
 * old programs mark it.  What looks like something else by its first bytes is refused with its name.
 */
#ifndef TABULAR_UTF8_TEXT_H
#define TABULAR_UTF8_TEXT_H

#include "base/problem.h"
#include "tabular/sniff.h"
#include "tabular/utf8.h"

/* A piece of the text; never empty. */
struct utf8_text_piece {
    const char *bytes;
    size_t len;
    uint64_t offset; /* of its first byte in the content as it was sent */
    bool ascii;      /* it is ASCII alone */
};

typedef enum fault (*utf8_text_sink)(void *reader, const struct utf8_text_piece *piece,
                                     struct problem *why);

struct utf8_text {
    const char *kind; /* as refusals call it: "CSV" */
    utf8_text_sink sink;
    void *reader;
    struct utf8 utf8;
    bool json;   /* the kind is */
    bool begun;  /* the head was looked at */
    bool marked; /* a 0x1A is held back */
    size_t head_len;
    char head[SNIFF_BYTES];
};

void utf8_text_init(struct utf8_text *text, const char *kind, bool json, utf8_text_sink sink,
                    void *reader);

/* FAULT_UNPROCESSABLE "the part is not <kind>: ..." for what is no such text; faults of the sink are
 * handed up. */
MUST_CHECK enum fault utf8_text_feed(struct utf8_text *text, const void *bytes, size_t len,
                                     struct problem *why);

/* The content is over; the last pieces may come only now. */
MUST_CHECK enum fault utf8_text_end(struct utf8_text *text, struct problem *why);

#endif
