/*
 * blob.c - what the blob store costs, as ratios to a plain file that takes the same bytes in the
 * same run.  Writes below the current folder (about 2 GiB) and removes what it wrote.
 *
 *   small   2500 contents of 4 KiB and one flush, against one file with the same bytes, fdatasync
 *   large   one content of 1 GiB and a flush, against one file with the same bytes, fsync
 *   parts   one content of 1 GiB in parts of 10 MiB by two processes, each part flushed on its own,
 *           against the same file
 */
#include "blob/blob.h"
#include "base/clock.h"
#include "base/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SMALL_COUNT = 2500,
    SMALL_BYTES = 4 * KIB,
    SMALL_ROUNDS = 40,
    LARGE_ROUNDS = 3,
    SENDERS = 2,
    WORKER = 1,
};

static const uint64_t large_bytes = UINT64_C(1) << 30;

struct bench {
    struct blob_store *store;
    unsigned char chunk[IO_CHUNK];
};

static void stop(const char *what)
{
    (void)fprintf(stderr, "blob: %s failed\n", what);
    exit(EXIT_FAILURE);
}

static void content(struct bench *bench, uint64_t bytes)
{
    struct problem why = PROBLEM_NONE;
    struct blob_writer *writer = NULL;
    struct blob_ref ref = { 0 };
    enum fault f = blob_begin(bench->store, bytes, &writer, &why);
    for (uint64_t left = bytes; left > 0 && !f;) {
        const size_t step = left < IO_CHUNK ? (size_t)left : IO_CHUNK;
        f = blob_write(writer, bench->chunk, step, &why);
        left -= step;
    }
    if (f || blob_seal(writer, &ref, &why))
        stop(why.detail);
}

static int64_t store_ms(struct bench *bench, size_t count, uint64_t bytes)
{
    struct problem why = PROBLEM_NONE;
    const int64_t began = clock_steady_ms();
    for (size_t i = 0; i < count; i++)
        content(bench, bytes);
    if (blob_flush(bench->store, &why))
        stop(why.detail);
    const int64_t took = clock_steady_ms() - began;
    blob_drop(bench->store);
    return took;
}

static int64_t plain_ms(const struct bench *bench, uint64_t bytes, int (*flush)(int fd))
{
    const int64_t began = clock_steady_ms();
    const int fd = open("plain", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (uint64_t left = bytes; left > 0;) {
        const size_t step = left < IO_CHUNK ? (size_t)left : IO_CHUNK;
        if (write(fd, bench->chunk, step) != (ssize_t)step)
            stop("write");
        left -= step;
    }
    if (flush(fd) != 0)
        stop("flush");
    const int64_t took = clock_steady_ms() - began;
    (void)close(fd);
    (void)unlink("plain");
    return took;
}

static void bench_small(struct bench *bench)
{
    const uint64_t bytes = (uint64_t)SMALL_COUNT * SMALL_BYTES;
    int64_t stored = 0;
    int64_t plain = 0;
    (void)store_ms(bench, 1, SMALL_BYTES); /* the worker's folder is made once */
    for (size_t i = 0; i < SMALL_ROUNDS; i++) {
        stored += store_ms(bench, SMALL_COUNT, SMALL_BYTES);
        plain += plain_ms(bench, bytes, fdatasync);
    }
    (void)printf("= blob, contents of 4 KiB | %.0f /s | time %.2f of a plain file's\n",
                 1000.0 * SMALL_COUNT * SMALL_ROUNDS / (double)stored,
                 (double)stored / (double)plain);
}

static void bench_large(struct bench *bench)
{
    int64_t stored = INT64_MAX;
    int64_t plain = INT64_MAX;
    for (size_t i = 0; i < LARGE_ROUNDS; i++) {
        const int64_t one = store_ms(bench, 1, large_bytes);
        const int64_t other = plain_ms(bench, large_bytes, fsync);
        stored = one < stored ? one : stored;
        plain = other < plain ? other : plain;
    }
    (void)printf("= blob, 1 GiB, best of %d | %.0f MB/s | time %.2f of a plain file's\n",
                 LARGE_ROUNDS, (double)large_bytes / 1000.0 / (double)stored,
                 (double)stored / (double)plain);
}

static void put_part(struct bench *bench, const struct blob_ref *ref, uint64_t part)
{
    struct problem why = PROBLEM_NONE;
    struct blob_place *place = NULL;
    const uint64_t start = part * OXEN_PART_BYTES;
    const uint64_t left = large_bytes - start;
    const uint64_t end = start + (left < OXEN_PART_BYTES ? left : OXEN_PART_BYTES);
    enum fault f = blob_place_open(bench->store, ref, &place, &why);
    for (uint64_t at = start; at < end && !f; at += IO_CHUNK)
        f = blob_place_write(place, at, bench->chunk, IO_CHUNK, &why);
    if (!f)
        f = blob_place_sync(place, &why);
    if (f)
        stop(why.detail);
    blob_place_close(place);
}

/* The senders take turns, as the parts of one client come. */
static int64_t parts_ms(struct bench *bench)
{
    struct problem why = PROBLEM_NONE;
    struct blob_ref ref = { 0 };
    const uint64_t parts = (large_bytes + OXEN_PART_BYTES - 1) / OXEN_PART_BYTES;
    const int64_t began = clock_steady_ms();
    if (blob_reserve(bench->store, large_bytes, &ref, &why) || blob_flush(bench->store, &why))
        stop(why.detail);
    for (uint64_t sender = 0; sender < SENDERS; sender++) {
        const pid_t child = fork();
        if (child < 0)
            stop("fork");
        if (child > 0)
            continue;
        for (uint64_t part = sender; part < parts; part += SENDERS)
            put_part(bench, &ref, part);
        _exit(EXIT_SUCCESS);
    }
    for (int sender = 0; sender < SENDERS; sender++) {
        int status = 0;
        if (wait(&status) < 0 || status != 0)
            stop("a sender");
    }
    const int64_t took = clock_steady_ms() - began;
    blob_drop(bench->store);
    return took;
}

static void bench_parts(struct bench *bench)
{
    int64_t stored = INT64_MAX;
    int64_t plain = INT64_MAX;
    for (size_t i = 0; i < LARGE_ROUNDS; i++) {
        const int64_t one = parts_ms(bench);
        const int64_t other = plain_ms(bench, large_bytes, fsync);
        stored = one < stored ? one : stored;
        plain = other < plain ? other : plain;
    }
    (void)printf("= blob, 1 GiB in parts, best of %d | %.0f MB/s | time %.2f of a plain file's\n",
                 LARGE_ROUNDS, (double)large_bytes / 1000.0 / (double)stored,
                 (double)stored / (double)plain);
}

int main(void)
{
    struct problem why = PROBLEM_NONE;
    struct rusage usage = { 0 };
    char folder[] = "bench-XXXXXX";
    static struct bench bench;
    clock_random(bench.chunk, sizeof bench.chunk);
    if (!mkdtemp(folder) || chdir(folder) != 0)
        stop("mkdtemp");
    if (blob_open("blobs", WORKER, &bench.store, &why))
        stop(why.detail);
    bench_small(&bench);
    bench_large(&bench);
    bench_parts(&bench);
    blob_close(bench.store);
    if (rmdir("blobs") != 0 || chdir("..") != 0 || rmdir(folder) != 0)
        stop("rmdir");
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        (void)printf("= blob, resident at most | %ld KiB |\n", usage.ru_maxrss);
    return EXIT_SUCCESS;
}
