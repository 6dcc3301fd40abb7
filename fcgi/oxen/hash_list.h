/*
 * hash_list.h - different hashes in the order in which they were added: a list without repetitions,
 * a set of what a walk has seen, and the queue of that walk at once.
 *
 * Clients choose hashes (a content can be made for any XXH3 that one likes), so the slots lie by a
 * universal hash whose keys are the request's random bytes: nobody can make searches long.
 *
 * Memory: 16 bytes a hash and 4 a slot, of which there are at least two a hash.
 */
#ifndef OXEN_HASH_LIST_H
#define OXEN_HASH_LIST_H

#include "base/problem.h"
#include "oxen/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OXEN_SEED_BYTES = 32 };

/* Keys of a hash table that no client knows. */
struct oxen_hash_seed {
    uint64_t keys[4];
};

/* random: OXEN_SEED_BYTES, such as exchange.random. */
struct oxen_hash_seed oxen_hash_seed_of(const uint8_t *random);

/* Where the search for a hash begins.  Multilinear (Lemire and Kaser, "Strongly universal string
 * hashing is fast", 2014): for any two different hashes it is the same with a chance of 2^-31. */
uint32_t oxen_hash_place(const struct oxen_hash_seed *seed, const uint8_t hash[OXEN_HASH_BYTES]);

struct oxen_hash_list;

/* most: hashes that it takes.  NULL without memory. */
struct oxen_hash_list *oxen_hash_list_create(size_t most, const struct oxen_hash_seed *seed);

/* list may be NULL. */
void oxen_hash_list_destroy(struct oxen_hash_list *list);

/* Forgets the hashes and keeps the memory of the slots. */
void oxen_hash_list_clear(struct oxen_hash_list *list);

/* *added is false when it was there already.  FAULT_TOO_LARGE past most. */
MUST_CHECK enum fault oxen_hash_list_add(struct oxen_hash_list *list,
                                         const uint8_t hash[OXEN_HASH_BYTES], bool *added,
                                         struct problem *why);

bool oxen_hash_list_holds(const struct oxen_hash_list *list, const uint8_t hash[OXEN_HASH_BYTES]);

size_t oxen_hash_list_count(const struct oxen_hash_list *list);

/* The i-th that was added, from 0. */
const uint8_t *oxen_hash_list_at(const struct oxen_hash_list *list, size_t i);

#endif
