#include "stream/tar.h"

#include "base/limits.h"
#include "base/number.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* POSIX.1-2017 pax, "ustar Interchange Format". */
enum {
    BLOCK = 512,
    NAME_AT = 0,
    NAME_LEN = 100,
    SIZE_AT = 124,
    SIZE_LEN = 12,
    CHECKSUM_AT = 148,
    CHECKSUM_LEN = 8,
    KIND_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX_LEN = 155,
    BASE_256 = 0x80, /* GNU: the first byte of a number that is not octal text */
    NEGATIVE = 0x40,
    NAME_SHOWN = 80, /* bytes of a name that a fault's text repeats */
};

static const char ustar_magic[] = "ustar"; /* with its NUL; GNU writes "ustar  " instead */

enum state {
    STATE_HEADER,  /* gathering a header block */
    STATE_META,    /* the content of a pax header or a GNU name */
    STATE_BODY,    /* the content of an entry */
    STATE_PADDING, /* to the next block */
    STATE_ZEROS,   /* the archive has ended: zeros alone may follow */
};

struct tar {
    const struct tar_sink *sink;
    void *ctx;
    enum state state;
    uint64_t left;    /* of the content */
    unsigned padding; /* bytes behind it */
    bool in_entry;    /* entry_begin was called, entry_end not yet */
    size_t entries;
    bool has_path; /* what a pax or GNU header said of the next entry */
    bool has_size;
    uint64_t size;
    size_t path_len;
    char meta_kind;
    size_t meta_len;
    size_t block_len;
    unsigned char block[BLOCK];
    char path[TAR_NAME_MAX + 1];
    char meta[TAR_PAX_MAX + 1];
};

static enum fault malformed(struct problem *why, const char *what)
{
    return problem_set(why, FAULT_MALFORMED, "not a tar archive: %s", what);
}

enum fault tar_create(const struct tar_sink *sink, void *ctx, struct tar **out, struct problem *why)
{
    struct tar *parser = calloc(1, sizeof *parser);
    if (!parser)
        return problem_internal(why, "out of memory for a tar parser");
    parser->sink = sink;
    parser->ctx = ctx;
    *out = parser;
    return FAULT_NONE;
}

void tar_destroy(struct tar *parser)
{
    free(parser);
}

/* ---- fields ---- */

/* Octal text between spaces and NULs. */
static bool read_octal(const unsigned char *field, size_t len, uint64_t *out)
{
    const char *text = (const char *)field;
    size_t from = 0;
    while (from < len && text[from] == ' ')
        from++;
    size_t to = from;
    while (to < len && text[to] != ' ' && text[to] != '\0')
        to++;
    return number_octal(text + from, to - from, out);
}

static bool read_number(const unsigned char *field, size_t len, uint64_t *out)
{
    if (!(field[0] & BASE_256))
        return read_octal(field, len, out);
    uint64_t value = field[0] & (BASE_256 - 1);
    if (field[0] & NEGATIVE)
        return false;
    for (size_t i = 1; i < len; i++) {
        if (value > UINT64_MAX >> 8)
            return false;
        value = value << 8 | field[i];
    }
    *out = value;
    return true;
}

/* The sum counts its own field as spaces; old archives summed signed bytes. */
static bool checksum_matches(const unsigned char block[BLOCK])
{
    uint64_t told = 0;
    int64_t as_unsigned = 0;
    int64_t as_signed = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const bool own = i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_LEN;
        as_unsigned += own ? ' ' : block[i];
        as_signed += own ? ' ' : (signed char)block[i];
    }
    return read_octal(block + CHECKSUM_AT, CHECKSUM_LEN, &told) && told <= INT64_MAX &&
           ((int64_t)told == as_unsigned || (int64_t)told == as_signed);
}

static bool is_zero(const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* The header's own name: prefix and name of ustar, joined. */
static void read_name(struct tar *parser)
{
    const char *block = (const char *)parser->block;
    const size_t name_len = strnlen(block + NAME_AT, NAME_LEN);
    size_t prefix_len = 0;
    if (memcmp(block + MAGIC_AT, ustar_magic, sizeof ustar_magic) == 0)
        prefix_len = strnlen(block + PREFIX_AT, PREFIX_LEN);
    size_t len = 0;
    if (prefix_len > 0) {
        memcpy(parser->path, block + PREFIX_AT, prefix_len);
        parser->path[prefix_len] = '/';
        len = prefix_len + 1;
    }
    memcpy(parser->path + len, block + NAME_AT, name_len);
    parser->path_len = len + name_len;
    parser->path[parser->path_len] = '\0';
}

/* ---- pax and GNU headers ---- */

static enum fault set_path(struct tar *parser, const char *path, size_t len, struct problem *why)
{
    if (len == 0 || len > TAR_NAME_MAX || memchr(path, '\0', len))
        return problem_set(why, FAULT_MALFORMED,
                           "the name of a tar entry is empty, longer than %d bytes, or holds a NUL",
                           TAR_NAME_MAX);
    memcpy(parser->path, path, len);
    parser->path[len] = '\0';
    parser->path_len = len;
    parser->has_path = true;
    return FAULT_NONE;
}

static enum fault pax_record(struct tar *parser, const char *key, size_t key_len, const char *value,
                             size_t len, struct problem *why)
{
    static const char path[] = "path";
    static const char size[] = "size";
    if (key_len == sizeof path - 1 && memcmp(key, path, key_len) == 0)
        return set_path(parser, value, len, why);
    if (key_len != sizeof size - 1 || memcmp(key, size, key_len) != 0)
        return FAULT_NONE;
    parser->has_size = number_u64(value, len, &parser->size);
    return parser->has_size ? FAULT_NONE : malformed(why, "a pax size is no number");
}

/* "LENGTH key=value\n", the length counting all of it. */
static enum fault read_pax(struct tar *parser, struct problem *why)
{
    const char *at = parser->meta;
    const char *end = at + parser->meta_len;
    while (at < end) {
        uint64_t len = 0;
        const char *space = memchr(at, ' ', (size_t)(end - at));
        if (!space || !number_u64(at, (size_t)(space - at), &len) || len > (size_t)(end - at) ||
            len < (size_t)(space - at) + 2 || at[len - 1] != '\n')
            return malformed(why, "a pax record does not parse");
        const char *key = space + 1;
        const char *last = at + len - 1;
        const char *equals = memchr(key, '=', (size_t)(last - key));
        if (!equals || equals == key)
            return malformed(why, "a pax record has no key");
        const enum fault f = pax_record(parser, key, (size_t)(equals - key), equals + 1,
                                        (size_t)(last - equals - 1), why);
        if (f)
            return f;
        at += len;
    }
    return FAULT_NONE;
}

static enum fault meta_end(struct tar *parser, struct problem *why)
{
    if (parser->meta_kind == 'x')
        return read_pax(parser, why);
    if (parser->meta_kind == 'L')
        return set_path(parser, parser->meta, strnlen(parser->meta, parser->meta_len), why);
    return FAULT_NONE; /* global pax records and long link names change nothing here */
}

/* ---- entries ---- */

static enum fault content_end(struct tar *parser, struct problem *why)
{
    enum fault f = FAULT_NONE;
    if (parser->state == STATE_META) {
        f = meta_end(parser, why);
    } else if (parser->in_entry) {
        parser->in_entry = false;
        f = parser->sink->entry_end(parser->ctx, why);
    }
    parser->state = parser->padding > 0 ? STATE_PADDING : STATE_HEADER;
    return f;
}

static enum fault content_begin(struct tar *parser, enum state state, uint64_t size,
                                struct problem *why)
{
    parser->state = state;
    parser->left = size;
    parser->padding = (unsigned)(-size & (BLOCK - 1));
    return size == 0 ? content_end(parser, why) : FAULT_NONE;
}

static enum tar_kind kind_of(const struct tar *parser, char type)
{
    const bool file = type == '0' || type == '\0' || type == '7';
    if (type == '5' || (file && parser->path_len > 0 && parser->path[parser->path_len - 1] == '/'))
        return TAR_FOLDER;
    return file ? TAR_FILE : TAR_OTHER;
}

static enum fault entry_begin(struct tar *parser, char type, uint64_t size, struct problem *why)
{
    if (!parser->has_path)
        read_name(parser);
    if (parser->path_len == 0)
        return malformed(why, "an entry has no name");
    if (++parser->entries > TAR_ENTRIES_MAX)
        return problem_set(why, FAULT_TOO_LARGE, "the tar archive has more than %d entries",
                           TAR_ENTRIES_MAX);
    const struct tar_head head = { .name = parser->path,
                                   .name_len = parser->path_len,
                                   .kind = kind_of(parser, type),
                                   .bytes = parser->has_size ? parser->size : size };
    parser->has_path = parser->has_size = false;
    if (head.bytes > INT64_MAX || (head.kind != TAR_FILE && head.bytes > 0))
        return problem_set(why, FAULT_MALFORMED, "the tar entry %.*s has an impossible size",
                           NAME_SHOWN, parser->path);
    parser->in_entry = true;
    const enum fault f = parser->sink->entry_begin(parser->ctx, &head, why);
    return f ? f : content_begin(parser, STATE_BODY, head.bytes, why);
}

static enum fault meta_begin(struct tar *parser, char type, uint64_t size, struct problem *why)
{
    if (size > TAR_PAX_MAX)
        return problem_set(why, FAULT_MALFORMED, "a tar header is longer than %d bytes",
                           TAR_PAX_MAX);
    parser->meta_kind = type;
    parser->meta_len = 0;
    return content_begin(parser, STATE_META, size, why);
}

static enum fault read_header(struct tar *parser, struct problem *why)
{
    uint64_t size = 0;
    const char type = (char)parser->block[KIND_AT];
    if (is_zero(parser->block, BLOCK)) {
        if (parser->has_path || parser->has_size)
            return malformed(why, "a pax header without its entry");
        parser->state = STATE_ZEROS;
        return FAULT_NONE;
    }
    if (!checksum_matches(parser->block))
        return malformed(why, "a header's checksum does not match");
    if (!read_number(parser->block + SIZE_AT, SIZE_LEN, &size))
        return malformed(why, "a header's size is no number");
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K')
        return meta_begin(parser, type, size, why);
    return entry_begin(parser, type, size, why);
}

static enum fault feed_header(struct tar *parser, const unsigned char **at, size_t len,
                              struct problem *why)
{
    const size_t room = BLOCK - parser->block_len;
    const size_t step = len < room ? len : room;
    memcpy(parser->block + parser->block_len, *at, step);
    parser->block_len += step;
    *at += step;
    if (parser->block_len < BLOCK)
        return FAULT_NONE;
    parser->block_len = 0;
    return read_header(parser, why);
}

static enum fault feed_content(struct tar *parser, const unsigned char **at, size_t len,
                               struct problem *why)
{
    const size_t step = len < parser->left ? len : (size_t)parser->left;
    enum fault f = FAULT_NONE;
    if (parser->state == STATE_META) {
        memcpy(parser->meta + parser->meta_len, *at, step);
        parser->meta_len += step;
    } else {
        f = parser->sink->entry_body(parser->ctx, *at, step, why);
    }
    *at += step;
    parser->left -= step;
    return !f && parser->left == 0 ? content_end(parser, why) : f;
}

static void feed_padding(struct tar *parser, const unsigned char **at, size_t len)
{
    const unsigned step = len < parser->padding ? (unsigned)len : parser->padding;
    *at += step;
    parser->padding -= step;
    if (parser->padding == 0)
        parser->state = STATE_HEADER;
}

enum fault tar_feed(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct tar *parser = ctx;
    const unsigned char *at = bytes;
    const unsigned char *end = at + len;
    enum fault f = FAULT_NONE;
    while (!f && at < end) {
        const size_t left = (size_t)(end - at);
        switch (parser->state) {
        case STATE_HEADER:
            f = feed_header(parser, &at, left, why);
            break;
        case STATE_META:
        case STATE_BODY:
            f = feed_content(parser, &at, left, why);
            break;
        case STATE_PADDING:
            feed_padding(parser, &at, left);
            break;
        case STATE_ZEROS:
            return is_zero(at, left) ? FAULT_NONE : malformed(why, "bytes follow its end");
        }
    }
    return f;
}

enum fault tar_end(struct tar *parser, struct problem *why)
{
    const bool between = parser->state == STATE_HEADER && parser->block_len == 0 &&
                         !parser->has_path && !parser->has_size;
    return between || parser->state == STATE_ZEROS ? FAULT_NONE : malformed(why, "it ends early");
}
