#include "tabular/convert.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAP_FIRST = 16,
    SCRATCH_MAX = 8 * CONVERT_VALUE_BYTES, /* JSON writes a byte as six at most */
};

#define IGNORED SIZE_MAX

struct convert {
    const struct columns *declared;
    const struct columns *ignored;
    struct arena *arena;
    struct value_sink values;
    struct format *format;
    struct parquet_write *writer;
    struct text scratch; /* of one cast */
    struct cell *cells;  /* of the row, a declared column */
    char *row;           /* the bytes of its texts */
    size_t row_len;
    size_t *map; /* of the content's columns to the declared ones; IGNORED: to none */
    size_t mapped;
    size_t map_room;
    int64_t rows;
    struct convert_refusal refusal;
};

/* ---- refusals ---- */

static void place(struct convert *convert, int64_t row, const char *column,
                  const struct type *declared)
{
    struct convert_refusal *refusal = &convert->refusal;
    *refusal = (struct convert_refusal){ .row = row };
    (void)snprintf(refusal->column, sizeof refusal->column, "%s", column);
    if (declared)
        type_print(declared, refusal->declared);
}

static enum fault not_castable(struct convert *convert, const struct column *column,
                               const struct value *value, struct problem *why)
{
    place(convert, convert->rows + 1, column->name, &column->type);
    cast_repr(value, convert->refusal.value);
    return problem_code(why, FAULT_CONFLICT, CONVERT_VALUE, "column '%.256s' cannot hold %s as %s",
                        column->name, convert->refusal.value, convert->refusal.declared);
}

static enum fault undeclared(struct convert *convert, int64_t row, const char *name,
                             struct problem *why)
{
    place(convert, row, name, NULL);
    return problem_code(why, FAULT_CONFLICT, CONVERT_UNDECLARED, "column '%.256s' is not declared",
                        name);
}

static enum fault too_many(struct convert *convert, struct problem *why)
{
    place(convert, convert->rows + 1, "", NULL);
    return problem_code(why, FAULT_CONFLICT, CONVERT_UNDECLARED,
                        "row %lld has more values than there are columns",
                        (long long)convert->rows + 1);
}

/* ---- columns ---- */

static bool map_grow(struct convert *convert)
{
    const size_t room = convert->map_room ? 2 * convert->map_room : MAP_FIRST;
    size_t *map = arena_alloc(convert->arena, room * sizeof *map);
    if (!map)
        return false;
    if (convert->mapped)
        memcpy(map, convert->map, convert->mapped * sizeof *map);
    convert->map = map;
    convert->map_room = room;
    return true;
}

/* The next column of the content. */
static enum fault map_add(struct convert *convert, int64_t row, const char *name,
                          struct problem *why)
{
    const struct column *column = columns_find(convert->declared, name);
    if (!column && (!convert->ignored || !columns_find(convert->ignored, name)))
        return undeclared(convert, row, name, why);
    if (convert->mapped == convert->map_room && !map_grow(convert))
        return problem_set(why, FAULT_TOO_LARGE, "the columns take too much memory");
    convert->map[convert->mapped++] = column ? (size_t)(column - convert->declared->list) : IGNORED;
    return FAULT_NONE;
}

static enum fault take_header(void *ctx, const struct columns *columns, struct problem *why)
{
    struct convert *convert = ctx;
    enum fault f = FAULT_NONE;
    for (size_t i = 0; !f && i < columns->count; i++) {
        const char *name = columns->list[i].name;
        f = map_add(convert, 0, name, why);
        if (!f && columns_find(columns, name) != &columns->list[i]) {
            f = problem_set(why, FAULT_UNPROCESSABLE,
                            "the part is not CSV: more than one column has the name '%.256s'",
                            name);
        }
    }
    for (size_t i = 0; !f && i < convert->declared->count; i++) {
        const struct column *column = &convert->declared->list[i];
        if (column->nullable || columns_find(columns, column->name))
            continue;
        place(convert, 0, column->name, &column->type);
        f = problem_code(why, FAULT_CONFLICT, CONVERT_MISSING,
                         "column '%.256s' is missing and may not be null", column->name);
    }
    return f;
}

/* ---- values and rows ---- */

/* Keeps the bytes of a text until the row ends. */
static enum fault keep(struct convert *convert, struct cell *cell, struct problem *why)
{
    const size_t len = cell->as.bytes.len;
    if (cell->kind != CELL_BYTES)
        return FAULT_NONE;
    if (len > CONVERT_ROW_BYTES - convert->row_len)
        return problem_set(why, FAULT_UNPROCESSABLE, "row %lld has more than %d bytes",
                           (long long)convert->rows + 1, (int)CONVERT_ROW_BYTES);
    char *at = convert->row + convert->row_len;
    if (len)
        memcpy(at, cell->as.bytes.data, len);
    cell->as.bytes.data = at;
    convert->row_len += len;
    return FAULT_NONE;
}

static enum fault take_value(void *ctx, size_t column, const char *name, const struct value *value,
                             struct problem *why)
{
    struct convert *convert = ctx;
    enum fault f = FAULT_NONE;
    if (!name && value->form == VALUE_NULL)
        return FAULT_NONE; /* a separator at a row's end */
    if (!name)
        return too_many(convert, why);
    if (column == convert->mapped)
        f = map_add(convert, convert->rows + 1, name, why);
    const size_t to = f ? IGNORED : convert->map[column];
    if (to == IGNORED)
        return f;
    const struct column *declared = &convert->declared->list[to];
    struct cell *cell = &convert->cells[to];
    if (cast_value(&declared->type, value, &convert->scratch, cell))
        return keep(convert, cell, why);
    if (text_failed(&convert->scratch))
        return problem_internal(why, "no memory to cast a value");
    return not_castable(convert, declared, value, why);
}

static enum fault take_row(void *ctx, struct problem *why)
{
    struct convert *convert = ctx;
    const struct value null = { .form = VALUE_NULL };
    for (size_t i = 0; i < convert->declared->count; i++) {
        const struct column *column = &convert->declared->list[i];
        if (!column->nullable && convert->cells[i].kind == CELL_NULL)
            return not_castable(convert, column, &null, why);
    }
    const enum fault f = parquet_write_row(convert->writer, convert->cells, why);
    memset(convert->cells, 0, convert->declared->count * sizeof *convert->cells);
    convert->row_len = 0;
    convert->rows++;
    return f;
}

/* ---- the whole ---- */

static enum fault types_check(const struct columns *declared, struct problem *why)
{
    for (size_t i = 0; i < declared->count; i++) {
        char word[TYPE_TEXT_MAX];
        const struct column *column = &declared->list[i];
        if (cast_takes(&column->type) && parquet_write_takes(&column->type))
            continue;
        type_print(&column->type, word);
        return problem_set(why, FAULT_UNPROCESSABLE,
                           "column '%.256s': no text can be cast to the type %s", column->name,
                           word);
    }
    return FAULT_NONE;
}

/* The memory that is not the arena's. */
static bool allocate(struct convert *convert)
{
    const size_t count = convert->declared->count ? convert->declared->count : 1;
    convert->cells = calloc(count, sizeof *convert->cells);
    convert->row = malloc(CONVERT_ROW_BYTES);
    convert->values.buffer = malloc(CONVERT_VALUE_BYTES);
    text_init(&convert->scratch, SCRATCH_MAX);
    return convert->cells && convert->row && convert->values.buffer;
}

/* NOLINTNEXTLINE(readability-function-size): what is joined, and the two results */
enum fault convert_create(enum format_kind kind, const struct columns *declared,
                          const struct columns *ignored, bytes_sink sink, void *ctx,
                          const struct parquet_write_spool *spool, struct arena *arena,
                          struct convert **out, struct problem *why)
{
    struct convert *convert = calloc(1, sizeof *convert);
    enum fault f = types_check(declared, why);
    if (!convert)
        return problem_internal(why, "no memory for a conversion");
    convert->declared = declared;
    convert->ignored = ignored;
    convert->arena = arena;
    convert->values = (struct value_sink){ .ctx = convert,
                                           .room = CONVERT_VALUE_BYTES,
                                           .value = take_value,
                                           .row = take_row,
                                           .header = take_header };
    if (!f && !allocate(convert))
        f = problem_internal(why, "no memory for a conversion");
    if (!f)
        f = format_create(kind, arena, &convert->values, &convert->format, why);
    if (!f)
        f = parquet_write_create(declared, sink, ctx, spool, &convert->writer, why);
    if (f) {
        convert_destroy(convert);
        return f;
    }
    *out = convert;
    return FAULT_NONE;
}

void convert_destroy(struct convert *convert)
{
    if (!convert)
        return;
    parquet_write_destroy(convert->writer);
    text_release(&convert->scratch);
    free(convert->values.buffer);
    free(convert->row);
    free(convert->cells);
    free(convert);
}

enum fault convert_feed(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct convert *convert = ctx;
    return format_feed(convert->format, bytes, len, why);
}

enum fault convert_end(struct convert *convert, uint64_t *rows, uint64_t *bytes,
                       struct problem *why)
{
    struct reading reading;
    const enum fault f = format_end(convert->format, NULL, &reading, why);
    return f ? f : parquet_write_end(convert->writer, rows, bytes, why);
}

const struct convert_refusal *convert_refusal(const struct convert *convert)
{
    return &convert->refusal;
}
