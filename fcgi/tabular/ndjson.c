#include "tabular/ndjson.h"

#include "tabular/ndjson_internal.h"

#include <string.h>

enum {
    FIELDS_FIRST = 16,
    ASCII_END = 0x80,
    MARK_LEN = 3,
};

bool ndjson_wrong(struct ndjson *n, const char *what, const unsigned char *at)
{
    n->wrong = what;
    n->wrong_at = at;
    return false;
}

/* ---- columns ---- */

static bool fields_grow(struct ndjson *n)
{
    const size_t room = n->field_room ? 2 * n->field_room : FIELDS_FIRST;
    struct ndjson_field *fields = arena_alloc(n->arena, room * sizeof *fields);
    if (!fields)
        return false;
    if (n->columns.count)
        memcpy(fields, n->fields, n->columns.count * sizeof *fields);
    n->fields = fields;
    n->field_room = room;
    return true;
}

/* A name that was not expected here: another column, or a new one. */
static enum fault column_find(struct ndjson *n, struct problem *why)
{
    const struct type unknown = { .kind = TYPE_NULL };
    char name[NDJSON_NAME_ROOM + 1];
    memcpy(name, n->name, n->name_len);
    name[n->name_len] = '\0';
    const struct column *column =
        memchr(name, '\0', n->name_len) ? NULL : columns_find(&n->columns, name);
    if (column) {
        n->column = (size_t)(column - n->columns.list);
        return FAULT_NONE;
    }
    n->column = n->columns.count;
    if (n->column == n->field_room && !fields_grow(n))
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    n->fields[n->column] = (struct ndjson_field){ .name_len = n->name_len };
    return columns_add(&n->columns, name, n->name_len, &unknown, true, why);
}

/* The name of a member of a row has ended. */
enum fault ndjson_name_end(struct ndjson *n, const char *name, size_t len, struct problem *why)
{
    const size_t next = n->next;
    enum fault f = FAULT_NONE;
    if (next < n->columns.count && n->fields[next].name_len == len &&
        memcmp(n->columns.list[next].name, name, len) == 0) {
        n->column = next;
    } else {
        if (name != n->name)
            memcpy(n->name, name, len < NDJSON_NAME_ROOM ? len : NDJSON_NAME_ROOM);
        n->name_len = len < NDJSON_NAME_ROOM ? len : NDJSON_NAME_ROOM;
        f = column_find(n, why);
    }
    n->next = n->column + 1;
    return f;
}

/* A value has ended; only those of the row itself have a type that matters. */
void ndjson_value_end(struct ndjson *n)
{
    if (n->depth == 1)
        n->fields[n->column].seen |= (uint8_t)n->seen;
    n->place = NDJSON_AFTER;
}

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
    ndjson_value_end(n);
    return true;
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
    if (*n->word == '\0')
        ndjson_value_end(n);
    return true;
}

/* ---- structure ---- */

static bool container_begin(struct ndjson *n, const unsigned char *at)
{
    if (n->depth == JSON_DEPTH_MAX)
        return ndjson_wrong(n, "values nested too deep", at);
    n->depth++;
    n->in_object[n->depth] = *at == '{';
    n->place = *at == '{' ? NDJSON_NAME_OR_END : NDJSON_VALUE_OR_END;
    return true;
}

static bool container_end(struct ndjson *n, const unsigned char *at)
{
    if ((*at == '}') != n->in_object[n->depth])
        return ndjson_wrong(n, "a bracket that does not fit", at);
    n->depth--;
    if (n->depth == 0) {
        n->rows++;
        n->next = 0;
        n->place = NDJSON_ROW_END;
        return true;
    }
    n->seen = READING_TEXT | READING_WIDE;
    ndjson_value_end(n);
    return true;
}

static bool value_begin(struct ndjson *n, const unsigned char *at)
{
    static const char words[][sizeof "false"] = { "true", "false", "null" };
    if (*at == '"')
        return ndjson_string_begin(n, false);
    if (*at == '{' || *at == '[')
        return container_begin(n, at);
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return number_begin(n, *at);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (*at == (unsigned char)words[i][0]) {
            n->place = NDJSON_WORD;
            n->word = words[i] + 1;
            n->seen = words[i][0] == 'n' ? READING_NULL : READING_BOOL;
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

/* A byte order mark at the very start is skipped; any cut of it is no UTF-8 or no object. */
static bool is_mark(const struct ndjson *n, const unsigned char *at, const unsigned char *end)
{
    static const unsigned char mark[MARK_LEN] = { 0xEF, 0xBB, 0xBF };
    const uint64_t offset = n->utf8.offset - (uint64_t)(end - at);
    return offset < MARK_LEN && *at == mark[offset];
}

/* One step between strings; one byte is taken unless it ends a number. */
static bool step(struct ndjson *n, const unsigned char **at, const unsigned char *end)
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
    if (n->place == NDJSON_ROW && *here >= ASCII_END && is_mark(n, here, end))
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

enum fault ndjson_create(struct arena *arena, struct ndjson **out, struct problem *why)
{
    struct ndjson *n = arena_alloc(arena, sizeof *n);
    if (!n)
        return problem_internal(why, "no memory for an NDJSON reader");
    n->arena = arena;
    columns_init(&n->columns, arena);
    issues_init(&n->issues, arena);
    *out = n;
    return FAULT_NONE;
}

enum fault ndjson_feed(struct ndjson *n, const void *bytes, size_t len, struct problem *why)
{
    const unsigned char *at = bytes;
    const unsigned char *const end = at + len;
    bool fine = true;
    if (!utf8_feed(&n->utf8, bytes, len, &n->ascii))
        return not_ndjson(n, "not UTF-8", n->utf8.bad_at, why);
    while (fine && at < end) {
        const unsigned char *const before = at;
        if (n->place == NDJSON_STRING)
            fine = ndjson_string_step(n, &at, end, why);
        else if (n->place == NDJSON_NAME || n->place == NDJSON_NAME_OR_END)
            fine = ndjson_run(n, &at, end, why);
        if (fine && at == before)
            fine = step(n, &at, end);
    }
    if (fine)
        return FAULT_NONE;
    if (why->fault)
        return why->fault;
    return not_ndjson(n, n->wrong, n->utf8.offset - (uint64_t)(end - n->wrong_at), why);
}

enum fault ndjson_end(struct ndjson *n, struct reading *out, struct problem *why)
{
    if (!utf8_end(&n->utf8))
        return not_ndjson(n, "not UTF-8", n->utf8.bad_at, why);
    if (n->place != NDJSON_ROW && n->place != NDJSON_ROW_END)
        return not_ndjson(n, "the content ends inside the object", n->utf8.offset, why);
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
