#include "support/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512, FIRST_ROOM = 1024, COPY_BYTES = 64 * 1024, MODE = 0640 };

static const char *const names[] = { [SHIM_DATABASE] = "sluice.db", [SHIM_WAL] = "sluice.db-wal" };

struct tape_event {
    bool acknowledges; /* then only transaction counts */
    int64_t transaction;
    enum shim_file_kind kind;
    enum shim_op op;
    int64_t offset; /* of a cut: the size */
    int64_t len;
    unsigned char *bytes;
    size_t covers;
};

static int open_file(const struct state *folder, enum shim_file_kind kind, int flags)
{
    char path[STATE_PATH_MAX];
    state_path(folder, names[kind], path);
    const int fd = open(path, flags | O_CLOEXEC, MODE);
    assert_true(fd >= 0);
    return fd;
}

static void copy_file(const struct state *from, const struct state *to, enum shim_file_kind kind)
{
    const int in = open_file(from, kind, O_RDONLY);
    const int out = open_file(to, kind, O_WRONLY | O_CREAT | O_TRUNC);
    char bytes[COPY_BYTES];
    ssize_t got = read(in, bytes, sizeof bytes);
    for (; got > 0; got = read(in, bytes, sizeof bytes))
        assert_int_equal(write(out, bytes, (size_t)got), got);
    assert_int_equal(got, 0);
    (void)close(in);
    (void)close(out);
}

void tape_begin(struct tape *tape, const struct state *from)
{
    *tape = (struct tape){ .count = 0 };
    state_make(&tape->base, true);
    copy_file(from, &tape->base, SHIM_DATABASE);
    copy_file(from, &tape->base, SHIM_WAL);
}

void tape_end(struct tape *tape)
{
    for (size_t i = 0; i < tape->count; i++)
        free(tape->events[i].bytes);
    free(tape->events);
    state_remove(&tape->base);
}

static void append(struct tape *tape, struct tape_event event)
{
    if (tape->count == tape->room) {
        tape->room = tape->room ? 2 * tape->room : FIRST_ROOM;
        tape->events = realloc(tape->events, tape->room * sizeof *tape->events);
        assert_non_null(tape->events);
    }
    tape->events[tape->count++] = event;
}

void tape_record(struct tape *tape, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                 int64_t len, int64_t offset, size_t covers)
{
    struct tape_event event = { .kind = kind, .op = op, .offset = offset, .len = len };
    event.covers = covers;
    if (kind != SHIM_DATABASE && kind != SHIM_WAL)
        return;
    if (op == SHIM_WRITE) {
        event.bytes = malloc((size_t)len);
        assert_non_null(event.bytes);
        memcpy(event.bytes, bytes, (size_t)len);
    }
    append(tape, event);
}

void tape_acknowledge(struct tape *tape, int64_t transaction)
{
    append(tape, (struct tape_event){ .acknowledges = true, .transaction = transaction });
}

bool tape_acknowledged(const struct tape *tape, size_t place, int64_t transaction)
{
    for (size_t i = 0; i < place; i++) {
        if (tape->events[i].acknowledges && tape->events[i].transaction == transaction)
            return true;
    }
    return false;
}

static bool concerns(const struct tape_event *event, enum shim_file_kind kind)
{
    return !event->acknowledges && event->kind == kind;
}

/* Before which event everything of a file is durable when the power goes at place. */
static size_t durable_before(const struct tape *tape, size_t place, enum shim_file_kind kind)
{
    size_t before = 0;
    for (size_t i = 0; i < place; i++) {
        const struct tape_event *event = &tape->events[i];
        if (concerns(event, kind) && event->op == SHIM_SYNC && event->covers > before)
            before = event->covers;
    }
    return before;
}

/* Writes an event to fd: all of it, or each piece of a sector by chance. */
static void apply(int fd, const struct tape_event *event, bool torn, unsigned *seed)
{
    if (event->op == SHIM_TRUNCATE && (!torn || rand_r(seed) % 2))
        assert_int_equal(ftruncate(fd, event->offset), 0);
    if (event->op != SHIM_WRITE)
        return;
    int64_t at = 0;
    while (at < event->len) {
        const int64_t room = SECTOR - (event->offset + at) % SECTOR;
        int64_t piece = event->len - at < room ? event->len - at : room;
        if (!torn)
            piece = event->len;
        if (!torn || rand_r(seed) % 2)
            assert_int_equal(pwrite(fd, event->bytes + at, (size_t)piece, event->offset + at),
                             piece);
        at += piece;
    }
}

static void cut_file(const struct tape *tape, size_t place, enum tape_mode mode, unsigned *seed,
                     const struct state *image, enum shim_file_kind kind)
{
    const size_t durable = durable_before(tape, place, kind);
    size_t gap_from = place;
    size_t gap_to = place;
    if (mode == TAPE_LOST)
        gap_from = durable;
    if (mode == TAPE_GAP && durable < place) {
        gap_from = durable + (size_t)rand_r(seed) % (place - durable);
        gap_to = gap_from + 1 + (size_t)rand_r(seed) % (place - gap_from);
    }
    copy_file(&tape->base, image, kind);
    const int fd = open_file(image, kind, O_WRONLY);
    for (size_t i = 0; i < place; i++) {
        const bool there = i < durable || i < gap_from || i >= gap_to;
        if (there && concerns(&tape->events[i], kind))
            apply(fd, &tape->events[i], mode == TAPE_TORN && i >= durable, seed);
    }
    (void)close(fd);
}

void tape_cut(const struct tape *tape, size_t place, enum tape_mode mode, unsigned *seed,
              const struct state *image)
{
    char index[STATE_PATH_MAX];
    state_path(image, "sluice.db-shm", index);
    (void)unlink(index); /* memory; what sluice.seq holds afterwards must not matter, so it stays */
    cut_file(tape, place, mode, seed, image, SHIM_DATABASE);
    cut_file(tape, place, mode, seed, image, SHIM_WAL);
}
