#include "pinot/batch.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"
#include "pinot/archive_decoder.h"
#include "pinot/creation_meta.h"
#include "pinot/mapping.h"
#include "pinot/names.h"
#include "pinot/segment_metadata.h"
#include "stream/tar.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 64, /* segments; doubles up to the limit */
    HAS_CREATION = 1 << 0,
    HAS_METADATA = 1 << 1,
    IS_MAPPED = 1 << 2,
};

enum entry_kind { ENTRY_OTHER, ENTRY_CREATION, ENTRY_METADATA, ENTRY_MAPPING };

/* What is known of a segment beside what is stored. */
struct mark {
    uint32_t place; /* in the mapping */
    unsigned has;
};

struct batch {
    struct archive_decoder decoder;
    struct tar *tar;
    struct arena *texts;
    bool own_fault; /* the fault is about a file inside, not about the archive */

    struct pinot_segment *segments;
    struct mark *marks; /* parallel to segments */
    size_t count;
    size_t room;
    uint32_t *slots; /* open addressing by name: index + 1, 0 is free; twice as many as room */
    uint64_t seed;

    /* the entry in hand */
    enum entry_kind kind;
    size_t at; /* its segment */
    struct text file;
    struct segment_metadata metadata;
    struct mapping mapping;
    bool mapping_seen;
    uint32_t mapped;
};

/* ---- segments by name ---- */

static size_t slot_of(const struct batch *b, const char *name)
{
    /* FNV-1a, seeded */
    static const uint64_t prime = 1099511628211U;
    uint64_t hash = b->seed ^ 14695981039346656037U;
    for (const char *at = name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * prime;
    const size_t mask = 2 * b->room - 1;
    size_t slot = (size_t)(hash ^ hash >> 32) & mask;
    while (b->slots[slot] != 0 && strcmp(b->segments[b->slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) & mask;
    return slot;
}

static enum fault out_of_memory(struct problem *why)
{
    return problem_internal(why, "out of memory");
}

/* Doubles the tables. */
static enum fault grow(struct batch *b, struct problem *why)
{
    const size_t room = b->room == 0 ? FIRST_ROOM : 2 * b->room;
    struct pinot_segment *segments = realloc(b->segments, room * sizeof *segments);
    if (segments)
        b->segments = segments;
    struct mark *marks = realloc(b->marks, room * sizeof *marks);
    if (marks)
        b->marks = marks;
    uint32_t *slots = calloc(2 * room, sizeof *slots);
    if (!segments || !marks || !slots) {
        free(slots);
        return out_of_memory(why);
    }
    free(b->slots);
    b->slots = slots;
    b->room = room;
    for (size_t i = 0; i < b->count; i++)
        b->slots[slot_of(b, b->segments[i].name)] = (uint32_t)(i + 1);
    return FAULT_NONE;
}

static enum fault keep_text(struct batch *b, const char *text, const char **out,
                            struct problem *why)
{
    *out = arena_strdup(b->texts, text, strlen(text));
    return *out ? FAULT_NONE
                : problem_set(why, FAULT_TOO_LARGE,
                              "the batch has too many segments: push it in several");
}

/* The index of a segment, which is added when it is new. */
static enum fault segment_at(struct batch *b, const char *name, size_t *at, struct problem *why)
{
    enum fault f = segment_name_check(name, why);
    if (!f && b->count == b->room)
        f = grow(b, why);
    if (f)
        return f;
    const size_t slot = slot_of(b, name);
    if (b->slots[slot] != 0) {
        *at = b->slots[slot] - 1;
        return FAULT_NONE;
    }
    if (b->count == PINOT_BATCH_SEGMENTS_MAX) {
        return problem_set(why, FAULT_TOO_LARGE,
                           "the batch has more than %d segments: push it in several",
                           PINOT_BATCH_SEGMENTS_MAX);
    }
    struct pinot_segment *segment = &b->segments[b->count];
    *segment = (struct pinot_segment){ .data_crc = -1, .bytes = -1 };
    f = keep_text(b, name, &segment->name, why);
    if (f)
        return f;
    b->marks[b->count] = (struct mark){ 0 };
    *at = b->count;
    b->count++;
    b->slots[slot] = (uint32_t)b->count;
    return FAULT_NONE;
}

/* ---- the mapping ---- */

static enum fault map_segment(void *ctx, const char *segment, const char *uri, struct problem *why)
{
    struct batch *b = ctx;
    size_t at = 0;
    enum fault f = segment_at(b, segment, &at, why);
    if (!f)
        f = mapping_uri_check(uri, segment, why);
    if (f)
        return f;
    if (b->marks[at].has & IS_MAPPED)
        return problem_set(why, FAULT_MALFORMED,
                           "all_segments_metadata names segment: %s more than once", segment);
    b->marks[at].has |= IS_MAPPED;
    b->marks[at].place = b->mapped;
    b->mapped++;
    return keep_text(b, uri, &b->segments[at].url, why);
}

/* ---- the files of a segment ---- */

static enum fault end_creation(struct batch *b, struct problem *why)
{
    struct creation_meta meta = { 0 };
    struct pinot_segment *segment = &b->segments[b->at];
    const enum fault f =
        creation_meta_parse(text_string(&b->file), b->file.len, segment->name, &meta, why);
    segment->crc = meta.crc;
    segment->created_at = meta.created_at;
    segment->data_crc = meta.data_crc;
    return f;
}

static enum fault keep_optional(struct batch *b, const char *text, const char **out,
                                struct problem *why)
{
    *out = NULL;
    return text[0] == '\0' ? FAULT_NONE : keep_text(b, text, out, why);
}

static enum fault end_metadata(struct batch *b, struct problem *why)
{
    const struct segment_metadata *m = &b->metadata;
    struct pinot_segment *segment = &b->segments[b->at];
    enum fault f = segment_metadata_parse(text_string(&b->file), b->file.len, segment->name,
                                          &b->metadata, why);
    if (!f && strcmp(m->name, segment->name) != 0) {
        f = problem_set(why, FAULT_MALFORMED,
                        "the files of segment: %s have segment.name = %s inside", segment->name,
                        m->name);
    }
    if (!f)
        f = keep_optional(b, m->start_raw, &segment->start_raw, why);
    if (!f)
        f = keep_optional(b, m->end_raw, &segment->end_raw, why);
    if (!f)
        f = keep_optional(b, text_string(&m->custom), &segment->custom, why);
    if (!f)
        f = keep_optional(b, text_string(&m->partitions), &segment->partitions, why);
    segment->docs = (int32_t)m->docs;
    segment->index_version = (int8_t)m->index_version;
    segment->has_interval = m->has_interval;
    segment->start_at = m->start_at;
    segment->end_at = m->end_at;
    return f;
}

/* ---- tar ---- */

/* Nothing is ever unpacked, but a name that tries to climb out is not an honest one. */
static bool climbs(const char *name)
{
    if (name[0] == '/')
        return true;
    for (const char *at = name; at; at = strchr(at, '/')) {
        if (*at == '/')
            at++;
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

/* Whether name is "<segment><suffix>"; the segment goes to out. */
static bool ends_with(const char *name, const char *suffix, char out[TAR_NAME_MAX + 1])
{
    const size_t len = strlen(name);
    const size_t suffix_len = strlen(suffix);
    if (len <= suffix_len || len > TAR_NAME_MAX || strcmp(name + len - suffix_len, suffix) != 0)
        return false;
    memcpy(out, name, len - suffix_len);
    out[len - suffix_len] = '\0';
    return true;
}

static enum fault begin_file(struct batch *b, unsigned which, const char *segment,
                             struct problem *why)
{
    const enum fault f = segment_at(b, segment, &b->at, why);
    if (f)
        return f;
    if (b->marks[b->at].has & which)
        return problem_set(why, FAULT_MALFORMED, "the archive has a file of segment: %s twice",
                           segment);
    b->marks[b->at].has |= which;
    return FAULT_NONE;
}

static enum fault begin_mapping(struct batch *b, struct problem *why)
{
    if (b->mapping_seen)
        return problem_set(why, FAULT_MALFORMED, "the archive has all_segments_metadata twice");
    b->mapping_seen = true;
    return FAULT_NONE;
}

static enum fault entry_begin_known(struct batch *b, const struct tar_head *head,
                                    struct problem *why)
{
    const char *slash = strrchr(head->name, '/');
    const char *name = slash ? slash + 1 : head->name;
    char segment[TAR_NAME_MAX + 1];
    text_clear(&b->file);
    b->kind = ENTRY_OTHER;
    if (climbs(head->name)) {
        return problem_set(why, FAULT_MALFORMED,
                           "the archive has an entry with '..' or '/' at its "
                           "start: %.64s",
                           head->name);
    }
    if (head->kind == TAR_OTHER) {
        return problem_set(why, FAULT_MALFORMED,
                           "the archive has an entry that is neither file nor folder: %.64s",
                           head->name);
    }
    if (head->kind == TAR_FOLDER)
        return FAULT_NONE;
    if (text_same(name, "all_segments_metadata")) {
        b->kind = ENTRY_MAPPING;
        return begin_mapping(b, why);
    }
    if (ends_with(name, ".creation.meta", segment)) {
        b->kind = ENTRY_CREATION;
        return begin_file(b, HAS_CREATION, segment, why);
    }
    if (ends_with(name, ".metadata.properties", segment)) {
        b->kind = ENTRY_METADATA;
        return begin_file(b, HAS_METADATA, segment, why);
    }
    return FAULT_NONE;
}

static enum fault entry_begin(void *ctx, const struct tar_head *head, struct problem *why)
{
    struct batch *b = ctx;
    const enum fault f = entry_begin_known(b, head, why);
    b->own_fault = f != FAULT_NONE;
    return f;
}

static enum fault entry_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct batch *b = ctx;
    enum fault f = FAULT_NONE;
    if (b->kind == ENTRY_MAPPING)
        f = mapping_feed(&b->mapping, bytes, len, why);
    else if (b->kind != ENTRY_OTHER)
        text_add(&b->file, bytes, len);
    if (text_failed(&b->file))
        f = problem_set(why, FAULT_TOO_LARGE, "a file of segment: %s has more than %d bytes",
                        b->segments[b->at].name, PINOT_PROPERTIES_MAX);
    b->own_fault = f != FAULT_NONE;
    return f;
}

static enum fault entry_end(void *ctx, struct problem *why)
{
    struct batch *b = ctx;
    enum fault f = FAULT_NONE;
    switch (b->kind) {
    case ENTRY_OTHER:
        break;
    case ENTRY_CREATION:
        f = end_creation(b, why);
        break;
    case ENTRY_METADATA:
        f = end_metadata(b, why);
        break;
    case ENTRY_MAPPING:
        f = mapping_end(&b->mapping, why);
        break;
    }
    b->own_fault = f != FAULT_NONE;
    b->kind = ENTRY_OTHER;
    return f;
}

/* ---- the whole ---- */

enum fault batch_create(uint64_t decoded_max, uint64_t seed, struct batch **out,
                        struct problem *why)
{
    static const struct tar_sink sink = { entry_begin, entry_body, entry_end };
    struct batch *b = calloc(1, sizeof *b);
    if (!b)
        return out_of_memory(why);
    b->seed = seed;
    text_init(&b->file, PINOT_PROPERTIES_MAX);
    segment_metadata_init(&b->metadata);
    mapping_init(&b->mapping, map_segment, b);
    b->texts = arena_create(PINOT_BATCH_BYTES_MAX);
    enum fault f = b->texts ? FAULT_NONE : out_of_memory(why);
    if (!f)
        f = tar_create(&sink, b, &b->tar, why);
    archive_decoder_init(&b->decoder, decoded_max, tar_feed, b->tar);
    if (f)
        batch_destroy(b);
    else
        *out = b;
    return f;
}

void batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    archive_decoder_release(&batch->decoder);
    tar_destroy(batch->tar);
    arena_destroy(batch->texts);
    mapping_release(&batch->mapping);
    segment_metadata_release(&batch->metadata);
    text_release(&batch->file);
    free(batch->segments);
    free(batch->marks);
    free(batch->slots);
    free(batch);
}

/* A fault of the archive itself gets Pinot's text, with the cause behind it. */
static enum fault explain(const struct batch *b, enum fault f, struct problem *why)
{
    const bool archive = f == FAULT_MALFORMED || f == FAULT_UNPROCESSABLE;
    if (!archive || b->own_fault)
        return f;
    const struct problem cause = *why;
    *why = PROBLEM_NONE;
    return problem_set(why, FAULT_MALFORMED, "Failed to unzip the segment metadata files. %.512s",
                       cause.text);
}

enum fault batch_feed(void *batch, const void *bytes, size_t len, struct problem *why)
{
    struct batch *b = batch;
    return explain(b, archive_decoder_feed(&b->decoder, bytes, len, why), why);
}

static enum fault check_complete(const struct batch *b, struct problem *why)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!(b->marks[i].has & IS_MAPPED)) {
            return problem_set(why, FAULT_MALFORMED,
                               "'DOWNLOAD_URI' is required as a field within the multipart object "
                               "for METADATA batch upload mode.");
        }
    }
    for (size_t i = 0; i < b->count; i++) {
        const unsigned has = b->marks[i].has;
        if ((has & HAS_CREATION) && (has & HAS_METADATA))
            continue;
        return problem_set(why, FAULT_MALFORMED, "the archive has no %s of segment: %s",
                           has & HAS_CREATION ? "metadata.properties" : "creation.meta",
                           b->segments[i].name);
    }
    return FAULT_NONE;
}

/* Places are a permutation once everything is mapped: each swap puts one segment where it belongs. */
static void sort_by_place(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        while (b->marks[i].place != i) {
            const size_t to = b->marks[i].place;
            const struct pinot_segment segment = b->segments[to];
            const struct mark mark = b->marks[to];
            b->segments[to] = b->segments[i];
            b->marks[to] = b->marks[i];
            b->segments[i] = segment;
            b->marks[i] = mark;
        }
    }
}

enum fault batch_end(struct batch *batch, struct pinot_segment **segments, size_t *count,
                     struct problem *why)
{
    enum fault f = archive_decoder_end(&batch->decoder, why);
    if (!f)
        f = tar_end(batch->tar, why);
    f = explain(batch, f, why);
    if (!f)
        f = check_complete(batch, why);
    if (f)
        return f;
    sort_by_place(batch);
    text_release(&batch->file); /* a push needs the memory for the pages that it changes */
    *segments = batch->segments;
    *count = batch->count;
    return FAULT_NONE;
}
