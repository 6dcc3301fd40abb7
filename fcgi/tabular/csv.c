#include "tabular/csv.h"

#include "base/limits.h"
#include "tabular/bytes8.h"
#include "tabular/csv_header.h"
#include "tabular/csv_value.h"

#include <stdio.h>
#include <string.h>

enum csv_place {
    PLACE_START,  /* of a value */
    PLACE_PLAIN,  /* in a value without quotes, or behind its closing quote */
    PLACE_QUOTED, /* between quotes */
    PLACE_QUOTE,  /* behind a quote there: the end, or the first of two */
};

enum {
    CELL_ROOM = OPTERYX_COLUMN_NAME_MAX + 1
}; /* bytes that tell a type, or that a name is too long */

struct csv {
    struct arena *arena;
    struct columns columns;
    struct issues issues;
    const struct value_sink *values; /* NULL: nobody asks for them */
    struct csv_header header;
    uint8_t *seen; /* a column; NULL before the header row has ended */

    enum csv_place place;
    bool ascii;    /* the current piece is */
    bool quoted;   /* the current value had quotes */
    size_t column; /* of the current value */

    size_t cell_len; /* of a value that is not in one piece; its first bytes are kept */
    size_t cell_room;
    char *cell;
    bool cell_wide;

    int64_t rows;
    int64_t ragged; /* rows with too many or too few values */
    int64_t ragged_row;
    size_t ragged_values;
};

/* ---- values and rows ---- */

/* Hands a value of a data row to who asks for it. */
__attribute__((noinline)) static enum fault value_told(struct csv *csv, const char *bytes,
                                                       size_t len, struct problem *why)
{
    const struct value value = { .form = len ? VALUE_PLAIN : VALUE_NULL,
                                 .bytes = bytes,
                                 .len = len };
    const size_t column = csv->column++;
    const char *name = column < csv->columns.count ? csv->columns.list[column].name : NULL;
    if (len > csv->values->room)
        return problem_set(why, FAULT_UNPROCESSABLE, "row %lld: value %zu has more than %zu bytes",
                           (long long)csv->rows + 1, column + 1, csv->values->room);
    return csv->values->value(csv->values->ctx, column, name, &value, why);
}

/* A value of a data row has ended.  room: bytes that may be read from its first on. */
static enum fault value_end(struct csv *csv, const char *bytes, size_t len, size_t room, bool wide,
                            struct problem *why)
{
    if (csv->values)
        return value_told(csv, bytes, len, why);
    if (csv->column < csv->columns.count) {
        uint8_t *seen = &csv->seen[csv->column];
        if (!(*seen & READING_TEXT))
            *seen = (uint8_t)(*seen | csv_value_seen(bytes, len, room));
        if (wide)
            *seen |= READING_WIDE;
    }
    csv->column++;
    return FAULT_NONE;
}

/* A value of len bytes has ended, of which as many as there is room for are at bytes. */
static enum fault cell_end(struct csv *csv, const char *bytes, size_t len, bool wide,
                           struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (csv->seen) {
        f = value_end(csv, bytes, len, len < csv->cell_room ? len : csv->cell_room, wide, why);
    } else {
        csv->column++;
        f = csv_header_column(&csv->header, &csv->columns, bytes, len, why);
    }
    csv->place = PLACE_START;
    csv->quoted = false;
    return f;
}

/* Keeps a piece of a value that is not in one piece. */
static void cell_add(struct csv *csv, const char *bytes, size_t len)
{
    const size_t room = csv->cell_len < csv->cell_room ? csv->cell_room - csv->cell_len : 0;
    memcpy(csv->cell + (csv->cell_room - room), bytes, len < room ? len : room);
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
    enum fault f = cell_end(csv, csv->cell, csv->cell_len, csv->cell_wide, why);
    csv->cell_len = 0;
    csv->cell_wide = false;
    return f;
}

static enum fault header_end(struct csv *csv, struct problem *why)
{
    if (!csv_header_end(&csv->header, &csv->columns, &csv->issues))
        return FAULT_NONE;
    csv->seen = arena_alloc(csv->arena, csv->columns.count);
    if (!csv->seen)
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    return csv->values ? csv->values->header(csv->values->ctx, &csv->columns, why) : FAULT_NONE;
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
    return csv->values ? csv->values->row(csv->values->ctx, why) : FAULT_NONE;
}

/* ---- rows that lie whole in a piece ---- */

static bool ends_value(const struct csv *csv, char byte)
{
    return byte == csv->header.separator || byte == '\n' || byte == '\r';
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
    bool doubled;      /* quotes stand twice in it */
    bool odd;          /* there is text behind its closing quote */
};

/* Hands on a value in which quotes stand twice. */
static enum fault value_single(struct csv *csv, const char *bytes, size_t len, struct problem *why)
{
    const char *const end = bytes + len;
    for (const char *at = bytes; at < end;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        cell_add(csv, at, (size_t)((quote ? quote + 1 : end) - at));
        at = quote ? quote + 2 : end;
    }
    len = csv->cell_len;
    csv->cell_len = 0;
    csv->cell_wide = false;
    return value_end(csv, csv->cell, len, len, true, why);
}

/* A separator or a line end has ended the value. */
static enum fault run_value(struct csv *csv, struct run *run, const char *stop, struct problem *why)
{
    const char *bytes = run->value + (run->close != NULL);
    const size_t len = (size_t)((run->close ? run->close : stop) - bytes);
    enum fault f = FAULT_NONE;
    const bool separated = *stop == csv->header.separator;
    const bool blank = csv->column == 0 && stop == run->value && !separated;
    run->value = stop + 1;
    run->close = NULL;
    if (blank)
        return FAULT_NONE;
    const bool doubled = run->doubled;
    run->doubled = false;
    if (doubled && csv->values)
        f = value_single(csv, bytes, len, why);
    else
        f = value_end(csv, bytes, len, (size_t)(run->end - bytes),
                      !csv->ascii && utf8_is_wide(bytes, len), why);
    return f || separated ? f : row_end(csv, why);
}

static void run_quote(struct run *run, const char *at)
{
    if (run->open) {
        run->open = false;
        run->close = at;
    } else if (at == run->value || (run->close && run->close + 1 == at)) {
        run->open = true; /* in the second case again */
        run->doubled = run->doubled || at != run->value;
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
        for (uint64_t marks = block_marks(block, csv->header.separator); !f && !run.odd && marks;
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
            bytes8_equal(word, (unsigned char)csv->header.separator) | bytes8_below(word, '\r' + 1);
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
        csv_header_note(&csv->header, start, (size_t)(at - start));
    if (at == end) {
        cell_add(csv, start, (size_t)(at - start));
        csv->place = PLACE_PLAIN;
        *from = at;
        return FAULT_NONE;
    }
    *from = at + 1;
    if (*at == csv->header.separator)
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

enum fault csv_create(struct arena *arena, const struct value_sink *values, struct csv **out,
                      struct problem *why)
{
    struct csv *csv = arena_alloc(arena, sizeof *csv);
    char *cell = values || !csv ? NULL : arena_alloc(arena, CELL_ROOM);
    if (!csv || (!cell && !values))
        return problem_internal(why, "no memory for a CSV reader");
    csv->arena = arena;
    csv->values = values;
    csv->cell = values ? values->buffer : cell;
    csv->cell_room = values ? values->room : CELL_ROOM;
    csv_header_init(&csv->header);
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
