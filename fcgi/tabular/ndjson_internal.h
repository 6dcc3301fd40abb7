/*
 * ndjson_internal.h - what the files of the NDJSON reader share.  Each calls only those that stand
 * before it here; ndjson.c comes last.
 */
#ifndef TABULAR_NDJSON_INTERNAL_H
#define TABULAR_NDJSON_INTERNAL_H

#include "base/limits.h"
#include "tabular/ndjson.h"

#include <stdbool.h>
#include <stdint.h>

/* What may come next. */
enum ndjson_place {
    NDJSON_ROW,         /* an object, or nothing */
    NDJSON_NAME_OR_END, /* behind '{' */
    NDJSON_NAME,        /* behind ',' in an object */
    NDJSON_COLON,
    NDJSON_VALUE,
    NDJSON_VALUE_OR_END, /* behind '[' */
    NDJSON_AFTER,        /* behind a value: ',' or the end of what holds it */
    NDJSON_ROW_END,      /* behind the object of a row */
    NDJSON_STRING,
    NDJSON_ESCAPE,
    NDJSON_HEX,
    NDJSON_NUMBER_SIGN, /* behind '-' */
    NDJSON_NUMBER_ZERO, /* behind a leading 0 */
    NDJSON_NUMBER_WHOLE,
    NDJSON_NUMBER_POINT,
    NDJSON_NUMBER_FRACTION,
    NDJSON_NUMBER_E,
    NDJSON_NUMBER_E_SIGN,
    NDJSON_NUMBER_EXPONENT,
    NDJSON_WORD,
};

/* One byte more than a name may have shows that one is too long. */
enum { NDJSON_NAME_ROOM = OPTERYX_COLUMN_NAME_MAX + 1 };

/* What is kept of a column beside its name. */
struct ndjson_field {
    size_t name_len;
    uint8_t seen;
};

struct ndjson {
    struct arena *arena;
    struct columns columns;
    struct issues issues;
    const struct value_sink *values; /* NULL: nobody asks for them */
    struct problem *why;             /* of the piece in hand */
    struct ndjson_field *fields;
    size_t field_room;
    uint64_t offset; /* of the current piece's end in the content */
    bool ascii;      /* the piece is */

    bool in_object[NDJSON_DEPTH_MAX + 2];
    enum ndjson_place place;
    size_t depth;      /* 1: in the object of a row */
    const char *wrong; /* what is, at wrong_at */
    const unsigned char *wrong_at;

    size_t column; /* of the member of the row that is being read */
    size_t next;   /* the column that comes next when rows are alike */
    unsigned seen; /* of the current value of a row */

    unsigned hex_count;
    size_t name_len;
    char name[NDJSON_NAME_ROOM];
    bool is_name; /* the string is the name of a member */
    uint32_t hex;
    uint32_t high; /* the first half of a surrogate pair; 0: none */

    int64_t halves; /* of surrogate pairs in values */
    int64_t half_row;
    size_t half_column;
    bool half_in_name; /* in the name that is being read */

    /* the value of the row in hand, where values are asked for; raw: where it begins in the piece,
     * NULL for a string and where there is none */
    bool raw_open;  /* it began in a piece before */
    bool half_here; /* half a surrogate pair is in it */
    enum value_form form;
    const unsigned char *raw;
    size_t value_len; /* bytes of it in the buffer, or that would be */

    bool negative;
    bool overflow; /* the integer does not fit 64 bits */
    uint64_t whole;
    const char *word; /* what remains of true, false or null */

    int64_t rows;
};

/* ---- ndjson_member.c ---- */

/* Remembers what is wrong at a byte; false. */
bool ndjson_wrong(struct ndjson *n, const char *what, const unsigned char *at);

/* The name of a member of a row has ended: finds its column or makes it. */
MUST_CHECK enum fault ndjson_name_end(struct ndjson *n, const char *name, size_t len,
                                      struct problem *why);

/* A value of the row begins with the byte at at; a string's bytes come by ndjson_value_add(). */
void ndjson_value_begin(struct ndjson *n, enum value_form form, const unsigned char *at);
void ndjson_value_add(struct ndjson *n, const unsigned char *bytes, size_t len);

/* A value has ended in front of stop.  false: why says what is wrong. */
bool ndjson_value_end(struct ndjson *n, const unsigned char *stop);

/* Hands a value of the row in hand to who asks for it. */
bool ndjson_value_told(struct ndjson *n, const struct value *value);

/* The object of a row has ended. */
bool ndjson_row_end(struct ndjson *n);

/* Half a surrogate pair stands in the string that is being read (RFC 8259 section 8.2). */
void ndjson_half_seen(struct ndjson *n);

/* ---- strings: ndjson_string.c; false: something is wrong, or why says what ---- */

bool ndjson_string_begin(struct ndjson *n, bool is_name);

/* The end of a run of plain characters: a quote, a backslash, a control character or the piece's
 * end. */
const unsigned char *ndjson_string_run(const unsigned char *at, const unsigned char *end);

/* The plain characters from *from on and what ends them. */
bool ndjson_string_step(struct ndjson *n, const unsigned char **from, const unsigned char *end,
                        struct problem *why);

/* The byte behind a backslash, and one digit of a \u escape. */
bool ndjson_string_escape(struct ndjson *n, const unsigned char *at);
bool ndjson_string_hex(struct ndjson *n, const unsigned char *at);

/* ---- ndjson_run.c ---- */

/* Takes members of a row from *from on, where a name may come, as far as they are plain, and leaves
 * *from where the state machine goes on.  false: why says what is wrong. */
bool ndjson_run(struct ndjson *n, const unsigned char **from, const unsigned char *end,
                struct problem *why);

#endif
