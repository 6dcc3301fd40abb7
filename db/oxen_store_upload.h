/*
 * oxen_store_upload.h - contents that arrive in parts, through any worker and across restarts.
 *
 * Each part is written at its place in the content's file by one worker at a time: who writes holds
 * the part's lease, a row with the worker's number, until the part is durable.  A lease of a dead
 * worker may be taken over.  A part that is done is never written again, so a content that is
 * published is never written to.
 */
#ifndef DB_OXEN_STORE_UPLOAD_H
#define DB_OXEN_STORE_UPLOAD_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "db/db.h"
#include "db/oxen_store.h"

#include <stdbool.h>
#include <stdint.h>

struct oxen_upload {
    char id[OXEN_UUID_ROOM];
    uint8_t hash[OXEN_KEY_BYTES];
    int64_t blob;
    struct blob_ref ref;
    int64_t part_bytes;
};

/* What all uploads that are not finished may be. */
struct oxen_upload_bounds {
    int64_t open;     /* of one repository: FAULT_BUSY */
    int64_t reserved; /* bytes of all of them: FAULT_STORAGE_FULL */
};

/* Begins an upload of ref.bytes bytes, whose file is reserved and flushed; id, hash, ref and
 * part_bytes are set.  Expires others that nobody touched since before, and refuses one past the
 * bounds. */
MUST_CHECK enum fault oxen_store_upload_add(struct db *db, int64_t repository,
                                            const struct oxen_upload *upload, int64_t now,
                                            int64_t before, const struct oxen_upload_bounds *bounds,
                                            struct problem *why);

/* An unfinished upload of the same content in the same parts, touched since, to go on with. */
MUST_CHECK enum fault oxen_store_upload_same(struct db *db, int64_t repository,
                                             const struct oxen_upload *like, int64_t since,
                                             char id[OXEN_UUID_ROOM], bool *found,
                                             struct problem *why);

/* An upload by its id, touched since. */
MUST_CHECK enum fault oxen_store_upload_find(struct db *db, int64_t repository, const char *id,
                                             int64_t since, struct oxen_upload *out, bool *found,
                                             struct problem *why);

enum oxen_part_state {
    OXEN_PART_FREE,
    OXEN_PART_HELD, /* by a worker */
    OXEN_PART_DONE
};

MUST_CHECK enum fault oxen_store_upload_part_state(struct db *db, const char *id, int64_t part,
                                                   enum oxen_part_state *state, int64_t *worker,
                                                   struct problem *why);

/* Who writes which part of which upload. */
struct oxen_lease {
    const char *upload;
    int64_t part;
    int64_t worker;
};

/* Takes the lease of a free part, or of one that dead held (0: nobody).  *taken is false when
 * somebody else was faster.  FAULT_MISSING when the upload is gone. */
MUST_CHECK enum fault oxen_store_upload_lease(struct db *db, const struct oxen_lease *lease,
                                              int64_t dead, int64_t now, bool *taken,
                                              struct problem *why);

/* Gives the lease back; what was written of the part does not count. */
MUST_CHECK enum fault oxen_store_upload_give_up(struct db *db, const struct oxen_lease *lease,
                                                struct problem *why);

/* The part's bytes are durable: durably ends the lease.  *done: how many parts are done by then.
 * FAULT_MISSING when the lease is not there any more. */
MUST_CHECK enum fault oxen_store_upload_part_done(struct db *db, const struct oxen_lease *lease,
                                                  int64_t now, int64_t *done, struct problem *why);

/* How many parts are done. */
MUST_CHECK enum fault oxen_store_upload_parts(struct db *db, const char *id, int64_t *done,
                                              struct problem *why);

/* The content is whole and verified: durably makes it a version and ends the upload; a version
 * that is there already stays.  FAULT_MISSING when the upload has ended otherwise, or the
 * repository is gone. */
MUST_CHECK enum fault oxen_store_upload_publish(struct db *db, int64_t repository,
                                                const struct oxen_upload *upload,
                                                struct problem *why);

/* Ends the upload and forgets its bytes; durable. */
MUST_CHECK enum fault oxen_store_upload_drop(struct db *db, const char *id, struct problem *why);

#endif
