#include "pinot/copy.h"

#include "blob/blob.h"
#include "pinot/names.h"
#include "pinot/segment_archive.h"
#include "pinot/segment_url.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum fault copy_check(const struct deep_store *store, const struct pinot_segment *segments,
                      size_t count, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < count && !f; i++) {
        int fd = -1;
        int64_t bytes = 0;
        f = deep_store_open(store, segments[i].url, &fd, &bytes, why);
        if (!f)
            (void)close(fd);
    }
    return f;
}

/* One copy under way. */
struct copy {
    int fd;
    int64_t bytes; /* that the file had when it was opened */
    struct blob_writer *writer;
    struct segment_archive *archive;
};

enum fault copy_stream(int fd, int64_t bytes, struct segment_archive *archive,
                       struct blob_writer *writer, const char *what, struct problem *why)
{
    unsigned char chunk[IO_CHUNK];
    int64_t done = 0;
    enum fault f = FAULT_NONE;
    for (;;) {
        const ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return problem_errno(why, errno, "read of a segment to copy");
        if (got == 0)
            break;
        done += got;
        f = blob_write(writer, chunk, (size_t)got, why);
        if (!f)
            f = segment_archive_feed(archive, chunk, (size_t)got, why);
        if (f)
            return f;
    }
    if (done == bytes)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "the file of segment: %.512s changed while it was copied: %" PRId64
                       " bytes became %" PRId64,
                       what, bytes, done);
}

bool copy_is_of_table(const char *own, const char *raw)
{
    struct problem ignored = PROBLEM_NONE;
    struct table_name name;
    const char *dot = strchr(raw, '.');
    if (table_name_parse(own, NULL, &name, &ignored))
        return false;
    return strcmp(name.raw, raw) == 0 || (dot && strcmp(name.raw, dot + 1) == 0);
}

/* What the file says of itself is not told: whoever names a file may not be who may read it. */
static enum fault copy_verify(struct copy *copy, const struct deep_store *store,
                              const struct pinot_segment *segment, struct problem *why)
{
    struct creation_meta creation = { 0 };
    const struct segment_metadata *metadata = NULL;
    struct problem unsaid = PROBLEM_NONE;
    const enum fault f = segment_archive_end(copy->archive, &creation, &metadata, &unsaid);
    const bool readable = f == FAULT_NONE;
    if (f && f != FAULT_MALFORMED) {
        *why = unsaid;
        return f;
    }
    if (!readable || !copy_is_of_table(metadata->table, store->table) ||
        strcmp(metadata->name, segment->name) != 0) {
        return problem_set(why, FAULT_MALFORMED,
                           "the file of segment: %s is not that segment of table: %s",
                           segment->name, store->table);
    }
    if (creation.crc == segment->crc)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "the file of segment: %s has another CRC than the push says", segment->name);
}

static enum fault copy_one(struct exchange *x, const struct deep_store *store,
                           struct pinot_segment *segment, struct blob_ref *ref, struct problem *why)
{
    struct copy copy = { .fd = -1 };
    enum fault f = deep_store_open(store, segment->url, &copy.fd, &copy.bytes, why);
    if (f)
        goto out;
    f = segment_archive_create((uint64_t)x->config->batch_decoded_max, &copy.archive, why);
    if (f)
        goto out;
    f = blob_begin(x->blobs, (uint64_t)copy.bytes, &copy.writer, why);
    if (f)
        goto out;
    f = copy_stream(copy.fd, copy.bytes, copy.archive, copy.writer, segment->name, why);
    if (f)
        goto out;
    f = copy_verify(&copy, store, segment, why);
    if (f)
        goto out;
    f = blob_seal(copy.writer, ref, why);
    copy.writer = NULL;
out:
    blob_discard(copy.writer);
    segment_archive_destroy(copy.archive);
    if (copy.fd >= 0)
        (void)close(copy.fd);
    return f;
}

enum fault copy_segments(struct exchange *x, const struct deep_store *store,
                         struct pinot_segment *segments, size_t count, struct problem *why)
{
    for (size_t i = 0; i < count; i++) {
        struct blob_ref *ref = arena_alloc(x->arena, sizeof *ref);
        const char *url = segment_url(x, store->table, segments[i].name);
        if (!ref || !url)
            return problem_set(why, FAULT_TOO_LARGE,
                               "the batch has too many segments to copy: push it in several");
        const enum fault f = copy_one(x, store, &segments[i], ref, why);
        if (f)
            return f;
        segments[i].blob = ref;
        segments[i].bytes = ref->bytes;
        segments[i].url = url;
    }
    return FAULT_NONE;
}
