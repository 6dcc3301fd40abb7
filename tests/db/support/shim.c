#include "support/shim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/mman.h>

struct shim_file {
    sqlite3_file base;
    enum shim_file_kind kind;
    sqlite3_file *real; /* in the bytes behind this struct */
};

static struct shim *shared;
static shim_watch *watcher;
static void *watcher_ctx;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct shim_file *)(void *)file)->real;
}

/* Counts and watches a call; SQLITE_OK when it is to be passed on. */
static int enter(sqlite3_file *file, enum shim_op op, const void *bytes, int64_t len,
                 int64_t offset)
{
    const enum shim_file_kind kind = ((struct shim_file *)(void *)file)->kind;
    atomic_fetch_add(&shared->count[kind][op], 1);
    const int code = atomic_load(&shared->code[kind][op]);
    if (code != SQLITE_OK && atomic_fetch_sub(&shared->spare[kind][op], 1) <= 0) {
        errno = atomic_load(&shared->system);
        return code;
    }
    if (watcher)
        watcher(watcher_ctx, kind, op, bytes, len, offset);
    return SQLITE_OK;
}

static int shim_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int shim_read(sqlite3_file *file, void *out, int len, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), out, len, offset);
}

static int shim_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    const int code = enter(file, SHIM_WRITE, bytes, len, offset);
    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), bytes, len, offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    const int code = enter(file, SHIM_TRUNCATE, NULL, 0, size);
    return code ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int shim_sync(sqlite3_file *file, int flags)
{
    const int code = enter(file, SHIM_SYNC, NULL, 0, 0);
    return code ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int shim_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int shim_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int shim_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    /* Lock 0 is the writer's: https://www.sqlite.org/walformat.html#wal_locks */
    if (offset == 0 && (flags & SQLITE_SHM_UNLOCK) != 0)
        (void)enter(file, SHIM_UNLOCK, NULL, 0, 0);
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct shim_file *shim = (struct shim_file *)(void *)file;
    shim->real = (sqlite3_file *)(void *)(shim + 1);
    shim->kind = SHIM_OTHER;
    if (flags & SQLITE_OPEN_MAIN_DB)
        shim->kind = SHIM_DATABASE;
    if (flags & SQLITE_OPEN_WAL)
        shim->kind = SHIM_WAL;
    shim->base.pMethods = NULL;
    const int code = real_vfs(vfs)->xOpen(real_vfs(vfs), name, shim->real, flags, out);
    if (shim->real->pMethods)
        shim->base.pMethods = &methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return real_vfs(vfs)->xDelete(real_vfs(vfs), name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return real_vfs(vfs)->xAccess(real_vfs(vfs), name, flags, out);
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int max, char *out)
{
    return real_vfs(vfs)->xFullPathname(real_vfs(vfs), name, max, out);
}

static int vfs_random(sqlite3_vfs *vfs, int len, char *out)
{
    return real_vfs(vfs)->xRandomness(real_vfs(vfs), len, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    return real_vfs(vfs)->xSleep(real_vfs(vfs), microseconds);
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    return real_vfs(vfs)->xCurrentTime(real_vfs(vfs), out);
}

static int vfs_error(sqlite3_vfs *vfs, int max, char *out)
{
    return real_vfs(vfs)->xGetLastError(real_vfs(vfs), max, out);
}

struct shim *shim_install(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct shim_file) + real->szOsFile,
        .mxPathname = real->mxPathname,
        .zName = "shim",
        .pAppData = real,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
    };
    assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
    return shared;
}

void shim_fail(struct shim *shim, enum shim_file_kind kind, enum shim_op op, int spare, int code)
{
    atomic_store(&shim->spare[kind][op], spare);
    atomic_store(&shim->code[kind][op], code);
}

void shim_calm(struct shim *shim)
{
    memset(shim, 0, sizeof *shim);
}

void shim_set_watch(shim_watch *watch, void *ctx)
{
    watcher = watch;
    watcher_ctx = ctx;
}
