#include "oxen/history.h"

#include "base/limits.h"
#include "oxen/hash_list.h"

#include <stdlib.h>
#include <string.h>

/* A commit that was reached and has not come. */
struct waiting {
    int64_t seconds;
    int64_t nanoseconds;
    uint32_t index; /* in the list of those reached */
};

struct oxen_history {
    struct oxen_tree *tree;
    struct oxen_hash_list *reached;
    bool *hidden; /* by index */
    size_t hidden_room;
    struct waiting *heap; /* the greatest first */
    size_t count;
    size_t room;
    size_t visible; /* of those that wait */
};

struct oxen_history *oxen_history_create(struct oxen_tree *tree)
{
    const struct oxen_hash_seed seed = oxen_hash_seed_of(tree->x->random);
    struct oxen_history *history = calloc(1, sizeof *history);
    if (!history)
        return NULL;
    history->tree = tree;
    history->reached = oxen_hash_list_create(OXEN_HISTORY_MAX, &seed);
    if (history->reached)
        return history;
    free(history);
    return NULL;
}

void oxen_history_destroy(struct oxen_history *history)
{
    if (!history)
        return;
    oxen_hash_list_destroy(history->reached);
    free(history->hidden);
    free(history->heap);
    free(history);
}

/* ---- the heap ---- */

static bool comes_before(const struct oxen_history *history, const struct waiting *a,
                         const struct waiting *b)
{
    char texts[2][OXEN_HASH_TEXT_MAX];
    struct oxen_hash hash;
    if (a->seconds != b->seconds)
        return a->seconds > b->seconds;
    if (a->nanoseconds != b->nanoseconds)
        return a->nanoseconds > b->nanoseconds;
    memcpy(hash.bytes, oxen_hash_list_at(history->reached, a->index), sizeof hash.bytes);
    oxen_hash_text(&hash, texts[0]);
    memcpy(hash.bytes, oxen_hash_list_at(history->reached, b->index), sizeof hash.bytes);
    oxen_hash_text(&hash, texts[1]);
    return strcmp(texts[0], texts[1]) > 0;
}

static void swap(struct waiting *a, struct waiting *b)
{
    const struct waiting kept = *a;
    *a = *b;
    *b = kept;
}

/* Makes room for one more of each. */
static bool reserve(struct oxen_history *history)
{
    enum { FIRST = 64 };
    const size_t reached = oxen_hash_list_count(history->reached);
    if (reached >= history->hidden_room) {
        const size_t room = history->hidden_room ? 2 * history->hidden_room : FIRST;
        bool *hidden = realloc(history->hidden, room * sizeof *hidden);
        if (!hidden)
            return false;
        history->hidden = hidden;
        history->hidden_room = room;
    }
    if (history->count == history->room) {
        const size_t room = history->room ? 2 * history->room : FIRST;
        struct waiting *heap = realloc(history->heap, room * sizeof *heap);
        if (!heap)
            return false;
        history->heap = heap;
        history->room = room;
    }
    return true;
}

static void push(struct oxen_history *history, const struct waiting *waiting)
{
    size_t at = history->count++;
    history->heap[at] = *waiting;
    while (at > 0) {
        const size_t above = (at - 1) / 2;
        if (!comes_before(history, &history->heap[at], &history->heap[above]))
            return;
        swap(&history->heap[at], &history->heap[above]);
        at = above;
    }
}

static uint32_t pop(struct oxen_history *history)
{
    const uint32_t index = history->heap[0].index;
    history->heap[0] = history->heap[--history->count];
    for (size_t at = 0;;) {
        size_t first = at;
        for (size_t below = 2 * at + 1; below <= 2 * at + 2 && below < history->count; below++) {
            if (comes_before(history, &history->heap[below], &history->heap[first]))
                first = below;
        }
        if (first == at)
            return index;
        swap(&history->heap[at], &history->heap[first]);
        at = first;
    }
}

/* ---- commits ---- */

static void hide(struct oxen_history *history, const uint8_t *hash)
{
    for (size_t i = 0; i < history->count; i++) {
        const uint32_t index = history->heap[i].index;
        if (!history->hidden[index] &&
            memcmp(oxen_hash_list_at(history->reached, index), hash, OXEN_HASH_BYTES) == 0) {
            history->hidden[index] = true;
            history->visible--;
        }
    }
}

enum fault oxen_history_add(struct oxen_history *history, const uint8_t commit[OXEN_HASH_BYTES],
                            bool hidden, bool *found, struct problem *why)
{
    struct oxen_tree_node node;
    struct oxen_node_commit read;
    bool added = false;
    if (oxen_hash_list_holds(history->reached, commit)) {
        *found = true;
        if (hidden)
            hide(history, commit);
        return FAULT_NONE;
    }
    enum fault f = oxen_tree_commit(history->tree, commit, &node, &read, found, why);
    if (f || !*found)
        return f;
    if (!reserve(history))
        return problem_internal(why, "no memory for a history");
    const size_t index = oxen_hash_list_count(history->reached);
    f = oxen_hash_list_add(history->reached, commit, &added, why);
    if (f)
        return f;
    history->hidden[index] = hidden;
    history->visible += !hidden;
    push(history, &(struct waiting){ read.seconds, read.nanoseconds, (uint32_t)index });
    return FAULT_NONE;
}

static enum fault add_parents(struct oxen_history *history, uint32_t index, struct problem *why)
{
    struct oxen_tree_node node;
    struct oxen_node_commit commit;
    uint8_t parents[OXEN_PARENTS_MAX][OXEN_HASH_BYTES];
    size_t count = 0;
    bool found = false;
    enum fault f = oxen_tree_commit(history->tree, oxen_hash_list_at(history->reached, index),
                                    &node, &commit, &found, why);
    while (!f && found && count < OXEN_PARENTS_MAX && oxen_node_parent(&commit, parents[count]))
        count++;
    for (size_t i = 0; i < count && !f; i++) {
        f = oxen_history_add(history, parents[i], history->hidden[index], &found, why);
        if (!f && !found)
            f = problem_internal(why, "a commit's parent is not stored");
    }
    return f;
}

enum fault oxen_history_next(struct oxen_history *history, uint8_t commit[OXEN_HASH_BYTES],
                             bool *more, struct problem *why)
{
    *more = false;
    while (history->visible > 0) {
        const uint32_t index = pop(history);
        const bool hidden = history->hidden[index];
        history->visible -= !hidden;
        const enum fault f = add_parents(history, index, why);
        if (f)
            return f;
        if (!hidden) {
            memcpy(commit, oxen_hash_list_at(history->reached, index), OXEN_HASH_BYTES);
            *more = true;
            return FAULT_NONE;
        }
    }
    return FAULT_NONE;
}
