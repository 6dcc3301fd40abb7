#include "pinot/creation_meta.h"

static int64_t big_endian(const unsigned char *bytes)
{
    enum { BYTE_BITS = 8 };
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++)
        value = value << BYTE_BITS | bytes[i];
    return (int64_t)value;
}

enum fault creation_meta_parse(const void *bytes, size_t len, const char *segment,
                               struct creation_meta *out, struct problem *why)
{
    const unsigned char *at = bytes;
    if (len != CREATION_META_OLD_BYTES && len != CREATION_META_BYTES) {
        return problem_set(why, FAULT_MALFORMED,
                           "creation.meta of segment: %s has %zu bytes, must have %d or %d",
                           segment, len, CREATION_META_OLD_BYTES, CREATION_META_BYTES);
    }
    out->crc = big_endian(at);
    out->created_at = big_endian(at + sizeof(int64_t));
    out->data_crc = len == CREATION_META_BYTES ? big_endian(at + 2 * sizeof(int64_t)) : -1;
    return FAULT_NONE;
}
