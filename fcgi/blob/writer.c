#include "blob/store_internal.h"

#include "stream/digest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fault blob_begin(struct blob_store *store, uint64_t bytes_max, struct blob_writer **out,
                      struct problem *why)
{
    struct blob_writer *writer = &store->writer;
    if (writer->state != BLOB_WRITER_IDLE)
        return problem_internal(why, "a content is begun while another one is open");
    const enum fault f = blob_take_folder(store, why);
    if (f)
        return f;
    if (!writer->stage)
        writer->stage = malloc(BLOB_PACK_BELOW);
    if (!writer->stage)
        return problem_internal(why, "out of memory for a content");
    *writer = (struct blob_writer){ .store = store,
                                    .state = BLOB_WRITER_OPEN,
                                    .stage = writer->stage,
                                    .digest = writer->digest,
                                    .own = BLOB_FILE_NONE,
                                    .bytes_max = bytes_max };
    *out = writer;
    return FAULT_NONE;
}

static enum fault own_create(struct blob_writer *writer, struct problem *why)
{
    if (!writer->digest)
        writer->digest = digest_create(DIGEST_XXH3);
    if (!writer->digest)
        return problem_internal(why, "out of memory for a content's digest");
    digest_reset(writer->digest);
    return blob_file_create(writer->store, &writer->own, why);
}

/* Moves the stage to the content's own file, which is made when it is missing. */
static enum fault stage_write(struct blob_writer *writer, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (writer->own.written % BLOB_PUSH_STEP == 0) /* a stage is a part of it */
        f = blob_room(writer->store, BLOB_PUSH_STEP, why);
    if (!f && writer->own.fd < 0)
        f = own_create(writer, why);
    if (!f)
        f = blob_file_append(&writer->own, writer->stage, writer->staged, why);
    if (f)
        return f;
    digest_add(writer->digest, writer->stage, writer->staged);
    writer->staged = 0;
    return FAULT_NONE;
}

static enum fault room_check(const struct blob_writer *writer, size_t len, struct problem *why)
{
    if (len <= writer->bytes_max - writer->bytes)
        return FAULT_NONE;
    return problem_set(why, FAULT_TOO_LARGE, "the content is larger than %llu bytes",
                       (unsigned long long)writer->bytes_max);
}

static enum fault take_bytes(struct blob_writer *writer, const unsigned char *bytes, size_t len,
                             struct problem *why)
{
    while (len > 0) {
        const size_t room = BLOB_PACK_BELOW - writer->staged;
        const size_t step = len < room ? len : room;
        memcpy(writer->stage + writer->staged, bytes, step);
        writer->staged += step;
        bytes += step;
        len -= step;
        if (writer->staged == BLOB_PACK_BELOW) {
            const enum fault f = stage_write(writer, why);
            if (f)
                return f;
        }
    }
    return FAULT_NONE;
}

enum fault blob_write(struct blob_writer *writer, const void *bytes, size_t len,
                      struct problem *why)
{
    if (writer->state != BLOB_WRITER_OPEN)
        return problem_internal(why, "a content is written that has failed or ended");
    enum fault f = room_check(writer, len, why);
    if (!f)
        f = take_bytes(writer, bytes, len, why);
    if (!f)
        writer->bytes += len;
    else
        writer->state = BLOB_WRITER_FAILED;
    return f;
}

/* A large content: what is staged follows, and its file is complete. */
static enum fault seal_own(struct blob_writer *writer, struct blob_ref *out, struct problem *why)
{
    struct blob_store *store = writer->store;
    const enum fault f = stage_write(writer, why);
    if (f)
        return f;
    *out = (struct blob_ref){ .file = blob_file_id(store->worker, writer->own.number),
                              .bytes = (int64_t)writer->bytes };
    digest_xxh3_bytes(writer->digest, out->digest);
    blob_flush_later(store, writer->own.fd);
    writer->own = BLOB_FILE_NONE;
    return FAULT_NONE;
}

enum fault blob_seal(struct blob_writer *writer, struct blob_ref *out, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (writer->state != BLOB_WRITER_OPEN)
        f = problem_internal(why, "a content is sealed that has failed or ended");
    else if (writer->own.fd >= 0)
        f = seal_own(writer, out, why);
    else
        f = blob_pack_append(writer->store, writer->stage, writer->staged, out, why);
    blob_discard(writer); /* after a success it holds no file */
    return f;
}

void blob_discard(struct blob_writer *writer)
{
    if (!writer || writer->state == BLOB_WRITER_IDLE)
        return;
    if (writer->own.fd >= 0) {
        char name[BLOB_NAME_MAX];
        blob_name_number(writer->own.number, name);
        (void)unlinkat(writer->store->folder, name, 0);
        (void)close(writer->own.fd);
    }
    writer->own = BLOB_FILE_NONE;
    writer->state = BLOB_WRITER_IDLE;
}
