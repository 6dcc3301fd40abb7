#include "blob/store_internal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Waits for the oldest complete file's data.  syncfs() tells of lost data only since Linux 5.8, and
 * not through every file system; waiting for each file's own data tells always, and is no flush of
 * the device. */
static void settle_oldest(struct blob_unflushed *unflushed)
{
    const int code = blob_file_settle(unflushed->wholes[0]);
    if (code != 0 && unflushed->lost == 0)
        unflushed->lost = code;
    unflushed->whole_count--;
    memmove(unflushed->wholes, unflushed->wholes + 1,
            unflushed->whole_count * sizeof unflushed->wholes[0]);
    unflushed->others = true;
}

void blob_flush_later(struct blob_store *store, int fd)
{
    struct blob_unflushed *unflushed = &store->unflushed;
    if (unflushed->whole_count == BLOB_WHOLES)
        settle_oldest(unflushed);
    unflushed->wholes[unflushed->whole_count++] = fd;
    (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* The pack and at most one other file: data first, then the entries that name them. */
static enum fault sync_each(struct blob_store *store, struct problem *why)
{
    const struct blob_unflushed *unflushed = &store->unflushed;
    enum fault f = FAULT_NONE;
    if (unflushed->pack)
        f = blob_sync_file(store->pack.file.fd, "flush a pack", why);
    if (!f && unflushed->whole_count > 0)
        f = blob_sync_file(unflushed->wholes[0], "flush a large content", why);
    if (!f && unflushed->entries)
        f = blob_sync_folder(store->folder, "flush a worker's folder", why);
    return f;
}

/* Everything at once, when a flush a file would be several. */
static enum fault sync_all(struct blob_store *store, struct problem *why)
{
    struct blob_unflushed *unflushed = &store->unflushed;
    while (unflushed->whole_count > 0)
        settle_oldest(unflushed);
    if (unflushed->lost != 0)
        return problem_errno(why, unflushed->lost, "write back a large content");
    return blob_sync_all(store->root, "flush several large contents", why);
}

void blob_flush_forget(struct blob_store *store)
{
    struct blob_unflushed *unflushed = &store->unflushed;
    while (unflushed->whole_count > 0)
        (void)close(unflushed->wholes[--unflushed->whole_count]);
    *unflushed = (struct blob_unflushed){ .whole_count = 0 };
    store->kept.unflushed = false;
}

enum fault blob_flush(struct blob_store *store, struct problem *why)
{
    const struct blob_unflushed *unflushed = &store->unflushed;
    enum fault f = blob_pack_write(store, why);
    if (!f && (unflushed->others || unflushed->whole_count > 1))
        f = sync_all(store, why);
    else if (!f)
        f = sync_each(store, why);
    if (f)
        blob_pack_abandon(store);
    blob_flush_forget(store);
    return f;
}

void blob_keep(struct blob_store *store)
{
    const struct blob_unflushed *unflushed = &store->unflushed;
    const struct blob_pack *pack = &store->pack;
    store->kept.next = store->next;
    store->kept.pack = pack->file.number;
    store->kept.end = pack->file.written + pack->held;
    store->kept.unflushed = unflushed->pack || unflushed->whole_count > 0;
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
        blob_flush_forget(store);
    store->kept.next = store->next;
    store->kept.pack = pack->file.number;
}
