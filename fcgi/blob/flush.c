#include "blob/store_internal.h"

#include <fcntl.h>
#include <unistd.h>

void blob_flush_later(struct blob_store *store, int fd)
{
    struct blob_unflushed *unflushed = &store->unflushed;
    if (unflushed->whole >= 0) {
        /* syncfs() tells of lost data only since Linux 5.8, and not through every file system;
         * waiting for each file's own data tells always, and is no flush of the device. */
        const int code = blob_file_settle(unflushed->whole);
        if (code != 0 && unflushed->lost == 0)
            unflushed->lost = code;
        unflushed->others = true;
    }
    unflushed->whole = fd;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* The pack and at most one other file: data first, then the entries that name them. */
static enum fault sync_each(struct blob_store *store, struct problem *why)
{
    const struct blob_unflushed *unflushed = &store->unflushed;
    enum fault f = FAULT_NONE;
    if (unflushed->pack)
        f = blob_sync_file(store->pack.file.fd, "flush a pack", why);
    if (!f && unflushed->whole >= 0)
        f = blob_sync_file(unflushed->whole, "flush a large content", why);
    if (!f && unflushed->entries)
        f = blob_sync_folder(store->folder, "flush a worker's folder", why);
    return f;
}

/* Nothing awaits a flush any more. */
static void unflushed_clear(struct blob_store *store)
{
    if (store->unflushed.whole >= 0)
        (void)close(store->unflushed.whole);
    store->unflushed = (struct blob_unflushed){ .whole = -1 };
    store->kept.unflushed = false;
}

enum fault blob_flush(struct blob_store *store, struct problem *why)
{
    enum fault f = blob_pack_write(store, why);
    if (!f && store->unflushed.lost != 0)
        f = problem_errno(why, store->unflushed.lost, "write back a large content");
    if (!f && store->unflushed.others)
        f = blob_sync_all(store->root, "flush several large contents", why);
    else if (!f)
        f = sync_each(store, why);
    if (f)
        blob_pack_abandon(store);
    unflushed_clear(store);
    return f;
}

void blob_keep(struct blob_store *store)
{
    const struct blob_unflushed *unflushed = &store->unflushed;
    const struct blob_pack *pack = &store->pack;
    store->kept.next = store->next;
    store->kept.pack = pack->file.number;
    store->kept.end = pack->file.written + pack->held;
    store->kept.unflushed = unflushed->pack || unflushed->whole >= 0;
    blob_read_forget(store);
}

/* Cuts the kept pack although it is not open any more: it grew full, or a flush failed. */
static void closed_pack_cut(struct blob_store *store)
{
    char name[BLOB_NAME_MAX];
    blob_name_number(store->kept.pack, name);
    const int fd = openat(store->folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    int ignored = ftruncate(fd, (off_t)store->kept.end); /* a tail is harmless: it is swept */
    (void)ignored;
    (void)close(fd);
}

void blob_drop(struct blob_store *store)
{
    struct blob_pack *pack = &store->pack;
    blob_read_forget(store);
    if (store->folder < 0)
        return;
    blob_discard(&store->writer);
    if (pack->file.fd >= 0 && pack->file.number == store->kept.pack) {
        blob_pack_cut(store, store->kept.end);
    } else {
        blob_pack_abandon(store);
        if (store->kept.pack != BLOB_NUMBER_NONE)
            closed_pack_cut(store);
    }
    for (uint32_t number = store->kept.next; number < store->next; number++) {
        char name[BLOB_NAME_MAX];
        blob_name_number(number, name);
        (void)unlinkat(store->folder, name, 0);
    }
    if (!store->kept.unflushed)
        unflushed_clear(store);
    store->kept.next = store->next;
    store->kept.pack = pack->file.number;
}
