#include "blob/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault blob_file_create(struct blob_store *store, struct blob_file *out, struct problem *why)
{
    if (store->next >= BLOB_NUMBER_END)
        return problem_internal(why, "worker %010llx has used up its file numbers: it must end",
                                (unsigned long long)store->worker);
    char name[BLOB_NAME_MAX];
    blob_name_number(store->next, name);
    const int fd = openat(store->folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          BLOB_FILE_MODE);
    if (fd < 0)
        return problem_errno(why, errno, "make a blob file");
    *out = (struct blob_file){ .fd = fd, .number = store->next };
    store->next++;
    store->unflushed.entries = true;
    return FAULT_NONE;
}

enum fault blob_file_append(struct blob_file *file, const void *bytes, size_t len,
                            struct problem *why)
{
    const unsigned char *from = bytes;
    size_t done = 0;
    while (done < len) {
        const ssize_t n = pwrite(file->fd, from + done, len - done, (off_t)(file->written + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return problem_errno(why, n < 0 ? errno : EIO, "write a blob file");
        done += (size_t)n;
    }
    file->written += len;
    if (file->written - file->pushed >= BLOB_PUSH_STEP) {
        /* Only a start: the flush reports what fails. */
        (void)sync_file_range(file->fd, (off_t)file->pushed, (off_t)(file->written - file->pushed),
                              SYNC_FILE_RANGE_WRITE);
        file->pushed = file->written;
    }
    return FAULT_NONE;
}

int blob_file_settle(int fd)
{
    enum {
        EVERYTHING =
            SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER,
    };
    int code = sync_file_range(fd, 0, 0, EVERYTHING) == 0 ? 0 : errno;
    if (close(fd) != 0 && errno != EINTR && code == 0)
        code = errno;
    return code;
}

enum fault blob_sync_file(int fd, const char *what, struct problem *why)
{
    int result = fdatasync(fd);
    while (result != 0 && errno == EINTR)
        result = fdatasync(fd);
    return result == 0 ? FAULT_NONE : problem_errno(why, errno, what);
}

enum fault blob_sync_folder(int fd, const char *what, struct problem *why)
{
    int result = fsync(fd);
    while (result != 0 && errno == EINTR)
        result = fsync(fd);
    return result == 0 ? FAULT_NONE : problem_errno(why, errno, what);
}

enum fault blob_sync_all(int fd, const char *what, struct problem *why)
{
    int result = syncfs(fd);
    while (result != 0 && errno == EINTR)
        result = syncfs(fd);
    return result == 0 ? FAULT_NONE : problem_errno(why, errno, what);
}
