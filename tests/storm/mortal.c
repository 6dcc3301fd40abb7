/*
 * mortal.c - a preloaded library that ends the process at a chosen call, for test_oxen_mortal.py.
 *
 * The file named by MORTAL_COUNTER holds one 64-bit number that all processes share.  While it is
 * positive, every call that changes a file of the state takes one off, and the process that takes
 * the last one kills itself before the call is made.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINK_BYTES = 64 };

static int64_t *counter(void)
{
    static int64_t *shared;
    const char *path = shared ? NULL : getenv("MORTAL_COUNTER");
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *mapped = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        shared = mapped == MAP_FAILED ? NULL : mapped;
        (void)close(fd);
    }
    return shared;
}

static void count(void)
{
    int64_t *left = counter();
    if (left && __atomic_load_n(left, __ATOMIC_SEQ_CST) > 0 &&
        __atomic_sub_fetch(left, 1, __ATOMIC_SEQ_CST) == 0)
        (void)kill(getpid(), SIGKILL);
}

static void count_of(int fd)
{
    char link[LINK_BYTES];
    char path[PATH_BYTES];
    const char *folder = getenv("MORTAL_FOLDER");
    int64_t *left = counter();
    if (!left || !folder || __atomic_load_n(left, __ATOMIC_SEQ_CST) <= 0)
        return;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    if (len > 0 && (size_t)len >= strlen(folder) && memcmp(path, folder, strlen(folder)) == 0)
        count();
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

typedef int (*of_fd)(int);
typedef ssize_t (*writing)(int, const void *, size_t);
typedef ssize_t (*placing)(int, const void *, size_t, off_t);
typedef int (*cutting)(int, off_t);
typedef int (*unlinking)(int, const char *, int);
typedef int (*making)(int, const char *, mode_t);
typedef int (*opening)(int, const char *, int, ...);

int fsync(int fd)
{
    count_of(fd);
    return REAL(of_fd, "fsync")(fd);
}

int fdatasync(int fd)
{
    count_of(fd);
    return REAL(of_fd, "fdatasync")(fd);
}

int syncfs(int fd)
{
    count_of(fd);
    return REAL(of_fd, "syncfs")(fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    count_of(fd);
    return REAL(writing, "write")(fd, bytes, len);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    count_of(fd);
    return REAL(placing, "pwrite")(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    count_of(fd);
    return REAL(placing, "pwrite64")(fd, bytes, len, at);
}

int ftruncate(int fd, off_t len)
{
    count_of(fd);
    return REAL(cutting, "ftruncate")(fd, len);
}

int ftruncate64(int fd, off_t len)
{
    count_of(fd);
    return REAL(cutting, "ftruncate64")(fd, len);
}

int unlinkat(int folder, const char *path, int flags)
{
    count_of(folder);
    return REAL(unlinking, "unlinkat")(folder, path, flags);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
    count_of(folder);
    return REAL(making, "mkdirat")(folder, path, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list values;
        va_start(values, flags);
        mode = va_arg(values, mode_t);
        va_end(values);
        count_of(folder);
    }
    return REAL(opening, "openat")(folder, path, flags, mode);
}
