/*
 * fuzz_oxen_node.c - tree nodes of Oxen: the first byte says as what the rest is read, a node's file,
 * a child of its table, or the payload of a commit, a dir or a file, whose metadata becomes JSON.
 */
#include "base/limits.h"
#include "base/text.h"
#include "oxen/metadata_json.h"
#include "oxen/node.h"
#include "json/json.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { AS_FILE, AS_CHILD, AS_COMMIT, AS_ROOT, AS_DIR, AS_ENTRY, WAYS };

static void read_file(const uint8_t *data, size_t size)
{
    struct oxen_node_head head;
    struct problem why = PROBLEM_NONE;
    if (oxen_node_head(data, size, &head, &why))
        return;
    assert(OXEN_NODE_HEAD_BYTES + head.payload + head.children * OXEN_NODE_CHILD_BYTES == size);
}

static void read_child(const uint8_t *data, size_t size)
{
    struct oxen_node_child child;
    struct problem why = PROBLEM_NONE;
    if (size < OXEN_NODE_CHILD_BYTES || oxen_node_child(data, size, &child, &why))
        return;
    assert(child.offset <= size && child.length <= size - child.offset);
}

static void read_commit(const uint8_t *data, size_t size)
{
    struct oxen_node_commit commit;
    struct problem why = PROBLEM_NONE;
    uint8_t parent[OXEN_HASH_BYTES];
    size_t parents = 0;
    if (oxen_node_commit(data, size, &commit, &why))
        return;
    while (oxen_node_parent(&commit, parent))
        parents++;
    assert(parents <= size && strlen(commit.timestamp) < sizeof commit.timestamp);
}

/* Whatever the metadata is, it becomes one JSON value.  One with a NUL in a member's name is JSON, but
 * none that our parser takes. */
static void read_entry(const uint8_t *data, size_t size, enum oxen_node_kind kind, bool root)
{
    struct oxen_node_entry entry;
    struct problem why = PROBLEM_NONE;
    struct text out;
    json_object *value = NULL;
    if (oxen_node_entry(kind, root, data, size, &entry, &why))
        return;
    assert(root ? entry.name.len == 0 : !memchr(entry.name.bytes, '/', entry.name.len));
    text_init(&out, JSON_REPLY_MAX);
    oxen_metadata_json_add(&out, &entry);
    if (!text_failed(&out) && !strstr(text_string(&out), "\\u0000")) {
        const enum fault f = json_parse(text_string(&out), out.len, &value, NULL, &why);
        assert(f == FAULT_NONE || f == FAULT_TOO_LARGE);
        json_object_put(value);
    }
    text_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const uint8_t *rest = data + 1;
    switch (data[0] % WAYS) {
    case AS_FILE:
        read_file(rest, size - 1);
        break;
    case AS_CHILD:
        read_child(rest, size - 1);
        break;
    case AS_COMMIT:
        read_commit(rest, size - 1);
        break;
    default:
        read_entry(rest, size - 1, data[0] % WAYS == AS_ENTRY ? OXEN_NODE_FILE : OXEN_NODE_DIR,
                   data[0] % WAYS == AS_ROOT);
        break;
    }
    return 0;
}
