#include "oxen/batch.h"

#include "base/limits.h"

#include <string.h>

enum {
    PIECES_MAX = MULTIPART_PARTS_MAX / OXEN_PIECE_VERSIONS,
    SLOTS_FIRST = 1024, /* a power of two */
    SLOTS_A_FILE = 2,   /* at least so many slots a file: probes stay short */
};

struct piece {
    struct oxen_version versions[OXEN_PIECE_VERSIONS];
    const char *spellings[OXEN_PIECE_VERSIONS]; /* NULL: the canonical one */
};

struct oxen_batch {
    struct arena *arena;
    struct oxen_hash_seed seed; /* of the slots */
    size_t count;
    struct piece *pieces[PIECES_MAX];
    /* Open addressing: index of a file and 1, or 0 for an empty slot. */
    uint32_t *slots;
    size_t slot_count;
};

struct oxen_batch *oxen_batch_create(struct arena *arena, const struct oxen_hash_seed *seed)
{
    struct oxen_batch *batch = arena_alloc(arena, sizeof *batch);
    if (!batch)
        return NULL;
    batch->arena = arena;
    batch->seed = *seed;
    return batch;
}

static struct oxen_version *version_at(const struct oxen_batch *batch, size_t i)
{
    return &batch->pieces[i / OXEN_PIECE_VERSIONS]->versions[i % OXEN_PIECE_VERSIONS];
}

/* The slot of a hash: the one that holds it, or the empty one where it would go. */
static uint32_t *slot_of(const struct oxen_batch *batch, const uint8_t hash[OXEN_KEY_BYTES])
{
    for (size_t at = oxen_hash_place(&batch->seed, hash);; at++) {
        uint32_t *slot = &batch->slots[at & (batch->slot_count - 1)];
        if (*slot == 0 || memcmp(version_at(batch, *slot - 1)->hash, hash, OXEN_KEY_BYTES) == 0)
            return slot;
    }
}

bool oxen_batch_holds(const struct oxen_batch *batch, const struct oxen_hash *hash)
{
    return batch->count > 0 && *slot_of(batch, hash->bytes) != 0;
}

/* Makes room for one more file in the slots and in the pieces. */
static bool reserve(struct oxen_batch *batch)
{
    const size_t piece = batch->count / OXEN_PIECE_VERSIONS;
    if (piece == PIECES_MAX)
        return false;
    if (!batch->pieces[piece])
        batch->pieces[piece] = arena_alloc(batch->arena, sizeof *batch->pieces[piece]);
    if (!batch->pieces[piece])
        return false;
    if (batch->count * SLOTS_A_FILE < batch->slot_count)
        return true;

    const size_t wider = batch->slot_count ? batch->slot_count * 2 : SLOTS_FIRST;
    uint32_t *slots = arena_alloc(batch->arena, wider * sizeof *slots);
    if (!slots)
        return false;
    batch->slots = slots;
    batch->slot_count = wider;
    for (size_t i = 0; i < batch->count; i++)
        *slot_of(batch, version_at(batch, i)->hash) = (uint32_t)(i + 1);
    return true;
}

struct oxen_version *oxen_batch_add(struct oxen_batch *batch, const struct oxen_version *version,
                                    const char *name)
{
    char canonical[OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash;
    const char *spelling = NULL;
    memcpy(hash.bytes, version->hash, OXEN_KEY_BYTES);
    oxen_hash_text(&hash, canonical);
    if (strcmp(name, canonical) != 0) {
        spelling = arena_strdup(batch->arena, name, strlen(name));
        if (!spelling)
            return NULL;
    }
    if (!reserve(batch))
        return NULL;
    const size_t i = batch->count++;
    struct oxen_version *added = version_at(batch, i);
    *added = *version;
    batch->pieces[i / OXEN_PIECE_VERSIONS]->spellings[i % OXEN_PIECE_VERSIONS] = spelling;
    uint32_t *slot = slot_of(batch, version->hash);
    if (*slot == 0)
        *slot = (uint32_t)(i + 1);
    return added;
}

size_t oxen_batch_pieces(const struct oxen_batch *batch)
{
    return (batch->count + OXEN_PIECE_VERSIONS - 1) / OXEN_PIECE_VERSIONS;
}

struct oxen_version *oxen_batch_piece(const struct oxen_batch *batch, size_t piece, size_t *count)
{
    const size_t first = piece * OXEN_PIECE_VERSIONS;
    const size_t left = batch->count - first;
    *count = left < OXEN_PIECE_VERSIONS ? left : OXEN_PIECE_VERSIONS;
    return batch->pieces[piece]->versions;
}

const char *oxen_batch_name(const struct oxen_batch *batch, size_t piece, size_t i,
                            char canonical[OXEN_HASH_TEXT_MAX])
{
    const char *spelling = batch->pieces[piece]->spellings[i];
    if (spelling)
        return spelling;
    struct oxen_hash hash;
    memcpy(hash.bytes, batch->pieces[piece]->versions[i].hash, OXEN_KEY_BYTES);
    oxen_hash_text(&hash, canonical);
    return canonical;
}
