#include "oxen/ancestry.h"

#include "base/limits.h"
#include "blob/blob.h"
#include "db/oxen_store_push.h"
#include "oxen/archive.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BINARY = 0xC4,    /* MessagePack: a binary, whose length is the next byte */
    LOOK_UPS_MAX = 3, /* of a node that moves while it is read */
};

typedef uint8_t commit_key[OXEN_KEY_BYTES];

struct ancestry {
    struct exchange *x;
    int64_t repository;
    struct text keys; /* of the open commits, one behind the other in their order */
    size_t count;
    bool *reached;
    uint32_t *queue; /* those reached, in the order in which they were */
    size_t queued;
};

static enum fault add_open(void *ctx, const uint8_t hash[OXEN_KEY_BYTES], struct problem *why)
{
    struct ancestry *ancestry = ctx;
    text_add(&ancestry->keys, hash, OXEN_KEY_BYTES);
    ancestry->count++;
    return text_failed(&ancestry->keys) ? problem_internal(why, "no memory for open commits")
                                        : FAULT_NONE;
}

static enum fault load(struct ancestry *ancestry, struct problem *why)
{
    struct arena *arena = ancestry->x->arena;
    enum fault f = oxen_store_push_commits_open(ancestry->x->db, ancestry->repository,
                                                OXEN_OPEN_COMMITS_MAX, add_open, ancestry, why);
    if (f || ancestry->count == 0)
        return f;
    ancestry->reached = arena_alloc(arena, ancestry->count * sizeof *ancestry->reached);
    ancestry->queue = arena_alloc(arena, ancestry->count * sizeof *ancestry->queue);
    if (!ancestry->reached || !ancestry->queue)
        return problem_internal(why, "no memory for open commits");
    return FAULT_NONE;
}

static commit_key *keys_of(const struct ancestry *ancestry)
{
    return (commit_key *)ancestry->keys.data;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, OXEN_KEY_BYTES);
}

/* Queues a commit unless it is not open or has been reached before. */
static void reach(struct ancestry *ancestry, const uint8_t *hash)
{
    commit_key *keys = keys_of(ancestry);
    commit_key *found = bsearch(hash, keys, ancestry->count, sizeof *keys, compare);
    if (!found || ancestry->reached[found - keys])
        return;
    ancestry->reached[found - keys] = true;
    ancestry->queue[ancestry->queued] = (uint32_t)(found - keys);
    ancestry->queued++;
}

static void reach_all(struct ancestry *ancestry, const unsigned char *node, size_t len)
{
    enum { LEAD = 2, WHOLE = LEAD + OXEN_KEY_BYTES };
    for (size_t at = 0; at + WHOLE <= len; at++) {
        if (node[at] == BINARY && node[at + 1] == OXEN_KEY_BYTES)
            reach(ancestry, node + at + LEAD);
    }
}

/* The beginning of a commit's tree node; *len is 0 when there is none. */
static enum fault read_node(const struct ancestry *ancestry, const char *name,
                            unsigned char bytes[OXEN_NODE_HEAD], size_t *len, struct problem *why)
{
    struct blob_ref ref = { 0 };
    bool found = false;
    size_t got = 1;
    *len = 0;
    enum fault f =
        oxen_store_push_object_find(ancestry->x->db, ancestry->repository, name, &ref, &found, why);
    while (!f && found && got > 0 && *len < OXEN_NODE_HEAD) {
        f = blob_read(ancestry->x->blobs, &ref, *len, bytes + *len, OXEN_NODE_HEAD - *len, &got,
                      why);
        *len += got;
    }
    return f;
}

static enum fault reach_parents(struct ancestry *ancestry, const uint8_t *key, struct problem *why)
{
    unsigned char node[OXEN_NODE_HEAD];
    char digits[OXEN_HASH_TEXT_MAX];
    char name[OXEN_PART_NAME_MAX];
    struct oxen_hash hash;
    size_t len = 0;
    enum fault f = FAULT_GONE;
    memcpy(hash.bytes, key, sizeof hash.bytes);
    oxen_hash_text(&hash, digits);
    oxen_archive_node_name(digits, name);
    for (int tries = 0; tries < LOOK_UPS_MAX && f == FAULT_GONE; tries++) {
        struct problem of_try = PROBLEM_NONE;
        f = read_node(ancestry, name, node, &len, &of_try);
        if (f)
            *why = of_try;
    }
    if (!f)
        reach_all(ancestry, node, len);
    return f;
}

/* Moves the reached ones to the front and concludes them piece by piece. */
static enum fault conclude(const struct ancestry *ancestry, struct problem *why)
{
    commit_key *keys = keys_of(ancestry);
    size_t count = 0;
    for (size_t i = 0; i < ancestry->count; i++) {
        if (ancestry->reached[i])
            memmove(keys[count++], keys[i], sizeof *keys);
    }
    return oxen_store_push_commits_conclude(ancestry->x->db, ancestry->repository,
                                            (const uint8_t *)keys, count, why);
}

enum fault oxen_ancestry_conclude(struct exchange *x, int64_t repository,
                                  const struct oxen_hash *tip, struct problem *why)
{
    struct ancestry ancestry = { .x = x, .repository = repository };
    text_init(&ancestry.keys, (size_t)OXEN_OPEN_COMMITS_MAX * OXEN_KEY_BYTES);
    enum fault f = load(&ancestry, why);
    if (!f && ancestry.count > 0)
        reach(&ancestry, tip->bytes);
    for (size_t at = 0; at < ancestry.queued && !f; at++)
        f = reach_parents(&ancestry, keys_of(&ancestry)[ancestry.queue[at]], why);
    if (!f && ancestry.queued > 0)
        f = conclude(&ancestry, why);
    text_release(&ancestry.keys);
    return f;
}
