#include "pinot/segment_archive.h"

#include "base/text.h"
#include "pinot/archive_decoder.h"
#include "pinot/names.h"
#include "stream/tar.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    CREATION_ROOM = 64
}; /* a little more than a good creation.meta, so that its length is told */

/* One of the two files: the bytes and whether they come from the folder v3. */
struct archived {
    struct text bytes;
    bool seen;
    bool newest;
};

struct segment_archive {
    struct archive_decoder decoder;
    struct tar *tar;
    struct archived creation;
    struct archived properties;
    struct archived *open; /* the file in hand; NULL between and in others */
    struct segment_metadata metadata;
};

static bool is_named(const char *name, const char *file, bool *newest)
{
    const char *slash = strrchr(name, '/');
    if (strcmp(slash ? slash + 1 : name, file) != 0)
        return false;
    *newest = slash && slash - name >= 2 && slash[-2] == 'v' && slash[-1] == '3' &&
              (slash - name == 2 || slash[-3] == '/');
    return true;
}

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    struct segment_archive *a = ctx;
    bool newest = false;
    a->open = NULL;
    if (head->kind == TAR_OTHER) {
        return problem_set(why, FAULT_MALFORMED,
                           "the archive has an entry that is neither file nor folder: %.64s",
                           head->name);
    }
    if (head->kind == TAR_FOLDER)
        return FAULT_NONE;
    if (is_named(head->name, "creation.meta", &newest))
        a->open = &a->creation;
    else if (is_named(head->name, "metadata.properties", &newest))
        a->open = &a->properties;
    if (!a->open)
        return FAULT_NONE;
    if (a->open->seen && a->open->newest == newest)
        return problem_set(why, FAULT_MALFORMED, "the archive has an entry twice: %.64s",
                           head->name);
    if (a->open->seen && a->open->newest)
        a->open = NULL;
    else
        *a->open = (struct archived){ a->open->bytes, true, newest };
    if (a->open)
        text_clear(&a->open->bytes);
    return FAULT_NONE;
}

static enum fault entry_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct segment_archive *a = ctx;
    if (!a->open)
        return FAULT_NONE;
    text_add(&a->open->bytes, bytes, len);
    if (!text_failed(&a->open->bytes))
        return FAULT_NONE;
    return problem_set(why, FAULT_TOO_LARGE,
                       "creation.meta or metadata.properties of the segment is too large");
}

static enum fault entry_end(void *ctx, struct problem *why)
{
    struct segment_archive *a = ctx;
    (void)why;
    a->open = NULL;
    return FAULT_NONE;
}

enum fault segment_archive_create(uint64_t decoded_max, struct segment_archive **out,
                                  struct problem *why)
{
    static const struct tar_sink sink = { entry_begin, entry_body, entry_end };
    struct segment_archive *a = calloc(1, sizeof *a);
    if (!a)
        return problem_internal(why, "out of memory");
    text_init(&a->creation.bytes, CREATION_ROOM);
    text_init(&a->properties.bytes, PINOT_PROPERTIES_MAX);
    segment_metadata_init(&a->metadata);
    enum fault f = tar_create(&sink, a, &a->tar, why);
    archive_decoder_init(&a->decoder, decoded_max, tar_feed, a->tar);
    if (f)
        segment_archive_destroy(a);
    else
        *out = a;
    return f;
}

void segment_archive_destroy(struct segment_archive *archive)
{
    if (!archive)
        return;
    archive_decoder_release(&archive->decoder);
    tar_destroy(archive->tar);
    segment_metadata_release(&archive->metadata);
    text_release(&archive->creation.bytes);
    text_release(&archive->properties.bytes);
    free(archive);
}

/* What is no gzip is malformed here, too: the client sent a file, not a coding. */
static enum fault explain(enum fault f, struct problem *why)
{
    if (f != FAULT_UNPROCESSABLE)
        return f;
    const struct problem cause = *why;
    *why = PROBLEM_NONE;
    return problem_set(why, FAULT_MALFORMED, "the segment is no compressed tar: %.512s",
                       cause.text);
}

enum fault segment_archive_feed(void *archive, const void *bytes, size_t len, struct problem *why)
{
    struct segment_archive *a = archive;
    return explain(archive_decoder_feed(&a->decoder, bytes, len, why), why);
}

enum fault segment_archive_end(struct segment_archive *archive, struct creation_meta *creation,
                               const struct segment_metadata **metadata, struct problem *why)
{
    static const char unnamed[] = "in the archive";
    const struct archived *c = &archive->creation;
    const struct archived *p = &archive->properties;
    enum fault f = explain(archive_decoder_end(&archive->decoder, why), why);
    if (!f)
        f = tar_end(archive->tar, why);
    if (!f && !(c->seen && p->seen))
        f = problem_set(why, FAULT_MALFORMED, "the archive has no %s",
                        c->seen ? "metadata.properties" : "creation.meta");
    if (!f)
        f = creation_meta_parse(text_string(&c->bytes), c->bytes.len, unnamed, creation, why);
    if (!f)
        f = segment_metadata_parse(text_string(&p->bytes), p->bytes.len, unnamed,
                                   &archive->metadata, why);
    if (!f)
        f = segment_name_check(archive->metadata.name, why);
    if (!f)
        *metadata = &archive->metadata;
    return f;
}
