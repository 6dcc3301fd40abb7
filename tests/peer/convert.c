/*
 * convert.c - converts a CSV or NDJSON as a contract does, for readers that are not ours, and for the
 * clock.
 *
 *   convert csv|ndjson FROM TO < COLUMNS
 *
 * COLUMNS is one line, separated by tabs: name, '|', type, '|', "null" or "not".
 */
#include "tabular/convert.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool columns_of(struct columns *columns, char *line)
{
    struct problem why = PROBLEM_NONE;
    line[strcspn(line, "\n")] = '\0';
    for (char *rest = line; rest;) {
        char *column = strsep(&rest, "\t");
        const char *name = strsep(&column, "|");
        const char *word = column ? strsep(&column, "|") : NULL;
        struct type type = { .kind = TYPE_NULL };
        if (!word || !type_parse(word, &type) ||
            columns_add(columns, name, strlen(name), &type, strcmp(column, "null") == 0, &why))
            return false;
    }
    return true;
}

static enum fault feed(struct convert *convert, FILE *from, uint64_t *read, struct problem *why)
{
    static char piece[IO_CHUNK];
    enum fault f = FAULT_NONE;
    for (size_t len = 1; !f && len > 0;) {
        len = fread(piece, 1, sizeof piece, from);
        *read += len;
        f = convert_feed(convert, piece, len, why);
    }
    return f;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t room = 0;
    struct columns columns;
    struct convert *convert = NULL;
    struct problem why = PROBLEM_NONE;
    uint64_t rows = 0;
    uint64_t bytes = 0;
    uint64_t read = 0;
    struct arena *arena = arena_create(ARENA_MAX);
    FILE *from = argc == 4 ? fopen(argv[2], "rb") : NULL;
    FILE *to = argc == 4 ? fopen(argv[3], "wb") : NULL;
    FILE *spooled = tmpfile();
    columns_init(&columns, arena);
    if (!from || !to || !spooled || getline(&line, &room, stdin) <= 0 ||
        !columns_of(&columns, line)) {
        (void)fprintf(stderr, "convert csv|ndjson FROM TO < COLUMNS\n");
        return 2;
    }
    const struct parquet_write_spool spool = { spooled, to_file, from_file };
    const int64_t began = clock_steady_ms();
    enum fault f = convert_create(strcmp(argv[1], "csv") == 0 ? FORMAT_CSV : FORMAT_NDJSON,
                                  &columns, NULL, to_file, to, &spool, arena, &convert, &why);
    if (!f)
        f = feed(convert, from, &read, &why);
    if (!f)
        f = convert_end(convert, &rows, &bytes, &why);
    const int64_t took = clock_steady_ms() - began;
    if (f) {
        (void)fprintf(stderr, "%s: row %lld: %s\n", why.code ? why.code : fault_name(f),
                      convert ? (long long)convert_refusal(convert)->row : 0, why.text);
    } else {
        (void)printf("%llu rows, %llu bytes, %lld ms, %llu MB/s\n", (unsigned long long)rows,
                     (unsigned long long)bytes, (long long)took,
                     (unsigned long long)(read / 1000 / (uint64_t)(took ? took : 1)));
    }
    convert_destroy(convert);
    free(line);
    arena_destroy(arena);
    return f || fclose(to) != 0;
}
