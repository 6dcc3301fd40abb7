/*
 * parquet_table.c - writes the table that it reads as text, for readers that are not ours.
 *
 *   parquet_table FILE < TEXT
 *
 * The first line holds the columns, separated by tabs: name, '|', type, '|', "null" or "not".  Every
 * further line is a row of cells separated by tabs; \N is a null, \xHH a byte.
 */
#include "base/arena.h"
#include "tabular/parquet_physical.h"
#include "tabular/parquet_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 64 * 1024 * 1024, TEN = 10, HEX = 16 };

static enum fault to_file(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    return fwrite(bytes, 1, len, ctx) == len ? FAULT_NONE : problem_internal(why, "fwrite");
}

static enum fault from_file(void *ctx, uint64_t offset, void *bytes, size_t len,
                            struct problem *why)
{
    if (fseek(ctx, (long)offset, SEEK_SET) != 0 || fread(bytes, 1, len, ctx) != len)
        return problem_internal(why, "fread");
    return FAULT_NONE;
}

/* Cuts the first piece off *rest. */
static char *piece(char **rest, const char *separator)
{
    return strsep(rest, separator);
}

/* Takes the escapes out; returns the length. */
static size_t unescape(char *text)
{
    char *out = text;
    for (char *at = text; *at; at++) {
        if (at[0] == '\\' && at[1] == 'x') {
            const char hex[] = { at[2], at[3], '\0' };
            *out++ = (char)strtol(hex, NULL, HEX);
            at += 3;
        } else {
            *out++ = *at;
        }
    }
    *out = '\0';
    return (size_t)(out - text);
}

static cell_decimal decimal_of(const char *text)
{
    cell_decimal value = 0;
    const bool negative = *text == '-';
    for (text += negative; *text; text++)
        value = value * TEN + (*text - '0');
    return negative ? -value : value;
}

static struct cell cell_of(const struct type *type, char *text)
{
    struct cell cell = { .kind = CELL_NULL };
    if (strcmp(text, "\\N") == 0)
        return cell;
    cell.kind = parquet_physical_cell(type);
    switch (cell.kind) {
    case CELL_NULL:
        break;
    case CELL_INTEGER:
        cell.as.integer = strtoll(text, NULL, TEN);
        break;
    case CELL_NATURAL:
        cell.as.natural = strtoull(text, NULL, TEN);
        break;
    case CELL_REAL:
        cell.as.real = strtod(text, NULL);
        break;
    case CELL_DECIMAL:
        cell.as.decimal = decimal_of(text);
        break;
    case CELL_BYTES:
        cell.as.bytes.len = unescape(text);
        cell.as.bytes.data = text;
        break;
    }
    return cell;
}

static bool columns_of(struct columns *columns, char *line)
{
    struct problem why = PROBLEM_NONE;
    for (char *rest = line; rest;) {
        char *column = piece(&rest, "\t");
        const char *name = piece(&column, "|");
        const char *word = column ? piece(&column, "|") : NULL;
        struct type type = { .kind = TYPE_NULL };
        if (!word || !type_parse(word, &type) ||
            columns_add(columns, name, strlen(name), &type, strcmp(column, "null") == 0, &why))
            return false;
    }
    return true;
}

static enum fault write_rows(struct parquet_write *writer, const struct columns *columns,
                             struct problem *why)
{
    char *line = NULL;
    size_t room = 0;
    struct cell *cells = calloc(columns->count, sizeof *cells);
    enum fault f = FAULT_NONE;
    while (cells && !f && getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line;
        for (size_t i = 0; i < columns->count; i++) {
            char *text = rest ? piece(&rest, "\t") : NULL;
            static char null[] = "\\N";
            cells[i] = cell_of(&columns->list[i].type, text ? text : null);
        }
        f = parquet_write_row(writer, cells, why);
    }
    free(cells);
    free(line);
    return f;
}

int main(int argc, char **argv)
{
    struct problem why = PROBLEM_NONE;
    struct columns columns;
    struct parquet_write *writer = NULL;
    char *line = NULL;
    size_t room = 0;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    struct arena *arena = arena_create(ARENA_BYTES);
    FILE *out = argc == 2 ? fopen(argv[1], "wb") : NULL;
    FILE *spooled = tmpfile();
    const struct parquet_write_spool spool = { spooled, to_file, from_file };
    columns_init(&columns, arena);
    if (!out || !spooled || getline(&line, &room, stdin) <= 0)
        return 2;
    line[strcspn(line, "\n")] = '\0';
    if (!columns_of(&columns, line))
        return 2;
    enum fault f = parquet_write_create(&columns, to_file, out, &spool, &writer, &why);
    if (!f)
        f = write_rows(writer, &columns, &why);
    if (!f)
        f = parquet_write_end(writer, &rows, &bytes, &why);
    if (f)
        (void)fprintf(stderr, "%s %s\n", why.text, why.detail);
    else
        (void)printf("%llu %llu\n", (unsigned long long)rows, (unsigned long long)bytes);
    parquet_write_destroy(writer);
    (void)fclose(spooled);
    (void)fclose(out);
    free(line);
    arena_destroy(arena);
    return f ? 1 : 0;
}
