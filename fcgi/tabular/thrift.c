#include "tabular/thrift.h"

#include <string.h>

void thrift_init(struct thrift *thrift, const struct thrift_source *source, uint64_t offset,
                 uint64_t end, struct problem *why)
{
    thrift->source = source;
    thrift->offset = offset;
    thrift->end = end;
    thrift->at = 0;
    thrift->len = 0;
    thrift->fault = FAULT_NONE;
    thrift->why = why;
}

void thrift_fail(struct thrift *thrift, const char *what)
{
    if (!thrift->fault)
        thrift->fault =
            problem_set(thrift->why, FAULT_UNPROCESSABLE, "the part is not Parquet: %s", what);
}

static uint64_t left(const struct thrift *thrift)
{
    return thrift->end - thrift->offset + (thrift->len - thrift->at);
}

/* Fills the empty window. */
static bool fill(struct thrift *thrift)
{
    const uint64_t rest = thrift->end - thrift->offset;
    const size_t want = rest < THRIFT_WINDOW ? (size_t)rest : THRIFT_WINDOW;
    size_t got = 0;
    if (thrift->fault)
        return false;
    if (want == 0) {
        thrift_fail(thrift, "the footer ends early");
        return false;
    }
    thrift->fault = thrift->source->read(thrift->source->ctx, thrift->offset, thrift->window, want,
                                         &got, thrift->why);
    if (!thrift->fault && got == 0)
        thrift_fail(thrift, "the content ends early");
    thrift->at = 0;
    thrift->len = thrift->fault ? 0 : got;
    thrift->offset += thrift->len;
    return !thrift->fault;
}

static unsigned char byte(struct thrift *thrift)
{
    if (thrift->fault || (thrift->at == thrift->len && !fill(thrift)))
        return 0;
    return thrift->window[thrift->at++];
}

static uint64_t varint(struct thrift *thrift)
{
    enum { BITS = 7, MORE = 0x80, SHIFT_MAX = 63 };
    uint64_t value = 0;
    for (unsigned shift = 0; shift <= SHIFT_MAX; shift += BITS) {
        const unsigned char next = byte(thrift);
        value |= (uint64_t)(next & (MORE - 1)) << shift;
        if (!(next & MORE))
            return value;
    }
    thrift_fail(thrift, "a number is too long");
    return 0;
}

/* Numbers alternate between the signs: 0, -1, 1, -2, ... */
int64_t thrift_integer(struct thrift *thrift)
{
    const uint64_t raw = varint(thrift);
    const uint64_t sign = 0 - (raw & 1);
    return (int64_t)(raw >> 1 ^ sign);
}

int thrift_byte(struct thrift *thrift)
{
    return byte(thrift);
}

enum thrift_type thrift_field(struct thrift *thrift, int16_t *id)
{
    enum { TYPE_MASK = 0x0F, DELTA_BITS = 4 };
    const unsigned char head = byte(thrift);
    const int delta = head >> DELTA_BITS;
    const int type = head & TYPE_MASK;
    if (thrift->fault || type == THRIFT_STOP)
        return THRIFT_STOP;
    const int64_t next = delta ? (int64_t)*id + delta : thrift_integer(thrift);
    if (type > THRIFT_UUID || next < 0 || next > INT16_MAX) {
        thrift_fail(thrift, "a field's head is damaged");
        return THRIFT_STOP;
    }
    *id = (int16_t)next;
    return thrift->fault ? THRIFT_STOP : (enum thrift_type)type;
}

/* Every element takes a byte at least. */
static uint64_t count_checked(struct thrift *thrift, uint64_t count)
{
    if (count > left(thrift)) {
        thrift_fail(thrift, "a list is longer than the footer");
        return 0;
    }
    return thrift->fault ? 0 : count;
}

uint64_t thrift_list(struct thrift *thrift, enum thrift_type *element)
{
    enum { TYPE_MASK = 0x0F, COUNT_BITS = 4, COUNT_FOLLOWS = 15 };
    const unsigned char head = byte(thrift);
    uint64_t count = head >> COUNT_BITS;
    if (count == COUNT_FOLLOWS)
        count = varint(thrift);
    if ((head & TYPE_MASK) > THRIFT_UUID)
        thrift_fail(thrift, "a list's head is damaged");
    *element = thrift->fault ? THRIFT_STOP : (enum thrift_type)(head & TYPE_MASK);
    return count_checked(thrift, count);
}

static void skip_bytes(struct thrift *thrift, uint64_t count)
{
    if (count > left(thrift)) {
        thrift_fail(thrift, "a value is longer than the footer");
        return;
    }
    const size_t here = thrift->len - thrift->at;
    if (count <= here) {
        thrift->at += (size_t)count;
        return;
    }
    thrift->at = 0;
    thrift->len = 0;
    thrift->offset += count - here;
}

void thrift_text(struct thrift *thrift, char *out, size_t max, size_t *len)
{
    const uint64_t count = varint(thrift);
    *len = 0;
    out[0] = '\0';
    if (count > max)
        thrift_fail(thrift, "a name is too long");
    for (uint64_t i = 0; !thrift->fault && i < count; i++)
        out[(*len)++] = (char)byte(thrift);
    out[*len] = '\0';
}

static void value_skip(struct thrift *thrift, enum thrift_type type, unsigned depth, bool in_list);

static void struct_skip(struct thrift *thrift, unsigned depth)
{
    int16_t id = 0;
    for (enum thrift_type type = thrift_field(thrift, &id); type != THRIFT_STOP;
         type = thrift_field(thrift, &id))
        value_skip(thrift, type, depth, false);
}

static void list_skip(struct thrift *thrift, unsigned depth)
{
    enum thrift_type element = THRIFT_STOP;
    const uint64_t count = thrift_list(thrift, &element);
    for (uint64_t i = 0; !thrift->fault && i < count; i++)
        value_skip(thrift, element, depth, true);
}

static void map_skip(struct thrift *thrift, unsigned depth)
{
    enum { VALUE_MASK = 0x0F, KEY_BITS = 4 };
    const uint64_t count = count_checked(thrift, varint(thrift));
    const unsigned char types = count ? byte(thrift) : 0;
    for (uint64_t i = 0; !thrift->fault && i < count; i++) {
        value_skip(thrift, (enum thrift_type)(types >> KEY_BITS), depth, true);
        value_skip(thrift, (enum thrift_type)(types & VALUE_MASK), depth, true);
    }
}

/* in_list: a boolean is then a byte of its own and not part of a field's head. */
static void value_skip(struct thrift *thrift, enum thrift_type type, unsigned depth, bool in_list)
{
    enum { DOUBLE_BYTES = 8, UUID_BYTES = 16 };
    if (depth == THRIFT_DEPTH_MAX) {
        thrift_fail(thrift, "the footer is nested too deep");
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        if (in_list)
            (void)byte(thrift);
        return;
    case THRIFT_BYTE:
        (void)byte(thrift);
        return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)varint(thrift);
        return;
    case THRIFT_DOUBLE:
        skip_bytes(thrift, DOUBLE_BYTES);
        return;
    case THRIFT_UUID:
        skip_bytes(thrift, UUID_BYTES);
        return;
    case THRIFT_BINARY:
        skip_bytes(thrift, varint(thrift));
        return;
    case THRIFT_LIST:
    case THRIFT_SET:
        list_skip(thrift, depth + 1);
        return;
    case THRIFT_MAP:
        map_skip(thrift, depth + 1);
        return;
    case THRIFT_STRUCT:
        struct_skip(thrift, depth + 1);
        return;
    case THRIFT_STOP:
        break;
    }
    thrift_fail(thrift, "a value of an unknown type");
}

void thrift_skip(struct thrift *thrift, enum thrift_type type)
{
    value_skip(thrift, type, 0, false);
}
