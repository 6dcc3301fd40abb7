/*
 * bytes8.h - eight bytes of a text compared in one step, for the runs between what a reader stops at.
 *
 * A mask has the high bit of every byte that was found.  Only its lowest bit is exact unless a
 * function says otherwise: what it found may set others above by a borrow.
 */
#ifndef TABULAR_BYTES8_H
#define TABULAR_BYTES8_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BYTES8 = 8 };

#define BYTES8_ONES 0x0101010101010101U
#define BYTES8_HIGHS 0x8080808080808080U

/* The first of the eight is the lowest. */
static inline uint64_t bytes8_load(const void *at)
{
    uint64_t word = 0;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Bytes below bound, which is at most 0x80. */
static inline uint64_t bytes8_below(uint64_t word, unsigned char bound)
{
    return (word - BYTES8_ONES * bound) & ~word & BYTES8_HIGHS;
}

static inline uint64_t bytes8_equal(uint64_t word, unsigned char byte)
{
    return bytes8_below(word ^ BYTES8_ONES * byte, 1);
}

/* Bytes that are no decimal digit; every bit is exact. */
static inline uint64_t bytes8_no_digit(uint64_t word)
{
    const uint64_t value = word ^ BYTES8_ONES * '0';
    const uint64_t past_nine = (value & ~BYTES8_HIGHS) + BYTES8_ONES * (0x80 - 10);
    return (past_nine | value) & BYTES8_HIGHS;
}

/* A mask's eight bits, the first byte's lowest. */
static inline uint64_t bytes8_bits(uint64_t mask)
{
    return (mask / 0x80 * 0x0102040810204080U) >> 56;
}

/* The number of the lowest bit that is set; one is. */
static inline size_t bytes8_low_bit(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits);
}

/* The place of the first byte of a mask that has one. */
static inline size_t bytes8_first(uint64_t mask)
{
    return bytes8_low_bit(mask) / BYTES8;
}

#endif
