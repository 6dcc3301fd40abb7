#include "tabular/csv.h"

#include "base/limits.h"
#include "tabular/bytes8.h"
#include "tabular/csv_value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum csv_place {
    PLACE_START,  /* of a value */
    PLACE_PLAIN,  /* in a value without quotes, or behind its closing quote */
    PLACE_QUOTED, /* between quotes */
    PLACE_QUOTE,  /* behind a quote there: the end, or the first of two */
};

enum {
    CELL_ROOM = OPTERYX_COLUMN_NAME_MAX + 1,
    HINT_MAX = 64,
};

/* What separates values where no comma does. */
static const char other_separators[] = ";\t|";
enum { OTHERS = sizeof other_separators - 1 };

struct csv {
    struct arena *arena;
    struct columns columns;
    struct issues issues;
    uint8_t *seen; /* a column; NULL before the header row has ended */

    char separator;
    bool separator_named;  /* by a first line of its own */
    size_t others[OTHERS]; /* of other_separators in the header, outside of quotes */
    enum csv_place place;
    bool ascii;    /* the current piece is */
    bool quoted;   /* the current value had quotes */
    size_t column; /* of the current value */

    size_t cell_len; /* of a value that is not in one piece; its first bytes are kept */
    bool cell_wide;
    char cell[CELL_ROOM];

    int64_t rows;
    int64_t ragged; /* rows with too many or too few values */
    int64_t ragged_row;
    size_t ragged_values;
};

/* ---- values and rows ---- */

/* Looks in what lies outside of quotes in the header. */
static void others_count(struct csv *csv, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *found = bytes[i] ? strchr(other_separators, bytes[i]) : NULL;
        if (found)
            csv->others[found - other_separators]++;
    }
}

/* The separator that the header rather seems to have than commas; '\0': none. */
static char separator_guess(const struct csv *csv)
{
    size_t most = 0;
    for (size_t i = 1; i < OTHERS; i++)
        most = csv->others[i] > csv->others[most] ? i : most;
    const bool likely =
        csv->separator == ',' && csv->others[most] > 0 && csv->others[most] >= csv->columns.count;
    return likely ? other_separators[most] : '\0';
}

/* As people read it. */
static const char *separator_word(char separator, char out[sizeof "'x'"])
{
    (void)snprintf(out, sizeof "'x'", "'%c'", separator);
    return separator == '\t' ? "a tab" : out;
}

static enum fault header_cell(struct csv *csv, const char *bytes, size_t len, struct problem *why)
{
    const struct type unknown = { .kind = TYPE_NULL };
    char word[sizeof "'x'"];
    char hint[HINT_MAX] = "";
    csv->column++;
    const enum fault f = columns_add(&csv->columns, bytes, len, &unknown, true, why);
    const char guess = separator_guess(csv);
    if (f && guess)
        (void)snprintf(hint, sizeof hint, "; the header seems to be separated by %s",
                       separator_word(guess, word));
    return f ? reading_refused("CSV", f, hint, why) : FAULT_NONE;
}

/* A value of a data row has ended.  room: bytes that may be read from its first on. */
static void value_end(struct csv *csv, const char *bytes, size_t len, size_t room, bool wide)
{
    if (csv->column < csv->columns.count) {
        uint8_t *seen = &csv->seen[csv->column];
        if (!(*seen & READING_TEXT))
            *seen = (uint8_t)(*seen | csv_value_seen(bytes, len, room));
        if (wide)
            *seen |= READING_WIDE;
    }
    csv->column++;
}

/* A value has ended.  bytes: all of it, or its first OPTERYX_CELL_MAX bytes and more. */
static enum fault cell_end(struct csv *csv, const char *bytes, size_t len, bool wide,
                           struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (csv->seen)
        value_end(csv, bytes, len, len, wide);
    else
        f = header_cell(csv, bytes, len, why);
    csv->place = PLACE_START;
    csv->quoted = false;
    return f;
}

/* Keeps a piece of a value that is not in one piece. */
static void cell_add(struct csv *csv, const char *bytes, size_t len)
{
    const size_t room = csv->cell_len < CELL_ROOM ? CELL_ROOM - csv->cell_len : 0;
    memcpy(csv->cell + (CELL_ROOM - room), bytes, len < room ? len : room);
    csv->cell_len += len;
    if (!csv->ascii && !csv->cell_wide)
        csv->cell_wide = utf8_is_wide(bytes, len);
}

/* Ends the value whose last piece this is. */
static enum fault cell_close(struct csv *csv, const char *bytes, size_t len, struct problem *why)
{
    if (csv->cell_len == 0 && !csv->quoted)
        return cell_end(csv, bytes, len, !csv->ascii && utf8_is_wide(bytes, len), why);
    cell_add(csv, bytes, len);
    const size_t kept = csv->cell_len < CELL_ROOM ? csv->cell_len : CELL_ROOM;
    enum fault f = cell_end(csv, csv->cell, kept, csv->cell_wide, why);
    csv->cell_len = 0;
    csv->cell_wide = false;
    return f;
}

/* Whether the first line is "sep=;": then it names the separator and no columns. */
static bool separator_line(struct csv *csv)
{
    static const char word[] = "sep=";
    const size_t len = sizeof word - 1;
    char shown[sizeof "'x'"];
    const size_t count = csv->columns.count;
    const char *first = csv->columns.list[0].name;
    if (csv->separator_named || strncasecmp(first, word, len) != 0)
        return false;
    const bool comma = count == 2 && first[len] == '\0' && csv->columns.list[1].name[0] == '\0';
    const bool other =
        count == 1 && first[len] && first[len + 1] == '\0' && ispunct((unsigned char)first[len]);
    const bool tab = count == 1 && strcmp(first + len, "\t") == 0;
    if (!comma && !other && !tab)
        return false;
    csv->separator = comma ? ',' : first[len];
    csv->separator_named = true;
    columns_init(&csv->columns, csv->arena);
    memset(csv->others, 0, sizeof csv->others);
    issues_add(&csv->issues, NULL,
               "the first line is no header: it says that values are separated by %s",
               separator_word(csv->separator, shown));
    return true;
}

/* What is odd about the header without being wrong. */
static void header_told(struct csv *csv)
{
    char word[sizeof "'x'"];
    const char guess = separator_guess(csv);
    if (guess)
        issues_add(
            &csv->issues, NULL,
            "the header seems to be separated by %s: only commas separate values, unless the "
            "first line is sep= and the separator",
            separator_word(guess, word));
    for (size_t i = 0; i < csv->columns.count; i++) {
        const struct column *column = &csv->columns.list[i];
        if (column->name[0] == '\0')
            issues_add(&csv->issues, NULL, "column %zu has no name", i + 1);
        else if (columns_find(&csv->columns, column->name) != column)
            issues_add(&csv->issues, column->name, "more than one column has the name '%.256s'",
                       column->name);
    }
}

static enum fault header_end(struct csv *csv, struct problem *why)
{
    if (separator_line(csv))
        return FAULT_NONE;
    csv->seen = arena_alloc(csv->arena, csv->columns.count);
    if (!csv->seen)
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    header_told(csv);
    return FAULT_NONE;
}

/* A row has ended, all its values taken. */
static enum fault row_end(struct csv *csv, struct problem *why)
{
    const size_t values = csv->column;
    csv->column = 0;
    if (!csv->seen)
        return header_end(csv, why);
    csv->rows++;
    if (values != csv->columns.count && csv->ragged++ == 0) {
        csv->ragged_row = csv->rows;
        csv->ragged_values = values;
    }
    return FAULT_NONE;
}

/* ---- rows that lie whole in a piece ---- */

static bool ends_value(const struct csv *csv, char byte)
{
    return byte == csv->separator || byte == '\n' || byte == '\r';
}

enum { BLOCK = 64 }; /* bytes that are looked at together */

/* A bit for every separator, line end and quote of a block, and for some other bytes. */
static uint64_t block_marks(const char *at, char separator)
{
    uint64_t marks = 0;
    for (const char *const end = at + BLOCK; at < end; at += BYTES8) {
        const uint64_t word = bytes8_load(at);
        const uint64_t found = bytes8_equal(word, (unsigned char)separator) |
                               bytes8_equal(word, '"') | bytes8_below(word, '\r' + 1);
        marks = marks >> BYTES8 | bytes8_bits(found) << (BLOCK - BYTES8);
    }
    return marks;
}

/* The value that a run of whole rows is in. */
struct run {
    const char *value; /* its first byte */
    const char *close; /* its closing quote; NULL: none yet */
    const char *end;   /* of the piece */
    bool open;         /* between quotes */
    bool odd;          /* there is text behind its closing quote */
};

/* A separator or a line end has ended the value. */
static enum fault run_value(struct csv *csv, struct run *run, const char *stop, struct problem *why)
{
    const char *bytes = run->value + (run->close != NULL);
    const size_t len = (size_t)((run->close ? run->close : stop) - bytes);
    const bool separated = *stop == csv->separator;
    const bool blank = csv->column == 0 && stop == run->value && !separated;
    run->value = stop + 1;
    run->close = NULL;
    if (blank)
        return FAULT_NONE;
    value_end(csv, bytes, len, (size_t)(run->end - bytes), !csv->ascii && utf8_is_wide(bytes, len));
    return separated ? FAULT_NONE : row_end(csv, why);
}

static void run_quote(struct run *run, const char *at)
{
    if (run->open) {
        run->open = false;
        run->close = at;
    } else if (at == run->value || (run->close && run->close + 1 == at)) {
        run->open =
            true; /* in the second case again: a value with a quote is text, once or twice */
        run->close = NULL;
    } /* else it stands for itself in a plain value, or shows behind a closing quote */
}

/* Takes data rows as far as their values lie whole in the piece; *from, in front of a value, moves
 * to the first that does not or is odd. */
static enum fault rows_run(struct csv *csv, const char **from, const char *end, struct problem *why)
{
    struct run run = { .value = *from, .end = end };
    enum fault f = FAULT_NONE;
    for (const char *block = *from; !f && !run.odd && end - block >= BLOCK; block += BLOCK) {
        for (uint64_t marks = block_marks(block, csv->separator); !f && !run.odd && marks;
             marks &= marks - 1) {
            const char *at = block + bytes8_low_bit(marks);
            if (*at == '"') {
                run_quote(&run, at);
            } else if (!run.open && ends_value(csv, *at)) {
                run.odd = run.close && run.close + 1 != at;
                if (!run.odd)
                    f = run_value(csv, &run, at, why);
            }
        }
    }
    *from = run.value;
    return f;
}

/* ---- the stream ---- */

/* Takes the bytes of a value up to what ends it: a separator, a line's end, or the piece's. */
static const char *plain_run(const struct csv *csv, const char *at, const char *end)
{
    while (end - at >= BYTES8) {
        const uint64_t word = bytes8_load(at);
        const uint64_t found =
            bytes8_equal(word, (unsigned char)csv->separator) | bytes8_below(word, '\r' + 1);
        at += found ? bytes8_first(found) : BYTES8;
        if (found && ends_value(csv, *at))
            return at;
        at += found != 0; /* another control character */
    }
    while (at < end && !ends_value(csv, *at))
        at++;
    return at;
}

static enum fault plain(struct csv *csv, const char **from, const char *end, struct problem *why)
{
    const char *start = *from;
    const char *at = plain_run(csv, start, end);
    enum fault f = FAULT_NONE;
    if (!csv->seen)
        others_count(csv, start, (size_t)(at - start));
    if (at == end) {
        cell_add(csv, start, (size_t)(at - start));
        csv->place = PLACE_PLAIN;
        *from = at;
        return FAULT_NONE;
    }
    *from = at + 1;
    if (*at == csv->separator)
        return cell_close(csv, start, (size_t)(at - start), why);
    const bool blank = csv->column == 0 && at == start && csv->cell_len == 0 && !csv->quoted;
    if (blank) {
        csv->place = PLACE_START;
        return FAULT_NONE;
    }
    f = cell_close(csv, start, (size_t)(at - start), why);
    return f ? f : row_end(csv, why);
}

static void quoted_run(struct csv *csv, const char **from, const char *end)
{
    const char *start = *from;
    const char *quote = memchr(start, '"', (size_t)(end - start));
    cell_add(csv, start, (size_t)((quote ? quote : end) - start));
    csv->place = quote ? PLACE_QUOTE : PLACE_QUOTED;
    *from = quote ? quote + 1 : end;
}

/* One step of the stream; at least one byte is taken, or the place changes. */
static enum fault step(struct csv *csv, const char **at, const char *end, struct problem *why)
{
    switch (csv->place) {
    case PLACE_START:
        if (**at == '"') {
            csv->place = PLACE_QUOTED;
            csv->quoted = true;
            ++*at;
            return FAULT_NONE;
        }
        return plain(csv, at, end, why);
    case PLACE_PLAIN:
        return plain(csv, at, end, why);
    case PLACE_QUOTED:
        quoted_run(csv, at, end);
        return FAULT_NONE;
    case PLACE_QUOTE:
        if (**at == '"') {
            cell_add(csv, *at, 1);
            csv->place = PLACE_QUOTED;
            ++*at;
        } else {
            csv->place = PLACE_PLAIN;
        }
        return FAULT_NONE;
    }
    return problem_internal(why, "a CSV reader in no place");
}

static enum fault scan(struct csv *csv, const char *at, size_t len, struct problem *why)
{
    const char *const end = at + len;
    enum fault f = FAULT_NONE;
    while (!f && at < end) {
        if (csv->place == PLACE_START && csv->seen && end - at >= BLOCK)
            f = rows_run(csv, &at, end, why);
        if (!f && at < end)
            f = step(csv, &at, end, why);
    }
    return f;
}

enum fault csv_create(struct arena *arena, struct csv **out, struct problem *why)
{
    struct csv *csv = arena_alloc(arena, sizeof *csv);
    if (!csv)
        return problem_internal(why, "no memory for a CSV reader");
    csv->arena = arena;
    csv->separator = ',';
    columns_init(&csv->columns, arena);
    issues_init(&csv->issues, arena);
    *out = csv;
    return FAULT_NONE;
}

enum fault csv_take(void *ctx, const struct utf8_text_piece *piece, struct problem *why)
{
    struct csv *csv = ctx;
    csv->ascii = piece->ascii;
    return scan(csv, piece->bytes, piece->len, why);
}

/* The last row, which needs no line end. */
static enum fault last_row(struct csv *csv, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (csv->place == PLACE_QUOTED)
        issues_add(&csv->issues, NULL, "a quote in row %lld is not closed",
                   (long long)csv->rows + 1);
    if (csv->place == PLACE_START && csv->column == 0)
        return FAULT_NONE;
    f = cell_close(csv, "", 0, why);
    return f ? f : row_end(csv, why);
}

static void ragged_told(struct csv *csv)
{
    char more[PROBLEM_TEXT_MAX] = "";
    if (csv->ragged == 0)
        return;
    if (csv->ragged > 1)
        (void)snprintf(more, sizeof more, ", and %lld more rows differ",
                       (long long)csv->ragged - 1);
    issues_add(&csv->issues, NULL, "row %lld has %zu values for %zu columns%s",
               (long long)csv->ragged_row, csv->ragged_values, csv->columns.count, more);
}

static void types_decide(struct csv *csv)
{
    for (size_t i = 0; i < csv->columns.count; i++) {
        struct column *column = &csv->columns.list[i];
        const unsigned seen = csv->seen[i];
        column->type = reading_type(seen);
        if (!(seen & READING_TEXT) && reading_is_mixed(seen))
            issues_add(&csv->issues, column->name, "column '%.256s' holds booleans and numbers",
                       column->name);
    }
}

enum fault csv_end(struct csv *csv, struct reading *out, struct problem *why)
{
    enum fault f = last_row(csv, why);
    if (f)
        return f;
    if (!csv->seen)
        return problem_set(why, FAULT_UNPROCESSABLE, "the part is not CSV: it has no header row");
    ragged_told(csv);
    types_decide(csv);
    *out = (struct reading){ .rows = csv->rows, .columns = csv->columns, .issues = csv->issues };
    return FAULT_NONE;
}
