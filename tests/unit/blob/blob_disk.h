/*
 * blob_disk.h - the disk as a test wants it: counts the calls that the store makes, and lets one
 * fail.  For tests named test_*_wrapped.c: there the linker puts these functions in place of the C
 * library's (CMakeLists.txt).
 */
#ifndef TESTS_UNIT_BLOB_DISK_H
#define TESTS_UNIT_BLOB_DISK_H

#include "blob_place.h"

#include <errno.h>
#include <fcntl.h>

enum call {
    CALL_PWRITE,
    CALL_FDATASYNC,
    CALL_FSYNC,
    CALL_SYNCFS, /* up to here a signal may interrupt them */
    CALL_FTRUNCATE,
    CALL_SYNC_FILE_RANGE,
    CALL_OPENAT,
    CALL_MKDIRAT,
    CALL_UNLINKAT,
    CALL_COUNT
};

/* What the functions below count and do; the only state that they can reach. */
static struct {
    size_t count[CALL_COUNT];
    enum call fail;    /* CALL_COUNT: none fails */
    size_t fail_at;    /* the how many-th fails, from 1 */
    int fail_with;     /* errno */
    bool failed;       /* it was reached */
    size_t write_max;  /* bytes that a pwrite takes; 0: all */
    bool interrupt;    /* every other call ends with EINTR */
    const char *sweep; /* a folder whose lock goes just after the next time it is opened */
} disk = { .fail = CALL_COUNT };

static inline bool disk_refuse(enum call call)
{
    disk.count[call]++;
    if (disk.interrupt && call <= CALL_SYNCFS && disk.count[call] % 2 == 1) {
        errno = EINTR;
        return true;
    }
    if (disk.fail != call || disk.count[call] != disk.fail_at)
        return false;
    disk.failed = true;
    errno = disk.fail_with;
    return true;
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (disk_refuse(CALL_PWRITE))
        return -1;
    return __real_pwrite(fd, bytes, disk.write_max && len > disk.write_max ? disk.write_max : len,
                         at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
    return disk_refuse(CALL_FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return disk_refuse(CALL_FSYNC) ? -1 : __real_fsync(fd);
}

int __real_syncfs(int fd);
int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
    return disk_refuse(CALL_SYNCFS) ? -1 : __real_syncfs(fd);
}

int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
    return disk_refuse(CALL_FTRUNCATE) ? -1 : __real_ftruncate(fd, size);
}

int __real_sync_file_range(int fd, off_t from, off_t len, unsigned flags);
int __wrap_sync_file_range(int fd, off_t from, off_t len, unsigned flags);
int __wrap_sync_file_range(int fd, off_t from, off_t len, unsigned flags)
{
    return disk_refuse(CALL_SYNC_FILE_RANGE) ? -1 : __real_sync_file_range(fd, from, len, flags);
}

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list values;
    va_start(values, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(values, mode_t) : 0;
    va_end(values);
    if (disk_refuse(CALL_OPENAT))
        return -1;
    const int fd = __real_openat(folder, path, flags, mode);
    if (disk.sweep && strcmp(path, "lock") == 0) {
        (void)unlinkat(folder, path, 0);
        (void)rmdir(disk.sweep);
        disk.sweep = NULL;
    }
    return fd;
}

int __real_mkdirat(int folder, const char *path, mode_t mode);
int __wrap_mkdirat(int folder, const char *path, mode_t mode);
int __wrap_mkdirat(int folder, const char *path, mode_t mode)
{
    return disk_refuse(CALL_MKDIRAT) ? -1 : __real_mkdirat(folder, path, mode);
}

int __real_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags)
{
    return disk_refuse(CALL_UNLINKAT) ? -1 : __real_unlinkat(folder, path, flags);
}

static inline void disk_reset(void)
{
    memset(&disk, 0, sizeof disk);
    disk.fail = CALL_COUNT;
}

static inline int disk_setup(void **state)
{
    disk_reset();
    return place_setup(state);
}

static inline int disk_teardown(void **state)
{
    disk_reset();
    return place_teardown(state);
}

#endif
