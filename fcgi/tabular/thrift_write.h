/*
 * thrift_write.h - Thrift's compact protocol, appended to a text.
 * (thrift/doc/specs/thrift-compact-protocol.md)
 *
 * A struct's fields are written in the order of their ids; id is that of the field before, 0 at the
 * struct's start, and becomes this one's.  Failures are the text's: text_failed().
 */
#ifndef TABULAR_THRIFT_WRITE_H
#define TABULAR_THRIFT_WRITE_H

#include "base/text.h"
#include "tabular/thrift.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number without sign, seven bits a byte. */
void thrift_write_varint(struct text *out, uint64_t value);

/* The head of a field, whose value follows (a struct, a list). */
void thrift_write_field(struct text *out, int16_t *id, int16_t field, enum thrift_type type);

/* Whole fields.  A bool's value is its type. */
void thrift_write_i32(struct text *out, int16_t *id, int16_t field, int32_t value);
void thrift_write_i64(struct text *out, int16_t *id, int16_t field, int64_t value);
void thrift_write_byte(struct text *out, int16_t *id, int16_t field, int8_t value);
void thrift_write_bool(struct text *out, int16_t *id, int16_t field, bool value);
void thrift_write_binary(struct text *out, int16_t *id, int16_t field, const void *bytes,
                         size_t len);

/* A field that is a list of count elements, which follow without heads. */
void thrift_write_list(struct text *out, int16_t *id, int16_t field, enum thrift_type element,
                       uint64_t count);

/* Elements of lists. */
void thrift_write_element_i32(struct text *out, int32_t value);
void thrift_write_element_binary(struct text *out, const void *bytes, size_t len);

/* The end of a struct. */
void thrift_write_stop(struct text *out);

#endif
