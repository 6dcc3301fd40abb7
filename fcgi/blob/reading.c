/* Contents on their way out, compared with their digests. */
#include "blob/store_internal.h"

#include "stream/digest.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)BLOB_DIGEST_BYTES == (int)DIGEST_XXH3_BYTES, "a row's digest is an XXH3");

/* Whether all bytes of a content pass through here, and what they must hash to is known. */
static bool is_comparable(const struct blob_reading *reading)
{
    static const uint8_t unknown[BLOB_DIGEST_BYTES];
    return memcmp(reading->ref.digest, unknown, sizeof unknown) != 0 && reading->at == 0 &&
           reading->end == (uint64_t)reading->ref.bytes;
}

static bool is_packed(const struct blob_reading *reading)
{
    return reading->ref.bytes < BLOB_PACK_BELOW;
}

static enum fault compare(const struct blob_reading *reading, const uint8_t got[BLOB_DIGEST_BYTES],
                          struct problem *why)
{
    const struct blob_ref *ref = &reading->ref;
    char path[BLOB_NAME_MAX];
    if (memcmp(got, ref->digest, BLOB_DIGEST_BYTES) == 0)
        return FAULT_NONE;
    blob_name_path(ref->file, path);
    return problem_damaged(why, "blob file %s: %lld bytes from byte %lld have another digest", path,
                           (long long)ref->bytes, (long long)ref->start);
}

static enum fault prepare(struct blob_reading *reading, struct problem *why)
{
    struct blob_store *store = reading->store;
    if (!store->out.bytes)
        store->out.bytes = malloc(BLOB_PACK_BELOW);
    if (!store->out.digest)
        store->out.digest = digest_create(DIGEST_XXH3);
    if (!store->out.bytes || !store->out.digest)
        return problem_internal(why, "out of memory to read a content");
    digest_reset(store->out.digest);
    return FAULT_NONE;
}

enum fault blob_reading_begin(struct blob_reading *reading, struct blob_store *store,
                              const struct blob_ref *ref, uint64_t first, uint64_t count,
                              struct problem *why)
{
    *reading = (struct blob_reading){ .store = store, .ref = *ref, .at = first };
    enum fault f = blob_read_check(store, ref, why);
    if (!f && (first > (uint64_t)ref->bytes || count > (uint64_t)ref->bytes - first))
        f = problem_internal(why, "a part past the end of a content");
    if (!f)
        f = prepare(reading, why);
    reading->end = f ? first : first + count;
    reading->compares = !f && is_comparable(reading);
    return f;
}

/* Exactly len bytes from a place in the content. */
static enum fault read_whole(const struct blob_reading *reading, uint64_t at, size_t len,
                             struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t done = 0; done < len && !f;) {
        size_t got = 0;
        f = blob_read(reading->store, &reading->ref, at + done, reading->store->out.bytes + done,
                      len - done, &got, why);
        done += got;
    }
    return f;
}

/* A small content: all of it is compared before any of it goes out, also of a part. */
static enum fault next_of_packed(struct blob_reading *reading, const void **bytes, size_t *len,
                                 struct problem *why)
{
    const struct blob_ref *ref = &reading->ref;
    const unsigned char *held = reading->store->out.bytes;
    static const uint8_t unknown[BLOB_DIGEST_BYTES];
    uint8_t got[BLOB_DIGEST_BYTES];
    enum fault f = read_whole(reading, 0, (size_t)ref->bytes, why);
    if (!f && memcmp(ref->digest, unknown, sizeof unknown) != 0) {
        digest_xxh3_of(held, (size_t)ref->bytes, got);
        f = compare(reading, got, why);
    }
    if (f)
        return f;
    *bytes = held + reading->at;
    *len = (size_t)(reading->end - reading->at);
    reading->at = reading->end;
    return FAULT_NONE;
}

/* A large one: its last piece goes out only after all were compared. */
static enum fault next_of_large(struct blob_reading *reading, const void **bytes, size_t *len,
                                struct problem *why)
{
    struct digest *digest = reading->store->out.digest;
    const uint64_t left = reading->end - reading->at;
    const size_t want = left < BLOB_READ_PIECE ? (size_t)left : BLOB_READ_PIECE;
    uint8_t got[BLOB_DIGEST_BYTES];
    enum fault f = read_whole(reading, reading->at, want, why);
    if (!f && reading->compares)
        digest_add(digest, reading->store->out.bytes, want);
    if (!f && reading->compares && want == left) {
        digest_xxh3_bytes(digest, got);
        f = compare(reading, got, why);
    }
    if (f)
        return f;
    *bytes = reading->store->out.bytes;
    *len = want;
    reading->at += want;
    return FAULT_NONE;
}

enum fault blob_reading_next(struct blob_reading *reading, const void **bytes, size_t *len,
                             struct problem *why)
{
    *len = 0;
    if (reading->at == reading->end)
        return FAULT_NONE;
    return is_packed(reading) ? next_of_packed(reading, bytes, len, why)
                              : next_of_large(reading, bytes, len, why);
}

enum fault blob_verify(struct blob_store *store, const struct blob_ref *ref, struct problem *why)
{
    struct blob_reading reading;
    const void *bytes = NULL;
    size_t len = 1;
    enum fault f = blob_reading_begin(&reading, store, ref, 0, (uint64_t)ref->bytes, why);
    while (!f && len > 0)
        f = blob_reading_next(&reading, &bytes, &len, why);
    return f;
}

void blob_reading_release(struct blob_store *store)
{
    free(store->out.bytes);
    digest_destroy(store->out.digest);
}
