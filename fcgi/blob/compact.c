#include "blob/sweep_internal.h"

/* One piece: contents that are copied, flushed together and moved under one lock. */
struct piece {
    size_t count;
    bool more; /* the pack holds contents past these */
    struct blob_ref from[BLOB_MOVES_MAX];
    struct blob_ref to[BLOB_MOVES_MAX];
};

static bool same_place(const struct blob_ref *a, const struct blob_ref *b)
{
    return a->file == b->file && a->start == b->start && a->bytes == b->bytes;
}

static enum fault piece_add(void *arg, const struct blob_ref *ref, struct problem *why)
{
    struct piece *piece = arg;
    if (piece->count > 0 && same_place(&piece->from[piece->count - 1], ref))
        return FAULT_NONE; /* two rows share a content: they move as one */
    if (piece->count == BLOB_MOVES_MAX) {
        piece->more = true;
        return problem_set(why, FAULT_TOO_LARGE, "the piece is full"); /* ends the listing */
    }
    piece->from[piece->count++] = *ref;
    return FAULT_NONE;
}

/* The first contents that rows still name in the pack: those of earlier pieces are there no
 * more. */
static enum fault piece_collect(const struct blob_sweeper *sweep, uint32_t number,
                                struct piece *piece, struct problem *why)
{
    struct problem listing = PROBLEM_NONE;
    const bool first = piece->count == 0;
    const struct blob_ref before = piece->from[0];
    piece->count = 0;
    piece->more = false;
    const enum fault f = sweep->rows->contents(
        sweep->rows->ctx, blob_file_id(sweep->worker, number), piece_add, piece, &listing);
    if (f && !piece->more) {
        *why = why->fault ? *why : listing;
        return f;
    }
    if (!first && piece->count > 0 && same_place(&before, &piece->from[0]))
        return problem_internal(why, "the rows of a pack did not move");
    return FAULT_NONE;
}

/* damage: why the old bytes could not be read or are not the right ones; then the content stays where it is. */
static enum fault copy_bytes(struct blob_store *store, const struct blob_ref *from,
                             struct blob_writer *writer, struct problem *damage,
                             struct problem *why)
{
    struct blob_reading reading;
    const void *bytes = NULL;
    size_t got = 1;
    enum fault f = blob_reading_begin(&reading, store, from, 0, (uint64_t)from->bytes, damage);
    while (!f && got > 0) {
        f = blob_reading_next(&reading, &bytes, &got, damage);
        if (!f && got > 0)
            f = blob_write(writer, bytes, got, why);
    }
    return f;
}

static enum fault copy(struct blob_store *store, const struct blob_ref *from, struct blob_ref *to,
                       struct problem *damage, struct problem *why)
{
    struct blob_writer *writer = NULL;
    enum fault f = blob_begin(store, (uint64_t)from->bytes, &writer, why);
    if (f)
        return f;
    f = copy_bytes(store, from, writer, damage, why);
    if (!f)
        return blob_seal(writer, to, why);
    blob_discard(writer);
    return f;
}

static enum fault piece_copy(struct blob_sweeper *sweep, struct piece *piece, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < piece->count && !f; i++)
        f = copy(sweep->store, &piece->from[i], &piece->to[i], &sweep->damage, why);
    if (!f)
        f = blob_flush(sweep->store, why);
    return f;
}

/* From the commit on, also when it is not certain, rows may name the copies. */
static enum fault piece_move(struct blob_sweeper *sweep, const struct piece *piece, uint64_t *moved,
                             struct problem *why)
{
    const struct blob_rows *rows = sweep->rows;
    struct blob_moves moves = { .from = piece->from, .to = piece->to, .count = piece->count };
    const enum fault f = rows->move(rows->ctx, &moves, why);
    if (moves.named)
        blob_keep(sweep->store);
    *moved += moves.rows;
    return f;
}

static uint64_t piece_bytes(const struct piece *piece)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < piece->count; i++)
        bytes += (uint64_t)piece->from[i].bytes;
    return bytes;
}

/* Copies piece by piece until the pack holds nothing named.  *moved: rows that moved. */
static enum fault move_out(struct blob_sweeper *sweep, uint32_t number, uint64_t *copied,
                           uint64_t *moved, struct problem *why)
{
    struct piece piece = { .count = 0 };
    enum fault f = piece_collect(sweep, number, &piece, why);
    while (!f && piece.count > 0) {
        f = piece_copy(sweep, &piece, why);
        if (!f)
            f = piece_move(sweep, &piece, moved, why);
        *copied += piece_bytes(&piece);
        if (!f)
            f = piece_collect(sweep, number, &piece, why);
    }
    blob_drop(sweep->store); /* copies whose rows did not move */
    return f;
}

/* What the pack would cost after the move. */
static enum fault count_only(struct blob_sweeper *sweep, uint32_t number, uint64_t size,
                             struct problem *why)
{
    struct blob_named named = { 0 };
    const enum fault f = blob_sweep_named(sweep, number, &named, why);
    if (f)
        return f;
    sweep->report->packs_compacted++;
    sweep->report->bytes_freed += size - (named.bytes < size ? named.bytes : size);
    return FAULT_NONE;
}

enum fault blob_compact(struct blob_sweeper *sweep, uint32_t number, uint64_t size,
                        struct problem *why)
{
    uint64_t copied = 0;
    uint64_t moved = 0;
    bool gone = false;
    if (sweep->plan->dry_run)
        return count_only(sweep, number, size, why);
    enum fault f = blob_census_take(&sweep->census, sweep->rows, why);
    if (!f)
        f = move_out(sweep, number, &copied, &moved, why);
    if (f && !why->fault)
        return FAULT_NONE; /* only reading failed: the pack stays, and the sweep's end tells */
    if (!f)
        f = blob_sweep_remove(sweep, number, moved, &gone, why);
    if (!f && gone) {
        sweep->report->packs_compacted++;
        sweep->report->bytes_freed += size - (copied < size ? copied : size);
    }
    return f;
}
