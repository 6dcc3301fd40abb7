#include "stream/tar_header.h"

#include "base/number.h"

#include <string.h>

#define SPARSE_KEYS "GNU.sparse."

enum {
    BINARY_MARK = 0x80, /* first byte of a base-256 number that is not negative */
    VALUE_BYTES = 8,    /* bytes of a base-256 number that can be other than zero */
    BYTE_BITS = 8,
};

/* The block as it lies in the archive; all members are bytes, so there is no padding. */
struct block {
    uint8_t name[100];
    uint8_t mode[8];
    uint8_t uid[8];
    uint8_t gid[8];
    uint8_t size[12];
    uint8_t mtime[12];
    uint8_t checksum[8];
    uint8_t type;
    uint8_t link[100];
    uint8_t magic[6]; /* "ustar" and a NUL where the prefix is one; GNU has a space there */
    uint8_t version[2];
    uint8_t owner[32];
    uint8_t group[32];
    uint8_t device_major[8];
    uint8_t device_minor[8];
    uint8_t prefix[155];
    uint8_t rest[12];
};

_Static_assert(sizeof(struct block) == TAR_BLOCK, "a tar header is one block");

static enum fault bad_header(struct problem *why, const char *what)
{
    return problem_set(why, FAULT_MALFORMED, "tar header: %s", what);
}

bool tar_header_is_zero(const uint8_t block[TAR_BLOCK])
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* Octal digits with blanks before and blanks or NULs behind. */
static bool octal(const uint8_t *field, size_t len, uint64_t *out)
{
    size_t from = 0;
    while (from < len && field[from] == ' ')
        from++;
    size_t to = from;
    while (to < len && field[to] >= '0' && field[to] <= '7')
        to++;
    for (size_t i = to; i < len; i++) {
        if (field[i] != ' ' && field[i] != '\0')
            return false;
    }
    return number_octal((const char *)field + from, to - from, out);
}

/* Big-endian; all but the last bytes must be zero, as no size needs them. */
static bool base_256(const uint8_t *field, size_t len, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 1; i < len - VALUE_BYTES; i++) {
        if (field[i] != 0)
            return false;
    }
    for (size_t i = len - VALUE_BYTES; i < len; i++)
        value = value << BYTE_BITS | field[i];
    *out = value;
    return true;
}

static enum fault parse_size(const struct block *block, uint64_t *out, struct problem *why)
{
    const bool binary = block->size[0] == BINARY_MARK;
    const bool good = binary ? base_256(block->size, sizeof block->size, out)
                             : octal(block->size, sizeof block->size, out);
    if (!good || *out > INT64_MAX)
        return bad_header(why, "size is not a number from 0 to 2^63 - 1");
    return FAULT_NONE;
}

/* The sum of all bytes with blanks in the checksum's place. */
static bool checksum_matches(const struct block *block)
{
    const uint8_t *bytes = (const uint8_t *)block;
    uint64_t want = 0;
    int64_t sum = 0;
    int64_t signed_sum = 0;
    if (!octal(block->checksum, sizeof block->checksum, &want) || want > INT64_MAX)
        return false;
    for (size_t i = 0; i < sizeof *block; i++) {
        const bool own =
            i - offsetof(struct block, checksum) < sizeof block->checksum; /* wraps below */
        const uint8_t byte = own ? (uint8_t)' ' : bytes[i];
        sum += byte;
        signed_sum += (int8_t)byte;
    }
    return (int64_t)want == sum || (int64_t)want == signed_sum;
}

static enum tar_role role_of(uint8_t type)
{
    switch (type) {
    case '\0':
    case '0':
    case '7':
        return TAR_ROLE_FILE;
    case '5':
        return TAR_ROLE_FOLDER;
    case 'x':
        return TAR_ROLE_PAX;
    case 'g':
        return TAR_ROLE_PAX_GLOBAL;
    case 'L':
        return TAR_ROLE_LONG_NAME;
    case 'K':
        return TAR_ROLE_LONG_LINK;
    default:
        return TAR_ROLE_OTHER;
    }
}

/* Appends a field that ends at its first NUL or at its end. */
static void append(struct tar_header *out, const uint8_t *field, size_t max)
{
    const size_t len = strnlen((const char *)field, max);
    memcpy(out->name + out->name_len, field, len);
    out->name_len += len;
    out->name[out->name_len] = '\0';
}

static void join_name(const struct block *block, struct tar_header *out)
{
    static const uint8_t ustar[] = { 'u', 's', 't', 'a', 'r', '\0' };
    static const uint8_t slash = '/';
    const bool posix = memcmp(block->magic, ustar, sizeof ustar) == 0;
    out->name_len = 0;
    if (posix && block->prefix[0] != '\0') {
        append(out, block->prefix, sizeof block->prefix);
        append(out, &slash, 1);
    }
    append(out, block->name, sizeof block->name);
}

enum fault tar_header_parse(const uint8_t bytes[TAR_BLOCK], struct tar_header *out,
                            struct problem *why)
{
    const struct block *block = (const struct block *)(const void *)bytes;
    if (!checksum_matches(block))
        return bad_header(why, "wrong checksum");
    out->role = role_of(block->type);
    join_name(block, out);
    return parse_size(block, &out->bytes, why);
}

static bool key_is(const char *key, size_t len, const char *want)
{
    return len == strlen(want) && memcmp(key, want, len) == 0;
}

static enum fault bad_records(struct problem *why, const char *what)
{
    return problem_set(why, FAULT_MALFORMED, "pax header: %s", what);
}

/* One record's key and value, what they are and whether we may go on. */
static enum fault read_pair(const char *key, size_t key_len, const char *value, size_t len,
                            struct tar_pax *out, struct problem *why)
{
    const size_t sparse = strlen(SPARSE_KEYS);
    if (key_len >= sparse && memcmp(key, SPARSE_KEYS, sparse) == 0)
        return bad_records(why, "sparse files are not served");
    if (key_is(key, key_len, "path")) {
        if (out->path || len == 0)
            return bad_records(why, "path is empty or stands there twice");
        out->path = value;
        out->path_len = len;
    }
    if (key_is(key, key_len, "size")) {
        if (out->has_size || !number_u64(value, len, &out->size) || out->size > INT64_MAX)
            return bad_records(why, "size is no number or stands there twice");
        out->has_size = true;
    }
    return FAULT_NONE;
}

/* The length that a record begins with: the whole record's, its own digits included. */
static bool record_len(const char *record, size_t left, size_t *digits, size_t *len)
{
    uint64_t value = 0;
    *digits = 0;
    while (*digits < left && record[*digits] >= '0' && record[*digits] <= '9')
        ++*digits;
    if (*digits == left || record[*digits] != ' ' || !number_u64(record, *digits, &value))
        return false;
    *len = (size_t)value;
    return value <= left && value > *digits + 1 && record[*len - 1] == '\n';
}

enum fault tar_pax_parse(const char *records, size_t len, struct tar_pax *out, struct problem *why)
{
    enum fault f = FAULT_NONE;
    *out = (struct tar_pax){ 0 };
    while (!f && len > 0) {
        size_t digits = 0;
        size_t record = 0;
        if (!record_len(records, len, &digits, &record))
            return bad_records(why, "record has a wrong length");
        const char *key = records + digits + 1;
        const size_t pair_len = record - digits - 2; /* without the blank and the line end */
        const char *equals = memchr(key, '=', pair_len);
        if (!equals || equals == key)
            return bad_records(why, "record is not key=value");
        const size_t key_len = (size_t)(equals - key);
        f = read_pair(key, key_len, equals + 1, pair_len - key_len - 1, out, why);
        records += record;
        len -= record;
    }
    return f;
}
