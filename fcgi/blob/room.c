/* The room that uploads leave on the disk. */
#include "blob/store_internal.h"

#include <errno.h>
#include <sys/statvfs.h>

enum {
    FLOOR_USUAL = 256 * MIB, /* bytes */
    FLOOR_PART = 50,         /* of a large disk: 2 % */
    FLOOR_MOST_PART = 4,     /* of a small disk: a quarter */
};

/* a * b of two unsigned numbers from the file system, bounded. */
static uint64_t bytes_of(uint64_t blocks, uint64_t size)
{
    uint64_t bytes = 0;
    return __builtin_mul_overflow(blocks, size, &bytes) ? UINT64_MAX : bytes;
}

static uint64_t floor_of(int64_t setting, uint64_t whole)
{
    if (setting >= 0)
        return (uint64_t)setting;
    const uint64_t part = whole / FLOOR_PART;
    const uint64_t wished = part > FLOOR_USUAL ? part : FLOOR_USUAL;
    const uint64_t most = whole / FLOOR_MOST_PART;
    return wished < most ? wished : most;
}

enum fault blob_disk(int folder, int64_t floor, struct blob_disk *out, struct problem *why)
{
    struct statvfs disk = { 0 };
    int result = fstatvfs(folder, &disk);
    while (result != 0 && errno == EINTR)
        result = fstatvfs(folder, &disk);
    if (result != 0)
        return problem_errno(why, errno, "statvfs of the blob store");
    const uint64_t whole = bytes_of(disk.f_blocks, disk.f_frsize);
    *out = (struct blob_disk){ .free = bytes_of(disk.f_bavail, disk.f_frsize),
                               .floor = floor_of(floor, whole),
                               .read_only = (disk.f_flag & ST_RDONLY) != 0 };
    return FAULT_NONE;
}

void blob_leave_free(struct blob_store *store, int64_t bytes)
{
    store->floor = bytes;
}

enum fault blob_room(struct blob_store *store, uint64_t more, struct problem *why)
{
    struct blob_disk disk = { 0 };
    if (store->floor == 0)
        return FAULT_NONE;
    const enum fault f = blob_disk(store->root, store->floor, &disk, why);
    if (f)
        return f;
    if (disk.read_only)
        return problem_set(why, FAULT_UNAVAILABLE, "the storage is read-only");
    if (disk.free >= disk.floor && more <= disk.free - disk.floor)
        return FAULT_NONE;
    return problem_set(why, FAULT_STORAGE_FULL, "the storage is full");
}
