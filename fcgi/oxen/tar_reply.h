/*
 * tar_reply.h - an answer that is a gzipped tar of stored contents, written while they are read.
 */
#ifndef OXEN_TAR_REPLY_H
#define OXEN_TAR_REPLY_H

#include "base/blob_ref.h"
#include "base/problem.h"
#include "http/exchange.h"

struct gzip_out;

struct oxen_tar_reply {
    struct exchange *x;
    struct gzip_out *gzip;
};

/* Where a content lies by now; *found is false when it is not stored any more. */
struct oxen_tar_source {
    enum fault (*look_up)(void *ctx, struct blob_ref *out, bool *found, struct problem *why);
    void *ctx;
};

/* Begins the answer, status 200.  Ended by oxen_tar_reply_close(), whatever it returns. */
MUST_CHECK enum fault oxen_tar_reply_begin(struct oxen_tar_reply *reply, struct exchange *x,
                                           struct problem *why);

/* One file.  ref: where it lay when it was looked up last; a sweep may move it meanwhile.  A name of
 * more than 100 bytes is our defect. */
MUST_CHECK enum fault oxen_tar_reply_file(struct oxen_tar_reply *reply, const char *name,
                                          const struct blob_ref *ref,
                                          const struct oxen_tar_source *source,
                                          struct problem *why);

/* Ends archive and answer. */
MUST_CHECK enum fault oxen_tar_reply_end(struct oxen_tar_reply *reply, struct problem *why);

/* Gives the memory back, also of one that was never begun. */
void oxen_tar_reply_close(struct oxen_tar_reply *reply);

#endif
