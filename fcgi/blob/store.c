#include "blob/store_internal.h"

#include "stream/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORKER_END (UINT64_C(1) << BLOB_WORKER_BITS)

enum {
    TAKE_TRIES = 100,            /* to take the lock while a sweeper or an asker holds it */
    TAKE_PAUSE_NS = 10 * 1000000 /* between two tries */
};

int64_t blob_file_id(uint64_t worker, uint32_t number)
{
    return (int64_t)(worker << BLOB_NUMBER_BITS | number);
}

void blob_name_folder(uint64_t worker, char out[BLOB_NAME_MAX])
{
    (void)snprintf(out, BLOB_NAME_MAX, "%0*llx", BLOB_FOLDER_DIGITS, (unsigned long long)worker);
}

void blob_name_number(uint32_t number, char out[BLOB_NAME_MAX])
{
    (void)snprintf(out, BLOB_NAME_MAX, "%0*x", BLOB_FILE_DIGITS, number);
}

void blob_name_path(int64_t file, char out[BLOB_NAME_MAX])
{
    const uint64_t id = (uint64_t)file;
    (void)snprintf(out, BLOB_NAME_MAX, "%0*llx/%0*x", BLOB_FOLDER_DIGITS,
                   (unsigned long long)(id >> BLOB_NUMBER_BITS), BLOB_FILE_DIGITS,
                   (unsigned)(id & (BLOB_NUMBER_END - 1)));
}

/* The store's folder, made durably when it is missing. */
static enum fault root_open(const char *folder, int *out, struct problem *why)
{
    const bool made = mkdir(folder, BLOB_FOLDER_MODE) == 0;
    if (!made && errno != EEXIST)
        return problem_errno(why, errno, "make the blob store's folder");
    const int root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return problem_errno(why, errno, "open the blob store's folder");
    if (made) {
        const int above = openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        enum fault f = above < 0 ? problem_errno(why, errno, "open the state folder")
                                 : blob_sync_folder(above, "flush the state folder", why);
        if (above >= 0)
            (void)close(above);
        if (f) {
            (void)close(root);
            return f;
        }
    }
    *out = root;
    return FAULT_NONE;
}

uint64_t blob_worker_of(uint64_t random)
{
    return (random >> (64 - BLOB_WORKER_BITS)) | 1;
}

enum fault blob_open(const char *folder, uint64_t worker, struct blob_store **out,
                     struct problem *why)
{
    if (worker >= WORKER_END)
        return problem_internal(why, "a worker's number has %d bits at most", BLOB_WORKER_BITS);
    struct blob_store *store = calloc(1, sizeof *store);
    if (!store)
        return problem_internal(why, "out of memory for the blob store");
    const enum fault f = root_open(folder, &store->root, why);
    if (f) {
        free(store);
        return f;
    }
    store->worker = worker;
    store->folder = -1;
    store->lock = -1;
    store->pack.file = BLOB_FILE_NONE;
    store->writer.own = BLOB_FILE_NONE;
    store->kept.pack = BLOB_NUMBER_NONE;
    store->read_file = -1;
    store->read_fd = -1;
    *out = store;
    return FAULT_NONE;
}

/* Whether nothing but the lock is in a folder; false when that cannot be told. */
static bool only_the_lock(int folder)
{
    const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    bool only = true;
    errno = 0;
    for (const struct dirent *entry = readdir(list); entry && only; entry = readdir(list)) {
        only = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
               strcmp(entry->d_name, BLOB_LOCK_NAME) == 0;
    }
    only = only && errno == 0;
    (void)closedir(list);
    return only;
}

bool blob_remove_if_empty(int root, uint64_t worker, int folder)
{
    char name[BLOB_NAME_MAX];
    blob_name_folder(worker, name);
    return only_the_lock(folder) && unlinkat(folder, BLOB_LOCK_NAME, 0) == 0 &&
           unlinkat(root, name, AT_REMOVEDIR) == 0;
}

void blob_close(struct blob_store *store)
{
    if (!store)
        return;
    blob_drop(store);
    blob_pack_abandon(store);
    blob_read_forget(store);
    blob_flush_forget(store);
    if (store->folder >= 0) {
        (void)blob_remove_if_empty(store->root, store->worker, store->folder);
        (void)close(store->folder);
        (void)close(store->lock);
    }
    (void)close(store->root);
    free(store->pack.buffer);
    free(store->writer.stage);
    digest_destroy(store->writer.digest);
    blob_reading_release(store);
    free(store);
}

/* Holds the lock of a folder unless somebody else does, or has removed it meanwhile. */
static enum fault lock_try(int folder, int *out, struct problem *why)
{
    struct stat meta = { 0 };
    const int lock =
        openat(folder, BLOB_LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, BLOB_FILE_MODE);
    if (lock < 0)
        return errno == ENOENT ? FAULT_NONE : problem_errno(why, errno, "make a worker's lock");
    if (flock(lock, LOCK_EX | LOCK_NB) == 0 && fstat(lock, &meta) == 0 && meta.st_nlink > 0) {
        *out = lock;
        return FAULT_NONE;
    }
    (void)close(lock);
    return FAULT_NONE;
}

/* One try to make the folder and hold its lock.  A sweeper may take an empty folder away between
 * any two steps; then lock stays -1. */
static enum fault folder_try(struct blob_store *store, const char *name, struct problem *why)
{
    int lock = -1;
    if (mkdirat(store->root, name, BLOB_FOLDER_MODE) == 0)
        store->folder_made = true;
    else if (errno != EEXIST)
        return problem_errno(why, errno, "make a worker's folder");
    else if (!store->folder_made)
        return problem_internal(why, "the worker's number %s is taken", name);
    const int folder = openat(store->root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? FAULT_NONE : problem_errno(why, errno, "open a worker's folder");
    enum fault f = lock_try(folder, &lock, why);
    if (!f && lock >= 0)
        f = blob_sync_folder(folder, "flush a worker's folder", why);
    if (!f && lock >= 0)
        f = blob_sync_folder(store->root, "flush the blob store's folder", why);
    if (!f && lock >= 0) {
        store->folder = folder;
        store->lock = lock;
        return FAULT_NONE;
    }
    if (lock >= 0) {
        (void)blob_remove_if_empty(store->root, store->worker, folder);
        (void)close(lock);
    }
    (void)close(folder);
    return f;
}

enum fault blob_take_folder(struct blob_store *store, struct problem *why)
{
    char name[BLOB_NAME_MAX];
    if (store->folder >= 0)
        return FAULT_NONE;
    if (store->worker == 0)
        return problem_internal(why, "the blob store was opened for reading only");
    blob_name_folder(store->worker, name);
    for (int i = 0; i < TAKE_TRIES; i++) {
        const enum fault f = folder_try(store, name, why);
        if (f || store->folder >= 0)
            return f;
        (void)nanosleep(&(struct timespec){ .tv_nsec = TAKE_PAUSE_NS }, NULL);
    }
    return problem_internal(why, "the lock of the worker's folder stayed held");
}

enum fault blob_worker(struct blob_store *store, uint64_t *worker, struct problem *why)
{
    const enum fault f = blob_take_folder(store, why);
    if (!f)
        *worker = store->worker;
    return f;
}

bool blob_worker_alive(struct blob_store *store, uint64_t worker)
{
    char path[BLOB_NAME_MAX];
    if (worker == 0 || worker >= WORKER_END)
        return false;
    if (worker == store->worker)
        return true;
    (void)snprintf(path, sizeof path, "%0*llx/%s", BLOB_FOLDER_DIGITS, (unsigned long long)worker,
                   BLOB_LOCK_NAME);
    const int lock = openat(store->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0)
        return errno != ENOENT;
    /* A shared lock for a moment: it keeps nobody out but one who is just taking the folder, and
     * that one tries again. */
    const bool held = flock(lock, LOCK_SH | LOCK_NB) != 0;
    (void)close(lock);
    return held;
}
