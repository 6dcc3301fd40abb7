#include "tabular/ndjson.h"

#include "tabular/ndjson_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers and words ---- */

static void digit_add(struct ndjson *n, unsigned char digit)
{
    const uint64_t base = 10;
    if (__builtin_mul_overflow(n->whole, base, &n->whole) ||
        __builtin_add_overflow(n->whole, (uint64_t)(digit - '0'), &n->whole))
        n->overflow = true;
}

/* Whether the byte continues the number (RFC 8259 section 6); the place moves on with it. */
static bool number_step(struct ndjson *n, unsigned char byte)
{
    const bool digit = byte >= '0' && byte <= '9';
    const enum ndjson_place place = n->place;
    if (digit) {
        if (place == NDJSON_NUMBER_ZERO)
            return false;
        if (place == NDJSON_NUMBER_SIGN)
            n->place = byte == '0' ? NDJSON_NUMBER_ZERO : NDJSON_NUMBER_WHOLE;
        else if (place == NDJSON_NUMBER_POINT)
            n->place = NDJSON_NUMBER_FRACTION;
        else if (place == NDJSON_NUMBER_E || place == NDJSON_NUMBER_E_SIGN)
            n->place = NDJSON_NUMBER_EXPONENT;
        if (n->place == NDJSON_NUMBER_WHOLE)
            digit_add(n, byte);
        return true;
    }
    if (byte == '.' && (place == NDJSON_NUMBER_ZERO || place == NDJSON_NUMBER_WHOLE))
        n->place = NDJSON_NUMBER_POINT;
    else if ((byte == 'e' || byte == 'E') &&
             (place == NDJSON_NUMBER_ZERO || place == NDJSON_NUMBER_WHOLE ||
              place == NDJSON_NUMBER_FRACTION))
        n->place = NDJSON_NUMBER_E;
    else if ((byte == '+' || byte == '-') && place == NDJSON_NUMBER_E)
        n->place = NDJSON_NUMBER_E_SIGN;
    else
        return false;
    return true;
}

/* What comes behind a number ends it. */
static bool number_end(struct ndjson *n, const unsigned char *at)
{
    const uint64_t most = (uint64_t)INT64_MAX + (n->negative ? 1 : 0);
    const bool integer = n->place == NDJSON_NUMBER_ZERO || n->place == NDJSON_NUMBER_WHOLE;
    if (!integer && n->place != NDJSON_NUMBER_FRACTION && n->place != NDJSON_NUMBER_EXPONENT)
        return ndjson_wrong(n, "a broken number", at);
    n->seen = integer && !n->overflow && n->whole <= most ? READING_INT : READING_FLOAT;
    return ndjson_value_end(n, at);
}

static bool number_begin(struct ndjson *n, unsigned char byte)
{
    n->negative = byte == '-';
    n->overflow = false;
    n->whole = 0;
    n->place = NDJSON_NUMBER_SIGN;
    return n->negative || number_step(n, byte);
}

static bool word_step(struct ndjson *n, const unsigned char *at)
{
    if (*at != (unsigned char)*n->word)
        return ndjson_wrong(n, "an unknown word", at);
    n->word++;
    return *n->word != '\0' || ndjson_value_end(n, at + 1);
}

/* ---- structure ---- */

static bool container_begin(struct ndjson *n, const unsigned char *at)
{
    if (n->depth > NDJSON_DEPTH_MAX) /* the row itself is a level more */
        return ndjson_wrong(n, "values nested too deep", at);
    n->depth++;
    n->in_object[n->depth] = *at == '{';
    n->place = *at == '{' ? NDJSON_NAME_OR_END : NDJSON_VALUE_OR_END;
    return true;
}

static bool container_end(struct ndjson *n, const unsigned char *at)
{
    const bool object = n->in_object[n->depth];
    if ((*at == '}') != object)
        return ndjson_wrong(n, "a bracket that does not fit", at);
    n->depth--;
    if (n->depth == 0)
        return ndjson_row_end(n);
    n->seen = READING_WIDE | (object ? READING_OBJECT : READING_LIST);
    return ndjson_value_end(n, at + 1);
}

static bool value_begin(struct ndjson *n, const unsigned char *at)
{
    static const char words[][sizeof "false"] = { "true", "false", "null" };
    static const enum value_form forms[] = { VALUE_TRUE, VALUE_FALSE, VALUE_NULL };
    if (*at == '"')
        return ndjson_string_begin(n, false);
    if (*at == '{' || *at == '[') {
        ndjson_value_begin(n, VALUE_NESTED, at);
        return container_begin(n, at);
    }
    if (*at == '-' || (*at >= '0' && *at <= '9')) {
        ndjson_value_begin(n, VALUE_NUMBER, at);
        return number_begin(n, *at);
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (*at == (unsigned char)words[i][0]) {
            n->place = NDJSON_WORD;
            n->word = words[i] + 1;
            n->seen = words[i][0] == 'n' ? READING_NULL : READING_BOOL;
            ndjson_value_begin(n, forms[i], at);
            return true;
        }
    }
    return ndjson_wrong(n, "a value expected", at);
}

/* A byte of structure that is no white space. */
static bool structure_step(struct ndjson *n, const unsigned char *at)
{
    switch (n->place) {
    case NDJSON_ROW:
        return *at == '{' ? container_begin(n, at)
                          : ndjson_wrong(n, "the row is not an object", at);
    case NDJSON_NAME_OR_END:
        if (*at == '}')
            return container_end(n, at);
        return *at == '"' ? ndjson_string_begin(n, true) : ndjson_wrong(n, "a name expected", at);
    case NDJSON_NAME:
        return *at == '"' ? ndjson_string_begin(n, true) : ndjson_wrong(n, "a name expected", at);
    case NDJSON_COLON:
        n->place = NDJSON_VALUE;
        return *at == ':' || ndjson_wrong(n, "':' expected", at);
    case NDJSON_VALUE_OR_END:
        return *at == ']' ? container_end(n, at) : value_begin(n, at);
    case NDJSON_VALUE:
        return value_begin(n, at);
    case NDJSON_AFTER:
        if (*at == '}' || *at == ']')
            return container_end(n, at);
        n->place = n->in_object[n->depth] ? NDJSON_NAME : NDJSON_VALUE;
        return *at == ',' || ndjson_wrong(n, "',' expected", at);
    case NDJSON_ROW_END:
        return ndjson_wrong(n, "more than an object in the row", at);
    case NDJSON_STRING:
    case NDJSON_ESCAPE:
    case NDJSON_HEX:
    case NDJSON_NUMBER_SIGN:
    case NDJSON_NUMBER_ZERO:
    case NDJSON_NUMBER_WHOLE:
    case NDJSON_NUMBER_POINT:
    case NDJSON_NUMBER_FRACTION:
    case NDJSON_NUMBER_E:
    case NDJSON_NUMBER_E_SIGN:
    case NDJSON_NUMBER_EXPONENT:
    case NDJSON_WORD:
        break;
    }
    return ndjson_wrong(n, "a reader in no place", at);
}

static bool line_end(struct ndjson *n, const unsigned char *at)
{
    if (n->place != NDJSON_ROW && n->place != NDJSON_ROW_END)
        return ndjson_wrong(n, "a line end inside the object", at);
    n->place = NDJSON_ROW;
    return true;
}

/* ---- the stream ---- */

/* One step between strings; one byte is taken unless it ends a number. */
static bool step(struct ndjson *n, const unsigned char **at)
{
    const unsigned char *here = *at;
    if (n->place >= NDJSON_NUMBER_SIGN && n->place <= NDJSON_NUMBER_EXPONENT) {
        if (!number_step(n, *here))
            return number_end(n, here);
        ++*at;
        return true;
    }
    ++*at;
    if (n->place == NDJSON_WORD)
        return word_step(n, here);
    if (n->place == NDJSON_ESCAPE)
        return ndjson_string_escape(n, here);
    if (n->place == NDJSON_HEX)
        return ndjson_string_hex(n, here);
    if (*here == '\n')
        return line_end(n, here);
    if (*here == ' ' || *here == '\t' || *here == '\r')
        return true;
    return structure_step(n, here);
}

static enum fault not_ndjson(const struct ndjson *n, const char *what, uint64_t offset,
                             struct problem *why)
{
    return problem_set(why, FAULT_UNPROCESSABLE, "the part is not NDJSON: row %lld: %s (byte %llu)",
                       (long long)n->rows + (n->place == NDJSON_ROW_END ? 0 : 1), what,
                       (unsigned long long)offset);
}

enum fault ndjson_create(struct arena *arena, const struct value_sink *values, struct ndjson **out,
                         struct problem *why)
{
    struct ndjson *n = arena_alloc(arena, sizeof *n);
    if (!n)
        return problem_internal(why, "no memory for an NDJSON reader");
    n->arena = arena;
    n->values = values;
    columns_init(&n->columns, arena);
    issues_init(&n->issues, arena);
    *out = n;
    return FAULT_NONE;
}

enum fault ndjson_take(void *ctx, const struct utf8_text_piece *piece, struct problem *why)
{
    struct ndjson *n = ctx;
    const unsigned char *const from = (const unsigned char *)piece->bytes;
    const unsigned char *const end = from + piece->len;
    const unsigned char *at = from;
    bool fine = true;
    n->ascii = piece->ascii;
    n->why = why;
    if (n->raw_open)
        n->raw = from;
    n->raw_open = false;
    n->offset = piece->offset + piece->len;
    while (fine && at < end) {
        const unsigned char *const before = at;
        if (n->place == NDJSON_STRING)
            fine = ndjson_string_step(n, &at, end, why);
        else if (n->place == NDJSON_NAME || n->place == NDJSON_NAME_OR_END)
            fine = ndjson_run(n, &at, end, why);
        if (fine && at == before)
            fine = step(n, &at);
    }
    if (fine && n->raw) {
        ndjson_value_add(n, n->raw, (size_t)(end - n->raw));
        n->raw = NULL;
        n->raw_open = true;
    }
    if (fine)
        return FAULT_NONE;
    if (why->fault)
        return why->fault;
    return not_ndjson(n, n->wrong, piece->offset + (uint64_t)(n->wrong_at - from), why);
}

static void halves_told(struct ndjson *n)
{
    char more[PROBLEM_TEXT_MAX] = "";
    if (n->halves == 0)
        return;
    if (n->halves > 1)
        (void)snprintf(more, sizeof more, ", and %lld more are like it", (long long)n->halves - 1);
    const char *column = n->columns.list[n->half_column].name;
    issues_add(&n->issues, column,
               "row %lld holds half a surrogate pair in column '%.256s', which is no character%s",
               (long long)n->half_row, column, more);
}

enum fault ndjson_end(struct ndjson *n, struct reading *out, struct problem *why)
{
    if (n->place != NDJSON_ROW && n->place != NDJSON_ROW_END)
        return not_ndjson(n, "the content ends inside the object", n->offset, why);
    halves_told(n);
    for (size_t i = 0; i < n->columns.count; i++) {
        struct column *column = &n->columns.list[i];
        column->type = reading_type(n->fields[i].seen);
        if (reading_is_mixed(n->fields[i].seen))
            issues_add(&n->issues, column->name, "column '%.256s' holds values of different types",
                       column->name);
    }
    *out = (struct reading){ .rows = n->rows, .columns = n->columns, .issues = n->issues };
    return FAULT_NONE;
}
