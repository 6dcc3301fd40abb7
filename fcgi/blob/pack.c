#include "blob/store_internal.h"

#include "stream/digest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum fault blob_pack_write(struct blob_store *store, struct problem *why)
{
    struct blob_pack *pack = &store->pack;
    if (pack->held == 0)
        return FAULT_NONE;
    enum fault f = blob_room(store, pack->held, why);
    if (!f)
        f = blob_file_append(&pack->file, pack->buffer, pack->held, why);
    if (!f)
        pack->held = 0;
    return f;
}

/* A full pack waits for the flush like a large content. */
static enum fault pack_retire(struct blob_store *store, struct problem *why)
{
    const enum fault f = blob_pack_write(store, why);
    if (f)
        return f;
    blob_flush_later(store, store->pack.file.fd);
    store->pack.file = BLOB_FILE_NONE;
    store->unflushed.pack = false;
    return FAULT_NONE;
}

/* Whether the open pack still has its name: what went into one that somebody has removed would be
 * gone with the descriptor, however often it was flushed. */
static bool has_name(const struct blob_store *store)
{
    struct stat open_one = { 0 };
    struct stat named = { 0 };
    char name[BLOB_NAME_MAX];
    blob_name_number(store->pack.file.number, name);
    return fstat(store->pack.file.fd, &open_one) == 0 &&
           fstatat(store->folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

/* A pack with room for len bytes, in its file and in its buffer. */
static enum fault pack_ready(struct blob_store *store, size_t len, struct problem *why)
{
    struct blob_pack *pack = &store->pack;
    enum fault f = FAULT_NONE;
    if (!pack->buffer)
        pack->buffer = malloc(BLOB_PACK_BUFFER);
    if (!pack->buffer)
        return problem_internal(why, "out of memory for a pack's buffer");
    if (pack->file.fd >= 0 && !store->unflushed.pack && !has_name(store))
        blob_pack_abandon(store); /* looked at once a request */
    if (pack->file.fd >= 0 && pack->file.written + pack->held + len > BLOB_PACK_BYTES_MAX)
        f = pack_retire(store, why);
    if (!f && pack->file.fd < 0)
        f = blob_file_create(store, &pack->file, why);
    if (!f && len > BLOB_PACK_BUFFER - pack->held)
        f = blob_pack_write(store, why);
    return f;
}

enum fault blob_pack_append(struct blob_store *store, const void *bytes, size_t len,
                            struct blob_ref *out, struct problem *why)
{
    struct blob_pack *pack = &store->pack;
    const enum fault f = pack_ready(store, len, why);
    if (f)
        return f;
    *out = (struct blob_ref){ .file = blob_file_id(store->worker, pack->file.number),
                              .start = (int64_t)(pack->file.written + pack->held),
                              .bytes = (int64_t)len };
    digest_xxh3_of(bytes, len, out->digest);
    if (len > 0)
        memcpy(pack->buffer + pack->held, bytes, len);
    pack->held += len;
    store->unflushed.pack = true;
    return FAULT_NONE;
}

void blob_pack_abandon(struct blob_store *store)
{
    struct blob_pack *pack = &store->pack;
    if (pack->file.fd >= 0)
        (void)close(pack->file.fd);
    pack->file = BLOB_FILE_NONE;
    pack->held = 0;
    store->unflushed.pack = false;
}

void blob_pack_cut(struct blob_store *store, uint64_t end)
{
    struct blob_pack *pack = &store->pack;
    if (end >= pack->file.written) {
        pack->held = (size_t)(end - pack->file.written);
        return;
    }
    pack->held = 0;
    if (ftruncate(pack->file.fd, (off_t)end) != 0) {
        blob_pack_abandon(store);
        return;
    }
    pack->file.written = end;
    if (pack->file.pushed > end)
        pack->file.pushed = end;
}
