#include "blob/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct blob_place {
    struct blob_store *store;
    int fd;
    uint64_t bytes; /* of the whole content */
    /* The last piece that was written in one go, of which no write-back was started. */
    uint64_t from;
    uint64_t to;
};

enum fault blob_reserve(struct blob_store *store, uint64_t bytes, struct blob_ref *out,
                        struct problem *why)
{
    struct blob_file file = BLOB_FILE_NONE;
    enum fault f = blob_room(store, bytes, why);
    if (!f)
        f = blob_take_folder(store, why);
    if (!f)
        f = blob_file_create(store, &file, why);
    if (f)
        return f;
    if (ftruncate(file.fd, (off_t)bytes) != 0) {
        f = problem_errno(why, errno, "give a blob file its length");
        (void)close(file.fd); /* dropped with what is not kept */
        return f;
    }
    blob_flush_later(store, file.fd);
    *out = (struct blob_ref){ .file = blob_file_id(store->worker, file.number),
                              .bytes = (int64_t)bytes };
    return FAULT_NONE;
}

enum fault blob_place_open(struct blob_store *store, const struct blob_ref *ref,
                           struct blob_place **out, struct problem *why)
{
    char path[BLOB_NAME_MAX];
    blob_name_path(ref->file, path);
    struct blob_place *place = malloc(sizeof *place);
    if (!place)
        return problem_internal(why, "out of memory for a place");
    const int fd = openat(store->root, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        const int code = errno;
        free(place);
        return code == ENOENT ? problem_set(why, FAULT_GONE, "the content is gone")
                              : problem_errno(why, code, "open a blob file to write");
    }
    *place = (struct blob_place){ .store = store, .fd = fd, .bytes = (uint64_t)ref->bytes };
    *out = place;
    return FAULT_NONE;
}

/* Starts the write-back early, so that the flush finds little left to do. */
static void push(struct blob_place *place, uint64_t offset, size_t len)
{
    if (offset != place->to)
        place->from = offset;
    place->to = offset + len;
    if (place->to - place->from < BLOB_PLACE_STEP)
        return;
    /* Only a start: the flush reports what fails. */
    (void)sync_file_range(place->fd, (off_t)place->from, (off_t)(place->to - place->from),
                          SYNC_FILE_RANGE_WRITE);
    place->from = place->to;
}

enum fault blob_place_write(struct blob_place *place, uint64_t offset, const void *bytes,
                            size_t len, struct problem *why)
{
    const unsigned char *from = bytes;
    if (offset > place->bytes || len > place->bytes - offset)
        return problem_set(why, FAULT_TOO_LARGE, "bytes past the end of the content");
    if (place->from == place->to) { /* at the beginning, and at each start of a write-back */
        const enum fault f = blob_room(place->store, BLOB_PLACE_STEP, why);
        if (f)
            return f;
    }
    for (size_t done = 0; done < len;) {
        const ssize_t n = pwrite(place->fd, from + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return problem_errno(why, n < 0 ? errno : EIO, "write a piece of a blob file");
        done += (size_t)n;
    }
    push(place, offset, len);
    return FAULT_NONE;
}

enum fault blob_place_sync(struct blob_place *place, struct problem *why)
{
    return blob_sync_file(place->fd, "flush a piece of a blob file", why);
}

void blob_place_close(struct blob_place *place)
{
    if (!place)
        return;
    (void)close(place->fd);
    free(place);
}
