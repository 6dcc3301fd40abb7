#include "blob/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void blob_read_forget(struct blob_store *store)
{
    if (store->read_fd >= 0)
        (void)close(store->read_fd);
    store->read_fd = -1;
    store->read_file = -1;
}

static bool ref_is_sound(const struct blob_ref *ref)
{
    int64_t end = 0;
    return ref->file > 0 && ref->start >= 0 && ref->bytes >= 0 &&
           !__builtin_add_overflow(ref->start, ref->bytes, &end);
}

/* Sealed contents of this process may lie in the pack's buffer still. */
static enum fault own_bytes_write(struct blob_store *store, const struct blob_ref *ref,
                                  struct problem *why)
{
    const struct blob_file *file = &store->pack.file;
    if (file->fd < 0 || ref->file != blob_file_id(store->worker, file->number))
        return FAULT_NONE;
    if ((uint64_t)(ref->start + ref->bytes) <= file->written)
        return FAULT_NONE;
    return blob_pack_write(store, why);
}

static enum fault read_open(struct blob_store *store, int64_t file, struct problem *why)
{
    if (store->read_fd >= 0 && store->read_file == file)
        return FAULT_NONE;
    blob_read_forget(store);
    char path[BLOB_NAME_MAX];
    blob_name_path(file, path);
    const int fd = openat(store->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return problem_set(why, FAULT_GONE, "the content is gone");
    if (fd < 0)
        return problem_errno(why, errno, "open a blob file");
    store->read_fd = fd;
    store->read_file = file;
    return FAULT_NONE;
}

static enum fault read_at(const struct blob_store *store, uint64_t at, void *bytes, size_t len,
                          size_t *got, struct problem *why)
{
    ssize_t n = pread(store->read_fd, bytes, len, (off_t)at);
    while (n < 0 && errno == EINTR)
        n = pread(store->read_fd, bytes, len, (off_t)at);
    if (n < 0)
        return problem_errno(why, errno, "read a blob file");
    if (n == 0) {
        char path[BLOB_NAME_MAX];
        blob_name_path(store->read_file, path);
        return problem_damaged(why, "blob file %s ends at or before byte %llu", path,
                               (unsigned long long)at);
    }
    *got = (size_t)n;
    return FAULT_NONE;
}

static enum fault read_ready(struct blob_store *store, const struct blob_ref *ref,
                             struct problem *why)
{
    if (!ref_is_sound(ref))
        return problem_internal(why, "a row names an impossible place in the blob store");
    const enum fault f = own_bytes_write(store, ref, why);
    return f ? f : read_open(store, ref->file, why);
}

enum fault blob_read_check(struct blob_store *store, const struct blob_ref *ref,
                           struct problem *why)
{
    struct stat meta = { 0 };
    if (ref->bytes == 0)
        return FAULT_NONE;
    const enum fault f = read_ready(store, ref, why);
    if (f)
        return f;
    if (fstat(store->read_fd, &meta) != 0)
        return problem_errno(why, errno, "look at a blob file");
    if (meta.st_size >= ref->start + ref->bytes)
        return FAULT_NONE;
    char path[BLOB_NAME_MAX];
    blob_name_path(ref->file, path);
    return problem_damaged(why, "blob file %s has %lld bytes, a content ends at byte %lld", path,
                           (long long)meta.st_size, (long long)ref->start + (long long)ref->bytes);
}

bool blob_present(struct blob_store *store, const struct blob_ref *ref)
{
    char path[BLOB_NAME_MAX];
    struct stat meta = { 0 };
    struct problem unwritten = PROBLEM_NONE;
    if (!ref_is_sound(ref) || own_bytes_write(store, ref, &unwritten))
        return false;
    blob_name_path(ref->file, path);
    return ref->bytes == 0 || (fstatat(store->root, path, &meta, AT_SYMLINK_NOFOLLOW) == 0 &&
                               S_ISREG(meta.st_mode) && meta.st_size >= ref->start + ref->bytes);
}

enum fault blob_read(struct blob_store *store, const struct blob_ref *ref, uint64_t offset,
                     void *bytes, size_t len, size_t *got, struct problem *why)
{
    *got = 0;
    if (ref_is_sound(ref) && (offset >= (uint64_t)ref->bytes || len == 0))
        return FAULT_NONE;
    const uint64_t left = (uint64_t)ref->bytes - offset;
    const size_t want = len < left ? len : (size_t)left;
    size_t n = 0;
    enum fault f = read_ready(store, ref, why);
    if (!f)
        f = read_at(store, (uint64_t)ref->start + offset, bytes, want, &n, why);
    if (f || n == left) /* a descriptor kept longer would hold the space of an unlinked pack */
        blob_read_forget(store);
    if (!f)
        *got = n;
    return f;
}

bool blob_whole_path(struct blob_store *store, const struct blob_ref *ref, char *out, size_t len)
{
    char path[BLOB_NAME_MAX];
    struct stat meta = { 0 };
    /* A pack may still grow behind its only content. */
    if (!ref_is_sound(ref) || ref->start != 0 || ref->bytes < BLOB_PACK_BELOW)
        return false;
    blob_name_path(ref->file, path);
    if (fstatat(store->root, path, &meta, AT_SYMLINK_NOFOLLOW) != 0 || meta.st_size != ref->bytes)
        return false;
    return (size_t)snprintf(out, len, "%s", path) < len;
}
