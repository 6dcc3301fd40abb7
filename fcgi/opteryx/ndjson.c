#include "opteryx/ndjson.h"

#include "base/limits.h"
#include "opteryx/utf8.h"

#include <string.h>

/* What may come next. */
enum place {
    ROW,         /* an object, or nothing */
    NAME_OR_END, /* behind '{' */
    NAME,        /* behind ',' in an object */
    COLON,
    VALUE,
    VALUE_OR_END, /* behind '[' */
    AFTER,        /* behind a value: ',' or the end of what holds it */
    ROW_END,      /* behind the object of a row */
    STRING,
    ESCAPE,
    HEX,
    NUMBER_SIGN, /* behind '-' */
    NUMBER_ZERO, /* behind a leading 0 */
    NUMBER_WHOLE,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_EXPONENT,
    WORD,
};

enum {
    FIELDS_FIRST = 16,
    NAME_ROOM = OPTERYX_COLUMN_NAME_MAX + 1, /* one byte more shows that a name is too long */
    HEX_DIGITS = 4,
    CONTROL_END = 0x20,
    ASCII_END = 0x80,
    MARK_LEN = 3,
    SURROGATE_HIGH = 0xD800,
    SURROGATE_LOW = 0xDC00,
    SURROGATE_END = 0xE000,
    PLANE_1 = 0x10000,
    REPLACEMENT = 0xFFFD,
};

/* What is kept of a column beside its name. */
struct field {
    size_t name_len;
    uint8_t seen;
};

struct ndjson {
    struct arena *arena;
    struct utf8 utf8;
    struct columns columns;
    struct issues issues;
    struct field *fields;
    size_t field_room;
    bool ascii; /* the current piece is */

    enum place place;
    size_t depth; /* 1: in the object of a row */
    bool in_object[JSON_DEPTH_MAX + 1];
    const char *wrong; /* what is, at wrong_at */
    const unsigned char *wrong_at;

    size_t column; /* of the member of the row that is being read */
    size_t next;   /* the column that comes next when rows are alike */
    unsigned seen; /* of the current value of a row */

    bool is_name; /* the string is the name of a member */
    size_t name_len;
    char name[NAME_ROOM];
    unsigned hex_count;
    uint32_t hex;
    uint32_t high; /* the first half of a surrogate pair; 0: none */

    bool negative;
    bool overflow; /* the integer does not fit 64 bits */
    uint64_t whole;
    const char *word; /* what remains of true, false or null */

    int64_t rows;
};

static bool wrong(struct ndjson *n, const char *what, const unsigned char *at)
{
    n->wrong = what;
    n->wrong_at = at;
    return false;
}

/* ---- columns ---- */

static bool fields_grow(struct ndjson *n)
{
    const size_t room = n->field_room ? 2 * n->field_room : FIELDS_FIRST;
    struct field *fields = arena_alloc(n->arena, room * sizeof *fields);
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
    char name[NAME_ROOM + 1];
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
    n->fields[n->column] = (struct field){ .name_len = n->name_len };
    return columns_add(&n->columns, name, n->name_len, &unknown, true, why);
}

/* The name of a member of a row has ended. */
static enum fault name_end(struct ndjson *n, const char *name, size_t len, struct problem *why)
{
    const size_t next = n->next;
    enum fault f = FAULT_NONE;
    if (next < n->columns.count && n->fields[next].name_len == len &&
        memcmp(n->columns.list[next].name, name, len) == 0) {
        n->column = next;
    } else {
        if (name != n->name)
            memcpy(n->name, name, len < NAME_ROOM ? len : NAME_ROOM);
        n->name_len = len < NAME_ROOM ? len : NAME_ROOM;
        f = column_find(n, why);
    }
    n->next = n->column + 1;
    return f;
}

/* A value has ended; only those of the row itself have a type that matters. */
static void value_end(struct ndjson *n)
{
    if (n->depth == 1)
        n->fields[n->column].seen |= (uint8_t)n->seen;
    n->place = AFTER;
}

/* ---- strings ---- */

static void name_add(struct ndjson *n, const unsigned char *bytes, size_t len)
{
    const size_t room = NAME_ROOM - n->name_len;
    const size_t take = len < room ? len : room;
    memcpy(n->name + n->name_len, bytes, take);
    n->name_len += take;
}

static void string_add(struct ndjson *n, const unsigned char *bytes, size_t len)
{
    if (n->depth != 1)
        return;
    if (n->is_name)
        name_add(n, bytes, len);
    else if (!n->ascii && !(n->seen & READING_WIDE) && utf8_is_wide(bytes, len))
        n->seen |= READING_WIDE;
}

/* A character that an escape stands for. */
static void point_add(struct ndjson *n, uint32_t point)
{
    enum { TAIL = 0x80, TAIL_MASK = 0x3F, TAIL_BITS = 6, TWO_END = 0x800 };
    enum { TWO = 0xC0, THREE = 0xE0, FOUR = 0xF0, SEQUENCE_MAX = 4 };
    unsigned char bytes[SEQUENCE_MAX];
    size_t len = 0;
    if (point >= ASCII_END)
        n->seen |= n->is_name ? 0 : READING_WIDE;
    if (point < ASCII_END) {
        bytes[len++] = (unsigned char)point;
    } else if (point < TWO_END) {
        bytes[len++] = (unsigned char)(TWO | point >> TAIL_BITS);
    } else if (point < PLANE_1) {
        bytes[len++] = (unsigned char)(THREE | point >> 2 * TAIL_BITS);
    } else {
        bytes[len++] = (unsigned char)(FOUR | point >> 3 * TAIL_BITS);
        bytes[len++] = (unsigned char)(TAIL | (point >> 2 * TAIL_BITS & TAIL_MASK));
    }
    if (point >= TWO_END)
        bytes[len++] = (unsigned char)(TAIL | (point >> TAIL_BITS & TAIL_MASK));
    if (point >= ASCII_END)
        bytes[len++] = (unsigned char)(TAIL | (point & TAIL_MASK));
    if (n->is_name && n->depth == 1)
        name_add(n, bytes, len);
}

/* A first half whose second half has not come is no character. */
static void high_drop(struct ndjson *n)
{
    if (n->high)
        point_add(n, REPLACEMENT);
    n->high = 0;
}

/* Four digits of \uXXXX are there. */
static void unit_end(struct ndjson *n)
{
    enum { HALF_BITS = 10 };
    const uint32_t unit = n->hex;
    n->place = STRING;
    if (n->high && unit >= SURROGATE_LOW && unit < SURROGATE_END) {
        point_add(n, PLANE_1 + ((n->high - SURROGATE_HIGH) << HALF_BITS) + (unit - SURROGATE_LOW));
        n->high = 0;
        return;
    }
    high_drop(n);
    if (unit >= SURROGATE_HIGH && unit < SURROGATE_LOW)
        n->high = unit;
    else
        point_add(n, unit >= SURROGATE_LOW && unit < SURROGATE_END ? REPLACEMENT : unit);
}

static bool hex_step(struct ndjson *n, const unsigned char *at)
{
    enum { LETTER_BASE = 10, NIBBLE = 4, TO_LOWER = 0x20 };
    const unsigned char lower = *at | TO_LOWER;
    if (*at >= '0' && *at <= '9')
        n->hex = n->hex << NIBBLE | (uint32_t)(*at - '0');
    else if (lower >= 'a' && lower <= 'f')
        n->hex = n->hex << NIBBLE | (uint32_t)(lower - 'a' + LETTER_BASE);
    else
        return wrong(n, "a broken \\u escape", at);
    if (++n->hex_count == HEX_DIGITS)
        unit_end(n);
    return true;
}

static bool escape_step(struct ndjson *n, const unsigned char *at)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (*at == 'u') {
        n->place = HEX;
        n->hex = 0;
        n->hex_count = 0;
        return true;
    }
    const char *known = *at ? strchr(letters, *at) : NULL;
    if (!known)
        return wrong(n, "a broken escape", at);
    high_drop(n);
    point_add(n, (unsigned char)meanings[known - letters]);
    n->place = STRING;
    return true;
}

/* The end of a run of plain characters: a quote, a backslash, a control character or the piece's
 * end.  Eight bytes at a time: a byte b is below c when (b - c) & ~b has its high bit set. */
static const unsigned char *string_run(const unsigned char *at, const unsigned char *end)
{
    const uint64_t ones = 0x0101010101010101U;
    const uint64_t highs = 0x8080808080808080U;
    uint64_t word = 0;
    for (; (size_t)(end - at) >= sizeof word; at += sizeof word) {
        memcpy(&word, at, sizeof word);
        const uint64_t quote = word ^ ones * '"';
        const uint64_t slash = word ^ ones * '\\';
        const uint64_t found = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
                               ((word - ones * CONTROL_END) & ~word);
        if (found & highs)
            break;
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= CONTROL_END)
        at++;
    return at;
}

static bool string_step(struct ndjson *n, const unsigned char **from, const unsigned char *end,
                        struct problem *why)
{
    const unsigned char *start = *from;
    const unsigned char *at = string_run(start, end);
    *from = at < end ? at + 1 : end;
    if (n->high && at > start)
        high_drop(n);
    const bool name_here = n->is_name && n->depth == 1;
    if (at < end && *at == '"' && name_here && n->name_len == 0 && !n->high) {
        n->place = COLON;
        return name_end(n, (const char *)start, (size_t)(at - start), why) == FAULT_NONE;
    }
    string_add(n, start, (size_t)(at - start));
    if (at == end)
        return true;
    if (*at == '\\') {
        n->place = ESCAPE;
        return true;
    }
    if (*at != '"')
        return wrong(n, "a control character in a string", at);
    high_drop(n);
    if (!n->is_name) {
        value_end(n);
        return true;
    }
    n->place = COLON;
    return !name_here || name_end(n, n->name, n->name_len, why) == FAULT_NONE;
}

static bool string_begin(struct ndjson *n, bool is_name)
{
    n->place = STRING;
    n->is_name = is_name;
    n->name_len = 0;
    n->high = 0;
    n->seen = READING_TEXT | (n->depth == 1 ? 0 : READING_WIDE);
    return true;
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
    const enum place place = n->place;
    if (digit) {
        if (place == NUMBER_ZERO)
            return false;
        if (place == NUMBER_SIGN)
            n->place = byte == '0' ? NUMBER_ZERO : NUMBER_WHOLE;
        else if (place == NUMBER_POINT)
            n->place = NUMBER_FRACTION;
        else if (place == NUMBER_E || place == NUMBER_E_SIGN)
            n->place = NUMBER_EXPONENT;
        if (n->place == NUMBER_WHOLE)
            digit_add(n, byte);
        return true;
    }
    if (byte == '.' && (place == NUMBER_ZERO || place == NUMBER_WHOLE))
        n->place = NUMBER_POINT;
    else if ((byte == 'e' || byte == 'E') &&
             (place == NUMBER_ZERO || place == NUMBER_WHOLE || place == NUMBER_FRACTION))
        n->place = NUMBER_E;
    else if ((byte == '+' || byte == '-') && place == NUMBER_E)
        n->place = NUMBER_E_SIGN;
    else
        return false;
    return true;
}

/* What comes behind a number ends it. */
static bool number_end(struct ndjson *n, const unsigned char *at)
{
    const uint64_t most = (uint64_t)INT64_MAX + (n->negative ? 1 : 0);
    const bool integer = n->place == NUMBER_ZERO || n->place == NUMBER_WHOLE;
    if (!integer && n->place != NUMBER_FRACTION && n->place != NUMBER_EXPONENT)
        return wrong(n, "a broken number", at);
    n->seen = integer && !n->overflow && n->whole <= most ? READING_INT : READING_FLOAT;
    value_end(n);
    return true;
}

static bool number_begin(struct ndjson *n, unsigned char byte)
{
    n->negative = byte == '-';
    n->overflow = false;
    n->whole = 0;
    n->place = NUMBER_SIGN;
    return n->negative || number_step(n, byte);
}

static bool word_step(struct ndjson *n, const unsigned char *at)
{
    if (*at != (unsigned char)*n->word)
        return wrong(n, "an unknown word", at);
    n->word++;
    if (*n->word == '\0')
        value_end(n);
    return true;
}

/* ---- structure ---- */

static bool container_begin(struct ndjson *n, const unsigned char *at)
{
    if (n->depth == JSON_DEPTH_MAX)
        return wrong(n, "values nested too deep", at);
    n->depth++;
    n->in_object[n->depth] = *at == '{';
    n->place = *at == '{' ? NAME_OR_END : VALUE_OR_END;
    return true;
}

static bool container_end(struct ndjson *n, const unsigned char *at)
{
    if ((*at == '}') != n->in_object[n->depth])
        return wrong(n, "a bracket that does not fit", at);
    n->depth--;
    if (n->depth == 0) {
        n->rows++;
        n->next = 0;
        n->place = ROW_END;
        return true;
    }
    n->seen = READING_TEXT | READING_WIDE;
    value_end(n);
    return true;
}

static bool value_begin(struct ndjson *n, const unsigned char *at)
{
    static const char words[][sizeof "false"] = { "true", "false", "null" };
    if (*at == '"')
        return string_begin(n, false);
    if (*at == '{' || *at == '[')
        return container_begin(n, at);
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return number_begin(n, *at);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (*at == (unsigned char)words[i][0]) {
            n->place = WORD;
            n->word = words[i] + 1;
            n->seen = words[i][0] == 'n' ? READING_NULL : READING_BOOL;
            return true;
        }
    }
    return wrong(n, "a value expected", at);
}

/* A byte of structure that is no white space. */
static bool structure_step(struct ndjson *n, const unsigned char *at)
{
    switch (n->place) {
    case ROW:
        return *at == '{' ? container_begin(n, at) : wrong(n, "the row is not an object", at);
    case NAME_OR_END:
        if (*at == '}')
            return container_end(n, at);
        return *at == '"' ? string_begin(n, true) : wrong(n, "a name expected", at);
    case NAME:
        return *at == '"' ? string_begin(n, true) : wrong(n, "a name expected", at);
    case COLON:
        n->place = VALUE;
        return *at == ':' || wrong(n, "':' expected", at);
    case VALUE_OR_END:
        return *at == ']' ? container_end(n, at) : value_begin(n, at);
    case VALUE:
        return value_begin(n, at);
    case AFTER:
        if (*at == '}' || *at == ']')
            return container_end(n, at);
        n->place = n->in_object[n->depth] ? NAME : VALUE;
        return *at == ',' || wrong(n, "',' expected", at);
    case ROW_END:
        return wrong(n, "more than an object in the row", at);
    case STRING:
    case ESCAPE:
    case HEX:
    case NUMBER_SIGN:
    case NUMBER_ZERO:
    case NUMBER_WHOLE:
    case NUMBER_POINT:
    case NUMBER_FRACTION:
    case NUMBER_E:
    case NUMBER_E_SIGN:
    case NUMBER_EXPONENT:
    case WORD:
        break;
    }
    return wrong(n, "a reader in no place", at);
}

static bool line_end(struct ndjson *n, const unsigned char *at)
{
    if (n->place != ROW && n->place != ROW_END)
        return wrong(n, "a line end inside the object", at);
    n->place = ROW;
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
    if (n->place >= NUMBER_SIGN && n->place <= NUMBER_EXPONENT) {
        if (!number_step(n, *here))
            return number_end(n, here);
        ++*at;
        return true;
    }
    ++*at;
    if (n->place == WORD)
        return word_step(n, here);
    if (n->place == ESCAPE)
        return escape_step(n, here);
    if (n->place == HEX)
        return hex_step(n, here);
    if (*here == '\n')
        return line_end(n, here);
    if (*here == ' ' || *here == '\t' || *here == '\r')
        return true;
    if (n->place == ROW && *here >= ASCII_END && is_mark(n, here, end))
        return true;
    return structure_step(n, here);
}

static enum fault not_ndjson(const struct ndjson *n, const char *what, uint64_t offset,
                             struct problem *why)
{
    return problem_set(why, FAULT_UNPROCESSABLE, "the part is not NDJSON: row %lld: %s (byte %llu)",
                       (long long)n->rows + (n->place == ROW_END ? 0 : 1), what,
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
    while (fine && at < end)
        fine = n->place == STRING ? string_step(n, &at, end, why) : step(n, &at, end);
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
    if (n->place != ROW && n->place != ROW_END)
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
