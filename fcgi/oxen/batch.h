/*
 * batch.h - the files of one upload, from the moment each is verified until rows name them.
 *
 * Flat: 16 + 24 bytes and a little a file, in the arena, in pieces of the size that one transaction
 * takes; a file's name is kept only where its spelling is not the canonical one.
 */
#ifndef OXEN_BATCH_H
#define OXEN_BATCH_H

#include "base/arena.h"
#include "db/oxen_store.h"
#include "oxen/hash_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oxen_batch;

/* In the arena; NULL when that is full. */
struct oxen_batch *oxen_batch_create(struct arena *arena, const struct oxen_hash_seed *seed);

/* Whether a file of this hash has been added. */
bool oxen_batch_holds(const struct oxen_batch *batch, const struct oxen_hash *hash);

/* Adds a verified file and returns its place, which stays.  name: as it was sent; borrowed.  NULL
 * past MULTIPART_PARTS_MAX files or when the arena is full. */
struct oxen_version *oxen_batch_add(struct oxen_batch *batch, const struct oxen_version *version,
                                    const char *name);

/* Pieces of at most OXEN_PIECE_VERSIONS files each. */
size_t oxen_batch_pieces(const struct oxen_batch *batch);
struct oxen_version *oxen_batch_piece(const struct oxen_batch *batch, size_t piece, size_t *count);

/* The name of a file as it was sent; canonical holds it where it was canonical. */
const char *oxen_batch_name(const struct oxen_batch *batch, size_t piece, size_t i,
                            char canonical[OXEN_HASH_TEXT_MAX]);

#endif
