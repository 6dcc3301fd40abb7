/*
 * ndjson_run.c - rows that are written as most writers do: names without escapes and plain values,
 * each whole in the piece.
 *
 * It decides nothing of its own: what it does not know it leaves, from the name's or the value's
 * beginning on, to the state machine of ndjson.c, of which it is an abridgement.
 */
#include "tabular/bytes8.h"
#include "tabular/ndjson_internal.h"
#include "tabular/utf8.h"

/* What is read of a name or a value before it counts. */
struct member {
    const unsigned char *at;
    const unsigned char *end;   /* of the piece */
    const unsigned char *value; /* its first byte */
    unsigned seen;
};

static bool take(struct member *m, unsigned char byte)
{
    if (m->at == m->end || *m->at != byte)
        return false;
    m->at++;
    return true;
}

/* A name and its colon; *len without the quotes. */
static bool take_name(struct member *m, const unsigned char **name, size_t *len)
{
    (void)take(m, ' ');
    if (!take(m, '"'))
        return false;
    *name = m->at;
    m->at = ndjson_string_run(m->at, m->end);
    *len = (size_t)(m->at - *name);
    return take(m, '"') && take(m, ':');
}

static bool take_string(const struct ndjson *n, struct member *m)
{
    const unsigned char *stop = ndjson_string_run(m->at, m->end);
    const size_t len = (size_t)(stop - m->at);
    if (stop == m->end || *stop != '"')
        return false;
    m->seen = READING_TEXT | (!n->ascii && utf8_is_wide(m->at, len) ? READING_WIDE : 0);
    m->at = stop + 1;
    return true;
}

static size_t take_digits(struct member *m)
{
    const unsigned char *from = m->at;
    while (m->at < m->end && *m->at >= '0' && *m->at <= '9')
        m->at++;
    return (size_t)(m->at - from);
}

/* A number of a few digits without an exponent. */
static bool take_number(struct member *m)
{
    enum { DIGITS_SAFE = 18 }; /* fit 64 bits */
    (void)take(m, '-');
    const bool zero = m->at < m->end && *m->at == '0';
    const size_t whole = take_digits(m);
    if (whole == 0 || whole > DIGITS_SAFE || (zero && whole > 1))
        return false;
    m->seen = READING_INT;
    if (!take(m, '.'))
        return true;
    m->seen = READING_FLOAT;
    return take_digits(m) > 0;
}

static bool take_word(struct member *m, const char *word, unsigned seen)
{
    while (*word && take(m, (unsigned char)*word))
        word++;
    m->seen = seen;
    return *word == '\0';
}

/* What begins like no plain value is refused as a number. */
static bool take_plain(const struct ndjson *n, struct member *m)
{
    (void)take(m, ' ');
    m->value = m->at;
    if (m->at == m->end)
        return false;
    if (take(m, '"'))
        return take_string(n, m);
    if (*m->at == 't')
        return take_word(m, "true", READING_BOOL);
    if (*m->at == 'f')
        return take_word(m, "false", READING_BOOL);
    if (*m->at == 'n')
        return take_word(m, "null", READING_NULL);
    return take_number(m);
}

/* To the object of the next row, when it follows the last at once. */
static const unsigned char *row_begin(struct ndjson *n, const unsigned char *at,
                                      const unsigned char *end)
{
    if (at == end || *at != '\n')
        return at;
    n->place = NDJSON_ROW;
    at++;
    if (at == end || *at != '{')
        return at;
    n->depth = 1;
    n->place = NDJSON_NAME_OR_END;
    return at + 1;
}

/* A value and what comes behind it, which is still to be taken. */
static bool take_value(const struct ndjson *n, struct member *m)
{
    return take_plain(n, m) && m->at < m->end && (*m->at == ',' || *m->at == '}');
}

/* Hands the value that was taken to who asks for it. */
static bool value_told(struct ndjson *n, const struct member *m)
{
    const bool string = *m->value == '"';
    struct value value = { .form = VALUE_NUMBER, .bytes = (const char *)m->value + string };
    value.len = (size_t)(m->at - m->value) - 2 * (size_t)string;
    if (string)
        value.form = VALUE_STRING;
    else if (m->seen == READING_NULL)
        value.form = VALUE_NULL;
    else if (m->seen == READING_BOOL)
        value.form = *m->value == 't' ? VALUE_TRUE : VALUE_FALSE;
    return ndjson_value_told(n, &value);
}

bool ndjson_run(struct ndjson *n, const unsigned char **from, const unsigned char *end,
                struct problem *why)
{
    while (n->depth == 1 && (n->place == NDJSON_NAME || n->place == NDJSON_NAME_OR_END)) {
        struct member m = { .at = *from, .end = end };
        const unsigned char *name = NULL;
        size_t len = 0;
        if (!take_name(&m, &name, &len))
            return true;
        if (ndjson_name_end(n, (const char *)name, len, why))
            return false;
        n->place = NDJSON_VALUE;
        *from = m.at;
        if (!take_value(n, &m))
            return true;
        n->fields[n->column].seen |= (uint8_t)m.seen;
        n->place = NDJSON_NAME;
        *from = m.at + 1;
        if (n->values && !value_told(n, &m))
            return false;
        if (*m.at != '}')
            continue;
        n->depth = 0;
        if (!ndjson_row_end(n))
            return false;
        *from = row_begin(n, *from, end);
    }
    return true;
}
