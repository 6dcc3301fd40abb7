#include "stream/tar.h"

#include "base/limits.h"
#include "stream/tar_header.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_NAME_MAX = 256 }; /* bytes of a name in a fault's text with the NUL */

enum state {
    AT_HEADER,
    IN_CONTENT,     /* of an entry */
    IN_DESCRIPTION, /* of the next entry: pax records or a GNU long name */
    IN_PADDING,     /* up to the next block */
    IN_ZEROS,       /* behind the archive's end */
};

struct tar {
    struct tar_sink sink;
    void *ctx;
    enum state state;
    size_t entries;
    uint64_t left;  /* bytes of the content or description that are still to come */
    size_t padding; /* bytes behind it up to the next block */

    /* What descriptions have said of the next entry. */
    bool described;
    bool named;
    bool sized;
    uint64_t size;

    size_t name_len;
    char name[TAR_NAME_MAX + 1];
    size_t block_len;
    uint8_t block[TAR_BLOCK];
    enum tar_role role; /* of the description being read */
    size_t description_len;
    char description[TAR_PAX_MAX];
};

/* What is left of a feed. */
struct input {
    const uint8_t *bytes;
    size_t len;
};

/* The next bytes of the input, at most max; moves behind them. */
static const uint8_t *take(struct input *in, uint64_t max, size_t *len)
{
    const uint8_t *bytes = in->bytes;
    *len = in->len < max ? in->len : (size_t)max;
    in->bytes += *len;
    in->len -= *len;
    return bytes;
}

static enum fault bad_archive(struct problem *why, const char *what)
{
    return problem_set(why, FAULT_MALFORMED, "tar archive: %s", what);
}

/* Names are the client's bytes, so a text shows the printable ones alone. */
static enum fault bad_entry(const struct tar *tar, struct problem *why, const char *what)
{
    char shown[SHOWN_NAME_MAX];
    size_t len = 0;
    for (; len + 1 < sizeof shown && len < tar->name_len; len++) {
        shown[len] = tar->name[len];
        if (shown[len] < ' ' || shown[len] > '~')
            shown[len] = '?';
    }
    shown[len] = '\0';
    return problem_set(why, FAULT_MALFORMED, "tar entry %s: %s", shown, what);
}

static enum fault keep_name(struct tar *tar, const char *name, size_t len, struct problem *why)
{
    if (len == 0 || len > TAR_NAME_MAX || memchr(name, '\0', len))
        return bad_archive(why, "name is empty, too long or has a NUL inside");
    memcpy(tar->name, name, len);
    tar->name[len] = '\0';
    tar->name_len = len;
    return FAULT_NONE;
}

/* pax and GNU may not both name an entry: readers disagree about which of them wins. */
static enum fault describe_name(struct tar *tar, const char *name, size_t len, struct problem *why)
{
    if (tar->named)
        return bad_archive(why, "an entry is named twice");
    tar->named = true;
    return keep_name(tar, name, len, why);
}

static enum fault describe_by_pax(struct tar *tar, struct problem *why)
{
    struct tar_pax pax;
    enum fault f = tar_pax_parse(tar->description, tar->description_len, &pax, why);
    if (!f && pax.path)
        f = describe_name(tar, pax.path, pax.path_len, why);
    if (!f && pax.has_size && tar->sized)
        f = bad_archive(why, "an entry has two sizes");
    if (!f && pax.has_size) {
        tar->sized = true;
        tar->size = pax.size;
    }
    return f;
}

/* A size or name for every entry that follows makes no sense; where one stands, readers disagree
 * about where entries begin. */
static enum fault check_global(const struct tar *tar, struct problem *why)
{
    struct tar_pax pax;
    const enum fault f = tar_pax_parse(tar->description, tar->description_len, &pax, why);
    if (!f && (pax.path || pax.has_size))
        return bad_archive(why, "a global header names or sizes entries");
    return f;
}

/* The name ends with NULs, which the size counts. */
static enum fault describe_by_long_name(struct tar *tar, struct problem *why)
{
    size_t len = tar->description_len;
    while (len > 0 && tar->description[len - 1] == '\0')
        len--;
    return describe_name(tar, tar->description, len, why);
}

static enum fault description_read(struct tar *tar, struct problem *why)
{
    switch (tar->role) {
    case TAR_ROLE_PAX:
        return describe_by_pax(tar, why);
    case TAR_ROLE_LONG_NAME:
        return describe_by_long_name(tar, why);
    case TAR_ROLE_PAX_GLOBAL:
        return check_global(tar, why);
    case TAR_ROLE_LONG_LINK:
    case TAR_ROLE_FILE:
    case TAR_ROLE_FOLDER:
    case TAR_ROLE_OTHER:
        break;
    }
    return FAULT_NONE;
}

static void set_content(struct tar *tar, uint64_t bytes)
{
    tar->left = bytes;
    tar->padding = (size_t)((TAR_BLOCK - bytes % TAR_BLOCK) % TAR_BLOCK);
}

static enum fault begin_description(struct tar *tar, const struct tar_header *header,
                                    struct problem *why)
{
    if (header->bytes > sizeof tar->description)
        return bad_archive(why, "a name or pax header is too long");
    tar->described = tar->described || header->role != TAR_ROLE_PAX_GLOBAL;
    tar->role = header->role;
    tar->description_len = 0;
    set_content(tar, header->bytes);
    tar->state = IN_DESCRIPTION;
    return header->bytes > 0 ? FAULT_NONE : description_read(tar, why);
}

/* Before POSIX a folder was a file whose name ended with a slash. */
static enum tar_kind kind_of(const struct tar *tar, enum tar_role role)
{
    if (role == TAR_ROLE_FOLDER)
        return TAR_FOLDER;
    if (role != TAR_ROLE_FILE)
        return TAR_OTHER;
    return tar->name[tar->name_len - 1] == '/' ? TAR_FOLDER : TAR_FILE;
}

static enum fault begin_entry(struct tar *tar, const struct tar_header *header, struct problem *why)
{
    struct tar_head head = { .bytes = tar->sized ? tar->size : header->bytes };
    enum fault f = FAULT_NONE;
    if (!tar->named)
        f = keep_name(tar, header->name, header->name_len, why);
    if (f)
        return f;
    if (tar->entries == TAR_ENTRIES_MAX) {
        return problem_set(why, FAULT_TOO_LARGE, "tar archive has more than %d entries",
                           TAR_ENTRIES_MAX);
    }
    head.kind = kind_of(tar, header->role);
    if (head.kind != TAR_FILE && head.bytes > 0)
        return bad_entry(tar, why, "only files may have content");
    head.name = tar->name;
    head.name_len = tar->name_len;
    tar->entries++;
    tar->described = false;
    tar->named = false;
    tar->sized = false;
    set_content(tar, head.bytes);
    tar->state = IN_CONTENT;
    f = tar->sink.entry_begin(tar->ctx, &head, why);
    if (!f && head.bytes == 0)
        f = tar->sink.entry_end(tar->ctx, why);
    return f;
}

static enum fault header_read(struct tar *tar, struct problem *why)
{
    struct tar_header header;
    if (tar_header_is_zero(tar->block)) {
        if (tar->described)
            return bad_archive(why, "ends where an entry is described");
        tar->state = IN_ZEROS;
        return FAULT_NONE;
    }
    const enum fault f = tar_header_parse(tar->block, &header, why);
    if (f)
        return f;
    const bool entry = header.role == TAR_ROLE_FILE || header.role == TAR_ROLE_FOLDER ||
                       header.role == TAR_ROLE_OTHER;
    return entry ? begin_entry(tar, &header, why) : begin_description(tar, &header, why);
}

static enum fault feed_header(struct tar *tar, struct input *in, struct problem *why)
{
    size_t len = 0;
    const uint8_t *bytes = take(in, TAR_BLOCK - tar->block_len, &len);
    memcpy(tar->block + tar->block_len, bytes, len);
    tar->block_len += len;
    if (tar->block_len < TAR_BLOCK)
        return FAULT_NONE;
    tar->block_len = 0;
    return header_read(tar, why);
}

static enum fault feed_content(struct tar *tar, struct input *in, struct problem *why)
{
    size_t len = 0;
    const uint8_t *bytes = take(in, tar->left, &len);
    tar->left -= len;
    enum fault f = tar->sink.entry_body(tar->ctx, bytes, len, why);
    if (!f && tar->left == 0)
        f = tar->sink.entry_end(tar->ctx, why);
    return f;
}

static enum fault feed_description(struct tar *tar, struct input *in, struct problem *why)
{
    size_t len = 0;
    const uint8_t *bytes = take(in, tar->left, &len);
    memcpy(tar->description + tar->description_len, bytes, len);
    tar->description_len += len;
    tar->left -= len;
    return tar->left == 0 ? description_read(tar, why) : FAULT_NONE;
}

static enum fault feed_zeros(struct input *in, struct problem *why)
{
    size_t len = 0;
    const uint8_t *bytes = take(in, in->len, &len);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return bad_archive(why, "bytes after its end");
    }
    return FAULT_NONE;
}

/* Leaves what has been read to its end, without reading more. */
static void settle(struct tar *tar)
{
    const bool whole = tar->left == 0;
    if (whole && (tar->state == IN_CONTENT || tar->state == IN_DESCRIPTION))
        tar->state = IN_PADDING;
    if (tar->state == IN_PADDING && tar->padding == 0)
        tar->state = AT_HEADER;
}

enum fault tar_feed(void *tar, const void *bytes, size_t len, struct problem *why)
{
    struct tar *parser = tar;
    struct input in = { bytes, len };
    enum fault f = FAULT_NONE;
    while (!f && in.len > 0) {
        size_t skipped = 0;
        switch (parser->state) {
        case AT_HEADER:
            f = feed_header(parser, &in, why);
            break;
        case IN_CONTENT:
            f = feed_content(parser, &in, why);
            break;
        case IN_DESCRIPTION:
            f = feed_description(parser, &in, why);
            break;
        case IN_PADDING:
            (void)take(&in, parser->padding, &skipped);
            parser->padding -= skipped;
            break;
        case IN_ZEROS:
            f = feed_zeros(&in, why);
            break;
        }
        settle(parser);
    }
    return f;
}

enum fault tar_end(struct tar *tar, struct problem *why)
{
    if (tar->state == IN_ZEROS)
        return FAULT_NONE;
    if (tar->state == IN_CONTENT)
        return bad_entry(tar, why, "the archive ends inside it");
    if (tar->state != AT_HEADER || tar->block_len > 0 || tar->described)
        return bad_archive(why, "ends inside a header or before the end of an entry's last block");
    return FAULT_NONE;
}

enum fault tar_create(const struct tar_sink *sink, void *ctx, struct tar **out, struct problem *why)
{
    struct tar *tar = calloc(1, sizeof *tar);
    if (!tar)
        return problem_internal(why, "tar: out of memory");
    tar->sink = *sink;
    tar->ctx = ctx;
    *out = tar;
    return FAULT_NONE;
}

void tar_destroy(struct tar *tar)
{
    free(tar);
}
