/*
 * node.h - the bytes of Oxen's tree nodes, taken apart.
 *
 * A stored node is two files.  "node": its kind (1 byte), its parent (16, not reliable), the length of
 * its payload (4, little endian), the payload, and 33 bytes a child: kind (1), hash (16, little
 * endian), offset and length (8 each, little endian) of the child's payload in the second file,
 * "children".  Commits, dirs and vnodes are stored so; files are only payloads in their vnode.
 * A commit has one child, the root dir, whose name is empty; a dir has vnodes, among which its entries
 * are spread; a vnode has files and dirs, by name.
 *
 * A payload is MessagePack: {"V0_25_0": [...]} in an array of one, or, of clients before that release,
 * the array alone.  Arrays may be longer than is known here; what is behind is passed over.
 */
#ifndef OXEN_NODE_H
#define OXEN_NODE_H

#include "base/problem.h"
#include "oxen/hash.h"
#include "oxen/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oxen_node_kind {
    OXEN_NODE_COMMIT,
    OXEN_NODE_DIR,
    OXEN_NODE_VNODE,
    OXEN_NODE_FILE,
    OXEN_NODE_KINDS
};

enum {
    OXEN_NODE_HEAD_BYTES = 21, /* before the payload */
    OXEN_NODE_CHILD_BYTES = 33,
    OXEN_TIMESTAMP_MAX = 40,
};

/* The head of the file "node". */
struct oxen_node_head {
    enum oxen_node_kind kind;
    uint32_t payload; /* bytes */
    uint64_t children;
};

/* bytes: the first OXEN_NODE_HEAD_BYTES of the file, which has size bytes.  FAULT_MALFORMED. */
MUST_CHECK enum fault oxen_node_head(const unsigned char *bytes, uint64_t size,
                                     struct oxen_node_head *out, struct problem *why);

struct oxen_node_child {
    enum oxen_node_kind kind;
    uint8_t hash[OXEN_HASH_BYTES]; /* of a file: of its content */
    uint64_t offset;
    uint64_t length;
};

/* One of a node's table.  FAULT_MALFORMED when its payload would lie outside of payloads bytes. */
MUST_CHECK enum fault oxen_node_child(const unsigned char bytes[OXEN_NODE_CHILD_BYTES],
                                      uint64_t payloads, struct oxen_node_child *out,
                                      struct problem *why);

/* Texts are borrowed from the payload. */
struct oxen_node_commit {
    uint8_t hash[OXEN_HASH_BYTES];
    struct oxen_pack parents; /* binaries, of which there are parent_count */
    uint32_t parent_count;
    struct oxen_pack_bytes message;
    struct oxen_pack_bytes author;
    struct oxen_pack_bytes email;
    char timestamp[OXEN_TIMESTAMP_MAX]; /* RFC 3339, UTC */
    int64_t seconds;                    /* since 1970 */
    int64_t nanoseconds;
};

MUST_CHECK enum fault oxen_node_commit(const void *payload, size_t len,
                                       struct oxen_node_commit *out, struct problem *why);

/* The next parent; false when there is none. */
bool oxen_node_parent(struct oxen_node_commit *commit, uint8_t out[OXEN_HASH_BYTES]);

/* A dir or a file. */
struct oxen_node_entry {
    enum oxen_node_kind kind;
    struct oxen_pack_bytes name;
    uint8_t hash[OXEN_HASH_BYTES];
    uint8_t last_commit[OXEN_HASH_BYTES];
    int64_t bytes;
    struct oxen_pack metadata; /* of a file: one value; of a dir: how many files of which type */
    struct oxen_pack_bytes data_type; /* of a file, as are the next */
    struct oxen_pack_bytes mime_type;
    struct oxen_pack_bytes extension;
};

/* FAULT_MALFORMED also for a name that no path can hold: empty (but see root), ".", "..", longer than
 * OXEN_ENTRY_NAME_MAX, no UTF-8, or with a slash or a NUL in it. */
MUST_CHECK enum fault oxen_node_entry(enum oxen_node_kind kind, bool root, const void *payload,
                                      size_t len, struct oxen_node_entry *out, struct problem *why);

#endif
