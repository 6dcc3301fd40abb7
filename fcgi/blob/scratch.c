#include "blob/scratch.h"

#include "blob/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct blob_scratch {
    struct blob_store *store;
    struct blob_file file;
};

enum fault blob_scratch_open(struct blob_store *store, struct blob_scratch **out,
                             struct problem *why)
{
    struct blob_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return problem_internal(why, "out of memory for a scratch file");
    const int fd = openat(store->root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, BLOB_FILE_MODE);
    if (fd < 0) {
        free(scratch);
        return problem_errno(why, errno, "make a file without a name in the blob store");
    }
    *scratch = (struct blob_scratch){ .store = store, .file = { .fd = fd } };
    *out = scratch;
    return FAULT_NONE;
}

void blob_scratch_close(struct blob_scratch *scratch)
{
    if (!scratch)
        return;
    (void)close(scratch->file.fd);
    free(scratch);
}

enum fault blob_scratch_append(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct blob_scratch *scratch = ctx;
    const enum fault f = blob_room(scratch->store, len, why);
    return f ? f : blob_file_append(&scratch->file, bytes, len, why);
}

enum fault blob_scratch_read(void *ctx, uint64_t offset, void *bytes, size_t len,
                             struct problem *why)
{
    const struct blob_scratch *scratch = ctx;
    char *to = bytes;
    for (size_t done = 0; done < len;) {
        const ssize_t n = pread(scratch->file.fd, to + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return problem_errno(why, n < 0 ? errno : EIO, "read a scratch file");
        done += (size_t)n;
    }
    return FAULT_NONE;
}
