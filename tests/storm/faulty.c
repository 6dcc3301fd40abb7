/*
 * faulty.c - a preloaded library that makes the disk fail on command, for test_failure.py.
 *
 * While the file named by FAULTY_COMMAND holds a word, calls on files below FAULTY_FOLDER fail:
 *   sync-wal   fsync and fdatasync of the write-ahead log: EIO
 *   full       writes: ENOSPC
 *   read-only  writes and the creation of files: EROFS
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD_MAX = 32, PATH_BYTES = 4096 };

typedef int (*sync_call)(int);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);
typedef int (*openat_call)(int, const char *, int, ...);

static bool commanded(const char *word)
{
    char now[WORD_MAX] = "";
    const char *command = getenv("FAULTY_COMMAND");
    FILE *file = command ? fopen(command, "r") : NULL;
    if (!file)
        return false;
    const size_t len = fread(now, 1, sizeof now - 1, file);
    (void)fclose(file);
    return len >= strlen(word) && memcmp(now, word, strlen(word)) == 0;
}

static bool is_state_file(int fd, const char *ending)
{
    char link[64];
    char path[PATH_BYTES];
    const char *folder = getenv("FAULTY_FOLDER");
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    if (!folder || len < 0)
        return false;
    path[len] = '\0';
    const size_t end = strlen(ending);
    return strncmp(path, folder, strlen(folder)) == 0 && (size_t)len >= end &&
           strcmp(path + len - end, ending) == 0;
}

static void *next_call(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static bool sync_fails(int fd)
{
    return is_state_file(fd, "-wal") && commanded("sync-wal");
}

static int write_error(int fd)
{
    if (!is_state_file(fd, ""))
        return 0;
    return commanded("full") ? ENOSPC : commanded("read-only") ? EROFS : 0;
}

int fdatasync(int fd)
{
    sync_call real = (sync_call)next_call("fdatasync");
    if (sync_fails(fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int fsync(int fd)
{
    sync_call real = (sync_call)next_call("fsync");
    if (sync_fails(fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    write_call real = (write_call)next_call("write");
    const int error = write_error(fd);
    if (error) {
        errno = error;
        return -1;
    }
    return real(fd, bytes, len);
}

static ssize_t positioned(const char *name, int fd, const void *bytes, size_t len, off_t at)
{
    pwrite_call real = (pwrite_call)next_call(name);
    const int error = write_error(fd);
    if (error) {
        errno = error;
        return -1;
    }
    return real(fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return positioned("pwrite", fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    return positioned("pwrite64", fd, bytes, len, at);
}

int openat(int folder, const char *path, int flags, ...)
{
    openat_call real = (openat_call)next_call("openat");
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list values;
        va_start(values, flags);
        mode = va_arg(values, mode_t);
        va_end(values);
        if (commanded("read-only")) {
            errno = EROFS;
            return -1;
        }
    }
    return real(folder, path, flags, mode);
}
