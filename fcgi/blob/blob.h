/*
 * blob.h - immutable bytes on disk, made durable together and named by rows afterwards.
 *
 * The store is one folder with a folder for each worker that ever wrote:
 *
 *     blobs/<worker, 10 hex digits>/lock      held (flock) while the worker lives; removed when
 *                                             the folder of a dead worker has been swept
 *     blobs/<worker>/<number, 6 hex digits>   a pack of small contents, or one large content
 *
 * A file's number in rows (struct blob_ref) is worker << 24 | number.  A content below
 * BLOB_PACK_BELOW goes to the worker's open pack, a larger one gets a file of its own; a file has
 * one writer for ever (but see blob_reserve).  Bytes are written where they stay, so nothing is
 * renamed: a file is part
 * of the store when a row names it, and the sweeper takes what no row names once its worker is
 * dead.
 *
 * One request at a time writes: begin..seal for each content (one may be open at a time), then
 * blob_flush() makes all of them durable with a number of flushes that does not grow with their
 * number, then rows are written, then blob_keep().  What is not kept is taken back by
 * blob_drop(): large files unlinked, the pack cut back.
 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include "base/blob_ref.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOB_FOLDER "blobs"     /* of a store in the state folder */
enum { BLOB_WORKER_BITS = 39 }; /* of a worker's number */

struct blob_store;
struct blob_writer;

/* The number of a worker, made of 64 random bits; never 0, which is a reader. */
uint64_t blob_worker_of(uint64_t random);

/* Opens the store at folder (made when missing, mode 0750).  worker: from blob_worker_of(), of which the store takes the folder at the first write; 0 opens it for reading only.
 * The caller owns *out. */
MUST_CHECK enum fault blob_open(const char *folder, uint64_t worker, struct blob_store **out,
                                struct problem *why);

/* Drops what is not kept and closes; an empty worker folder is removed.  store may be NULL. */
void blob_close(struct blob_store *store);

/* ---- room on the disk ---- */

/* What uploads leave free: bytes, or -1 for the larger of 256 MiB and 2 % of the disk, and at most a
 * quarter of it.  0, as after blob_open(): they may take all. */
void blob_leave_free(struct blob_store *store, int64_t bytes);

/* Whether an upload may take more bytes: FAULT_STORAGE_FULL when fewer than that would stay free,
 * FAULT_UNAVAILABLE when the disk is read-only.  One system call.  Writing a content asks it every few MiB. */
MUST_CHECK enum fault blob_room(struct blob_store *store, uint64_t more, struct problem *why);

/* A disk, and what the setting makes of it. */
struct blob_disk {
    uint64_t free;  /* bytes that a user other than root may take */
    uint64_t floor; /* bytes that uploads leave */
    bool read_only;
};

/* folder: a descriptor of any folder on it. */
MUST_CHECK enum fault blob_disk(int folder, int64_t floor, struct blob_disk *out,
                                struct problem *why);

/* ---- contents ---- */

/* Starts a content.  bytes_max: past which a write raises FAULT_TOO_LARGE.  The caller owns *out
 * and ends it with exactly one of blob_seal() and blob_discard(). */
MUST_CHECK enum fault blob_begin(struct blob_store *store, uint64_t bytes_max,
                                 struct blob_writer **out, struct problem *why);

MUST_CHECK enum fault blob_write(struct blob_writer *writer, const void *bytes, size_t len,
                                 struct problem *why);

/* Ends the content and says where it lies and what its digest is; it is durable after the next
 * blob_flush().  Consumes writer whether or not it succeeds. */
MUST_CHECK enum fault blob_seal(struct blob_writer *writer, struct blob_ref *out,
                                struct problem *why);

/* Forgets the bytes.  writer may be NULL. */
void blob_discard(struct blob_writer *writer);

/* Makes everything sealed since the last call durable.  After a fault nothing that was sealed may
 * be named: a failed flush is never tried again (the kernel may answer OK although the data is
 * gone), the files are abandoned and later contents go to new ones. */
MUST_CHECK enum fault blob_flush(struct blob_store *store, struct problem *why);

/* Rows may name what was sealed so far (also when that is not certain): it stays. */
void blob_keep(struct blob_store *store);

/* Takes back everything since the last blob_keep(). */
void blob_drop(struct blob_store *store);

/* ---- a content that comes in pieces, in any order and through any worker ---- */

/* Makes a file of its own and full length for it, of zeros that take no room.  Like a sealed
 * content it is durable after blob_flush() and stays with blob_keep(). */
MUST_CHECK enum fault blob_reserve(struct blob_store *store, uint64_t bytes, struct blob_ref *out,
                                   struct problem *why);

struct blob_place;

/* Opens a reserved content to write at its places.  Who calls it sees to it (with a row that says
 * who writes what) that nobody writes to a content that is published, and nobody where another one
 * writes.  FAULT_GONE when the file is not there.  The caller owns *out. */
MUST_CHECK enum fault blob_place_open(struct blob_store *store, const struct blob_ref *ref,
                                      struct blob_place **out, struct problem *why);

/* FAULT_TOO_LARGE past the end of the content. */
MUST_CHECK enum fault blob_place_write(struct blob_place *place, uint64_t offset, const void *bytes,
                                       size_t len, struct problem *why);

/* Makes what was written durable; after a fault none of it is, and none may be relied on. */
MUST_CHECK enum fault blob_place_sync(struct blob_place *place, struct problem *why);

/* place may be NULL. */
void blob_place_close(struct blob_place *place);

/* ---- reading ---- */

/* Whether the file holds as many bytes as the row says, which is what may be told of a content that
 * is known: one look at the file, each time.  Whether they are the right ones blob_verify() tells. */
bool blob_present(struct blob_store *store, const struct blob_ref *ref);

/* A content, or a part of it, on its way out; one of a store at a time. */
struct blob_reading {
    struct blob_store *store;
    struct blob_ref ref;
    uint64_t at; /* what comes next */
    uint64_t end;
    bool compares; /* all bytes of a large content pass by, and its digest is known */
};

/* Begins to read count bytes from the first one on.  FAULT_GONE when the file is not there (it was
 * compacted: look the row up again); FAULT_DAMAGED when it is shorter than the row says.  Nothing
 * is to be released. */
MUST_CHECK enum fault blob_reading_begin(struct blob_reading *reading, struct blob_store *store,
                                         const struct blob_ref *ref, uint64_t first, uint64_t count,
                                         struct problem *why);

/* The next piece; *len is 0 at the end.  The bytes are the store's until the next call.
 * FAULT_DAMAGED when they are not those of the row's digest: of a content below BLOB_PACK_BELOW
 * before any of it is given out, also of a part; of a larger one that is read whole in place of its
 * last piece.  A part of a larger one is not compared. */
MUST_CHECK enum fault blob_reading_next(struct blob_reading *reading, const void **bytes,
                                        size_t *len, struct problem *why);

/* Reads a content to its end: the faults of the two above. */
MUST_CHECK enum fault blob_verify(struct blob_store *store, const struct blob_ref *ref,
                                  struct problem *why);

/* Reads up to len bytes at offset of a content, without a comparison; *got is 0 at its end.
 * FAULT_GONE when the file is not there; FAULT_DAMAGED when it is shorter than the row
 * says. */
MUST_CHECK enum fault blob_read(struct blob_store *store, const struct blob_ref *ref,
                                uint64_t offset, void *bytes, size_t len, size_t *got,
                                struct problem *why);

/* The path below the store's folder of a file, "<worker>/<number>", for a web server's sendfile.
 * false unless the content is the whole file. */
bool blob_whole_path(struct blob_store *store, const struct blob_ref *ref, char *out, size_t len);

/* Whether the worker that wrote a file, or holds a lease under its number, is alive: its lock is
 * held.  A worker without a folder is dead. */
bool blob_worker_alive(struct blob_store *store, uint64_t worker);

/* The number under which this process writes; its folder and lock exist after the call. */
MUST_CHECK enum fault blob_worker(struct blob_store *store, uint64_t *worker, struct problem *why);

#endif
