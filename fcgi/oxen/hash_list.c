#include "oxen/hash_list.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 4096,       /* hashes of one allocation, so that growing copies none */
    SLOTS_FIRST = 1024, /* a power of two */
    SLOTS_A_HASH = 2,   /* at least: probes stay short */
};

typedef uint8_t key[OXEN_HASH_BYTES];

struct oxen_hash_list {
    struct oxen_hash_seed seed;
    size_t most;
    size_t count;
    key **pieces;
    size_t piece_count;
    /* open addressing: index of a hash and 1, or 0 for an empty slot */
    uint32_t *slots;
    size_t slot_count;
};

struct oxen_hash_seed oxen_hash_seed_of(const uint8_t *random)
{
    struct oxen_hash_seed seed;
    _Static_assert(sizeof seed == OXEN_SEED_BYTES, "the keys are the random bytes");
    memcpy(&seed, random, sizeof seed);
    return seed;
}

uint32_t oxen_hash_place(const struct oxen_hash_seed *seed, const uint8_t hash[OXEN_HASH_BYTES])
{
    enum { WORDS = 4, WORD_BITS = 32 };
    uint32_t words[WORDS];
    uint64_t sum = 0;
    memcpy(words, hash, sizeof words);
    for (size_t i = 0; i < WORDS; i++)
        sum += seed->keys[i] * words[i];
    return (uint32_t)(sum >> WORD_BITS);
}

struct oxen_hash_list *oxen_hash_list_create(size_t most, const struct oxen_hash_seed *seed)
{
    struct oxen_hash_list *list = calloc(1, sizeof *list);
    if (!list)
        return NULL;
    list->seed = *seed;
    list->most = most;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers to pieces are meant */
    list->pieces = calloc(most / PIECE + 1, sizeof *list->pieces);
    list->slots = calloc(SLOTS_FIRST, sizeof *list->slots);
    list->slot_count = SLOTS_FIRST;
    if (!list->pieces || !list->slots) {
        oxen_hash_list_destroy(list);
        return NULL;
    }
    return list;
}

void oxen_hash_list_destroy(struct oxen_hash_list *list)
{
    if (!list)
        return;
    for (size_t i = 0; list->pieces && i < list->piece_count; i++)
        free(list->pieces[i]);
    free(list->pieces);
    free(list->slots);
    free(list);
}

void oxen_hash_list_clear(struct oxen_hash_list *list)
{
    memset(list->slots, 0, list->slot_count * sizeof *list->slots);
    list->count = 0;
}

const uint8_t *oxen_hash_list_at(const struct oxen_hash_list *list, size_t i)
{
    return list->pieces[i / PIECE][i % PIECE];
}

/* The slot that holds a hash, or the empty one where it would go. */
static uint32_t *slot_of(const struct oxen_hash_list *list, const uint8_t *hash)
{
    for (size_t at = oxen_hash_place(&list->seed, hash);; at++) {
        uint32_t *slot = &list->slots[at & (list->slot_count - 1)];
        if (*slot == 0 || memcmp(oxen_hash_list_at(list, *slot - 1), hash, OXEN_HASH_BYTES) == 0)
            return slot;
    }
}

static bool widen(struct oxen_hash_list *list)
{
    const size_t wider = list->slot_count * 2;
    uint32_t *slots = calloc(wider, sizeof *slots);
    if (!slots)
        return false;
    free(list->slots);
    list->slots = slots;
    list->slot_count = wider;
    for (size_t i = 0; i < list->count; i++)
        *slot_of(list, oxen_hash_list_at(list, i)) = (uint32_t)(i + 1);
    return true;
}

/* Makes room for one more. */
static bool reserve(struct oxen_hash_list *list)
{
    if (list->count / PIECE == list->piece_count) {
        key *piece = malloc(PIECE * sizeof *piece);
        if (!piece)
            return false;
        list->pieces[list->piece_count++] = piece;
    }
    return list->count * SLOTS_A_HASH < list->slot_count || widen(list);
}

enum fault oxen_hash_list_add(struct oxen_hash_list *list, const uint8_t hash[OXEN_HASH_BYTES],
                              bool *added, struct problem *why)
{
    *added = false;
    if (oxen_hash_list_holds(list, hash))
        return FAULT_NONE;
    if (list->count == list->most)
        return problem_set(why, FAULT_TOO_LARGE, "more than %zu different hashes", list->most);
    if (!reserve(list))
        return problem_internal(why, "no memory for a list of hashes");
    memcpy(list->pieces[list->count / PIECE][list->count % PIECE], hash, OXEN_HASH_BYTES);
    list->count++;
    *slot_of(list, hash) = (uint32_t)list->count;
    *added = true;
    return FAULT_NONE;
}

bool oxen_hash_list_holds(const struct oxen_hash_list *list, const uint8_t hash[OXEN_HASH_BYTES])
{
    return *slot_of(list, hash) != 0;
}

size_t oxen_hash_list_count(const struct oxen_hash_list *list)
{
    return list->count;
}
