/*
 * opteryx_read.c - how fast the text readers are alone: bench_opteryx_read [csv|ndjson FILE]...
 *
 * Without arguments it reads contents that it makes itself.  The best of a few runs counts, in
 * MB (10^6 bytes) of content a second; compare with opteryx.py, which asks pyarrow.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "tabular/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 5, CONTENT_MAX = 512 * MIB, ROWS = 1000000, ROW_MAX = 256 };

struct content {
    char *bytes;
    size_t len;
};

static enum fault read_content(enum format_kind kind, const struct content *content,
                               struct arena *arena, struct reading *reading, struct problem *why)
{
    struct format *format = NULL;
    enum fault f = format_create(kind, arena, NULL, &format, why);
    for (size_t at = 0; !f && at < content->len; at += IO_CHUNK) {
        const size_t left = content->len - at;
        f = format_feed(format, content->bytes + at, left < IO_CHUNK ? left : IO_CHUNK, why);
    }
    return f ? f : format_end(format, NULL, reading, why);
}

/* Returns the exit status. */
static int measure(const char *kind, const struct content *content)
{
    struct arena *arena = arena_create(ARENA_MAX);
    int64_t best_ms = INT64_MAX;
    struct reading reading = { .rows = 0 };
    for (int run = 0; run < RUNS; run++) {
        struct problem why = PROBLEM_NONE;
        arena_reset(arena);
        const int64_t began = clock_steady_ms();
        const enum fault f = read_content(strcmp(kind, "csv") == 0 ? FORMAT_CSV : FORMAT_NDJSON,
                                          content, arena, &reading, &why);
        const int64_t took = clock_steady_ms() - began;
        if (f) {
            (void)fprintf(stderr, "%s\n", why.text);
            return EXIT_FAILURE;
        }
        if (took < best_ms)
            best_ms = took;
    }
    const double megabyte = 1e6;
    (void)printf("= read %s, %lld rows, %zu columns | %.0f MB/s |\n", kind, (long long)reading.rows,
                 reading.columns.count,
                 (double)content->len / megabyte / ((double)(best_ms ? best_ms : 1) / 1e3));
    arena_destroy(arena);
    return EXIT_SUCCESS;
}

static int measure_made(const char *kind, const char *head, const char *row)
{
    struct content content = { malloc((size_t)ROWS * ROW_MAX), 0 };
    if (!content.bytes)
        return EXIT_FAILURE;
    content.len = (size_t)sprintf(content.bytes, "%s", head);
    for (int i = 0; i < ROWS; i++) {
        /* a length goes with the bytes: NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
        memcpy(content.bytes + content.len, row, strlen(row));
        content.len += strlen(row);
    }
    const int status = measure(kind, &content);
    free(content.bytes);
    return status;
}

static int measure_file(const char *kind, const char *path)
{
    struct content content = { malloc(CONTENT_MAX), 0 };
    FILE *file = fopen(path, "rb");
    int status = EXIT_FAILURE;
    if (content.bytes && file) {
        content.len = fread(content.bytes, 1, CONTENT_MAX, file);
        status = measure(kind, &content);
    }
    if (file)
        (void)fclose(file);
    free(content.bytes);
    return status;
}

int main(int argc, char **argv)
{
    int status = EXIT_SUCCESS;
    if (argc < 3) {
        status = measure_made("csv", "id,when,address,hosts,score\n",
                              "CVE-2026-00017,2026-08-18T04:22:07Z,10.1.0.17,17,8.5\n");
        if (status == EXIT_SUCCESS) {
            status = measure_made("ndjson", "",
                                  "{\"id\": \"CVE-17\", \"hosts\": 17, \"score\": 8.5, "
                                  "\"ok\": true, \"address\": \"10.2.0.17\"}\n");
        }
    }
    for (int i = 1; i + 1 < argc && status == EXIT_SUCCESS; i += 2)
        status = measure_file(argv[i], argv[i + 1]);
    return status;
}
