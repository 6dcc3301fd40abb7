#include "tabular/csv.h"

#include "base/limits.h"
#include "tabular/bytes8.h"
#include "tabular/csv_value.h"
#include "tabular/utf8.h"

#include <stdio.h>
#include <string.h>

enum csv_place {
    PLACE_START,  /* of a value */
    PLACE_PLAIN,  /* in a value without quotes, or behind its closing quote */
    PLACE_QUOTED, /* between quotes */
    PLACE_QUOTE,  /* behind a quote there: the end, or the first of two */
};

enum {
    MARK_LEN = 3, /* bytes of a byte order mark */
    CELL_ROOM = OPTERYX_COLUMN_NAME_MAX + 1,
};

struct csv {
    struct arena *arena;
    struct utf8 utf8;
    struct columns columns;
    struct issues issues;
    uint8_t *seen; /* a column; NULL before the header row has ended */

    size_t mark; /* bytes of a byte order mark so far; MARK_LEN: that is decided */
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

static enum fault header_cell(struct csv *csv, const char *bytes, size_t len, struct problem *why)
{
    const struct type unknown = { .kind = TYPE_NULL };
    if (len == 0)
        issues_add(&csv->issues, NULL, "column %zu has no name", csv->column + 1);
    csv->column++;
    return columns_add(&csv->columns, bytes, len, &unknown, true, why);
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

static enum fault header_end(struct csv *csv, struct problem *why)
{
    csv->seen = arena_alloc(csv->arena, csv->columns.count);
    if (!csv->seen)
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    for (size_t i = 0; i < csv->columns.count; i++) {
        const struct column *column = &csv->columns.list[i];
        if (columns_find(&csv->columns, column->name) != column)
            issues_add(&csv->issues, column->name, "more than one column has the name '%.256s'",
                       column->name);
    }
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

static bool ends_value(char byte)
{
    return byte == ',' || byte == '\n' || byte == '\r';
}

enum { BLOCK = 64 }; /* bytes that are looked at together */

/* A bit for every comma, line end and quote of a block, and for some other bytes. */
static uint64_t block_marks(const char *at)
{
    uint64_t marks = 0;
    for (const char *const end = at + BLOCK; at < end; at += BYTES8) {
        const uint64_t word = bytes8_load(at);
        const uint64_t found =
            bytes8_equal(word, ',') | bytes8_equal(word, '"') | bytes8_below(word, '\r' + 1);
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

/* A comma or a line end has ended the value. */
static enum fault run_value(struct csv *csv, struct run *run, const char *stop, struct problem *why)
{
    const char *bytes = run->value + (run->close != NULL);
    const size_t len = (size_t)((run->close ? run->close : stop) - bytes);
    const bool blank = csv->column == 0 && stop == run->value && *stop != ',';
    run->value = stop + 1;
    run->close = NULL;
    if (blank)
        return FAULT_NONE;
    value_end(csv, bytes, len, (size_t)(run->end - bytes), !csv->ascii && utf8_is_wide(bytes, len));
    return *stop == ',' ? FAULT_NONE : row_end(csv, why);
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
        for (uint64_t marks = block_marks(block); !f && !run.odd && marks; marks &= marks - 1) {
            const char *at = block + bytes8_low_bit(marks);
            if (*at == '"') {
                run_quote(&run, at);
            } else if (!run.open && ends_value(*at)) {
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

/* Takes the bytes of a value up to what ends it: a comma, a line's end, or the piece's. */
static const char *plain_run(const char *at, const char *end)
{
    while (end - at >= BYTES8) {
        const uint64_t word = bytes8_load(at);
        const uint64_t found = bytes8_equal(word, ',') | bytes8_below(word, '\r' + 1);
        at += found ? bytes8_first(found) : BYTES8;
        if (found && ends_value(*at))
            return at;
        at += found != 0; /* another control character */
    }
    while (at < end && !ends_value(*at))
        at++;
    return at;
}

static enum fault plain(struct csv *csv, const char **from, const char *end, struct problem *why)
{
    const char *start = *from;
    const char *at = plain_run(start, end);
    enum fault f = FAULT_NONE;
    if (at == end) {
        cell_add(csv, start, (size_t)(at - start));
        csv->place = PLACE_PLAIN;
        *from = at;
        return FAULT_NONE;
    }
    *from = at + 1;
    if (*at == ',')
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

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* Skips a byte order mark at the start, however it is cut; what only looks like its beginning is
 * content. */
static enum fault mark_skip(struct csv *csv, const char **at, size_t *len, struct problem *why)
{
    while (*len && csv->mark < MARK_LEN) {
        if (**at != byte_order_mark[csv->mark]) {
            const size_t begun = csv->mark;
            csv->mark = MARK_LEN;
            return scan(csv, byte_order_mark, begun, why);
        }
        csv->mark++;
        ++*at;
        --*len;
    }
    return FAULT_NONE;
}

static enum fault not_utf8(const struct csv *csv, struct problem *why)
{
    return problem_set(why, FAULT_UNPROCESSABLE, "the part is not CSV: byte %llu is not UTF-8",
                       (unsigned long long)csv->utf8.bad_at);
}

enum fault csv_create(struct arena *arena, struct csv **out, struct problem *why)
{
    struct csv *csv = arena_alloc(arena, sizeof *csv);
    if (!csv)
        return problem_internal(why, "no memory for a CSV reader");
    csv->arena = arena;
    columns_init(&csv->columns, arena);
    issues_init(&csv->issues, arena);
    *out = csv;
    return FAULT_NONE;
}

enum fault csv_feed(struct csv *csv, const void *bytes, size_t len, struct problem *why)
{
    const char *at = bytes;
    if (!utf8_feed(&csv->utf8, bytes, len, &csv->ascii))
        return not_utf8(csv, why);
    enum fault f = csv->mark < MARK_LEN ? mark_skip(csv, &at, &len, why) : FAULT_NONE;
    return f ? f : scan(csv, at, len, why);
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
            issues_add(&csv->issues, column->name, "column '%.256s' holds truths and numbers",
                       column->name);
    }
}

enum fault csv_end(struct csv *csv, struct reading *out, struct problem *why)
{
    if (!utf8_end(&csv->utf8))
        return not_utf8(csv, why);
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
