/*
 * ndjson_run.c - rows that are written as most writers do: members in the order of the columns,
 * with plain values, each whole in the piece.
 *
 * It decides nothing of its own: what it does not know it leaves, from the member's beginning on,
 * to the state machine of ndjson.c, of which it is an abridgement.
 */
#include "opteryx/bytes8.h"
#include "opteryx/ndjson_internal.h"

/* What is read of a member before it counts. */
struct member {
    const unsigned char *at;
    const unsigned char *end; /* of the piece */
    unsigned seen;
};

static bool take(struct member *m, unsigned char byte)
{
    if (m->at == m->end || *m->at != byte)
        return false;
    m->at++;
    return true;
}

/* The quoted name of the column, then a colon. */
static bool take_name(struct ndjson *n, struct member *m)
{
    if (n->next == n->columns.count || !n->fields[n->next].plain)
        return false;
    const size_t len = n->fields[n->next].name_len;
    if (!take(m, '"') || (size_t)(m->end - m->at) < len ||
        memcmp(m->at, n->columns.list[n->next].name, len) != 0)
        return false;
    m->at += len;
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
static bool take_value(const struct ndjson *n, struct member *m)
{
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

/* Behind the last member: to the object of the next row, when it follows at once. */
static const unsigned char *row_end(struct ndjson *n, const unsigned char *at,
                                    const unsigned char *end)
{
    n->rows++;
    n->next = 0;
    n->depth = 0;
    n->place = NDJSON_ROW_END;
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

const unsigned char *ndjson_run(struct ndjson *n, const unsigned char *at, const unsigned char *end)
{
    while (n->depth == 1 && (n->place == NDJSON_NAME || n->place == NDJSON_NAME_OR_END)) {
        struct member m = { at, end, 0 };
        (void)take(&m, ' ');
        if (!take_name(n, &m))
            break;
        (void)take(&m, ' ');
        if (!take_value(n, &m) || m.at == end || (*m.at != ',' && *m.at != '}'))
            break;
        n->column = n->next;
        n->fields[n->next++].seen |= (uint8_t)m.seen;
        at = m.at + 1;
        n->place = NDJSON_NAME;
        if (*m.at == '}')
            at = row_end(n, at, end);
    }
    return at;
}
