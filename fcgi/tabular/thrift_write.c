#include "tabular/thrift_write.h"

enum {
    VARINT_BITS = 7,
    VARINT_MORE = 0x80,
    NIBBLE = 4,
    DELTA_MAX = 15,      /* of a field's id, in the head's upper half */
    SHORT_LIST_MAX = 14, /* elements that a list's head holds itself */
    LONG_LIST = 0xF0,
};

void thrift_write_varint(struct text *out, uint64_t value)
{
    while (value >= VARINT_MORE) {
        text_addc(out, (char)(value | VARINT_MORE));
        value >>= VARINT_BITS;
    }
    text_addc(out, (char)value);
}

static void zigzag(struct text *out, int64_t value)
{
    const uint64_t sign = value < 0 ? UINT64_MAX : 0;
    thrift_write_varint(out, ((uint64_t)value << 1) ^ sign);
}

void thrift_write_field(struct text *out, int16_t *id, int16_t field, enum thrift_type type)
{
    const int delta = field - *id;
    if (delta > 0 && delta <= DELTA_MAX) {
        text_addc(out, (char)(delta << NIBBLE | (int)type));
    } else {
        text_addc(out, (char)type);
        zigzag(out, field);
    }
    *id = field;
}

void thrift_write_i32(struct text *out, int16_t *id, int16_t field, int32_t value)
{
    thrift_write_field(out, id, field, THRIFT_I32);
    zigzag(out, value);
}

void thrift_write_i64(struct text *out, int16_t *id, int16_t field, int64_t value)
{
    thrift_write_field(out, id, field, THRIFT_I64);
    zigzag(out, value);
}

void thrift_write_byte(struct text *out, int16_t *id, int16_t field, int8_t value)
{
    thrift_write_field(out, id, field, THRIFT_BYTE);
    text_addc(out, (char)value);
}

void thrift_write_bool(struct text *out, int16_t *id, int16_t field, bool value)
{
    thrift_write_field(out, id, field, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_write_binary(struct text *out, int16_t *id, int16_t field, const void *bytes,
                         size_t len)
{
    thrift_write_field(out, id, field, THRIFT_BINARY);
    thrift_write_element_binary(out, bytes, len);
}

void thrift_write_list(struct text *out, int16_t *id, int16_t field, enum thrift_type element,
                       uint64_t count)
{
    thrift_write_field(out, id, field, THRIFT_LIST);
    if (count <= SHORT_LIST_MAX) {
        text_addc(out, (char)((int)count << NIBBLE | (int)element));
    } else {
        text_addc(out, (char)(LONG_LIST | (int)element));
        thrift_write_varint(out, count);
    }
}

void thrift_write_element_i32(struct text *out, int32_t value)
{
    zigzag(out, value);
}

void thrift_write_element_binary(struct text *out, const void *bytes, size_t len)
{
    thrift_write_varint(out, len);
    text_add(out, bytes, len);
}

void thrift_write_stop(struct text *out)
{
    text_addc(out, THRIFT_STOP);
}
