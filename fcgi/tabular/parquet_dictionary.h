/*
 * parquet_dictionary.h - the distinct texts of a column chunk, in the order of their first use.
 */
#ifndef TABULAR_PARQUET_DICTIONARY_H
#define TABULAR_PARQUET_DICTIONARY_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PARQUET_DICTIONARY_MAX = 4096,            /* texts */
    PARQUET_DICTIONARY_BYTES_MAX = 64 * 1024, /* of all texts with their lengths */
};

struct parquet_dictionary {
    struct text page; /* as it is written: length (4 bytes, little-endian) and bytes of each */
    uint32_t *places; /* of each text's length in page */
    uint16_t *slots;  /* hash table of numbers, from 1; 0 is free */
    uint32_t count;
    uint32_t room;       /* of places */
    uint32_t slot_count; /* a power of two */
    uint64_t seed;       /* so that nobody can choose texts that collide */
};

void parquet_dictionary_init(struct parquet_dictionary *dictionary, uint64_t seed);
void parquet_dictionary_release(struct parquet_dictionary *dictionary);

/* The number of a text, which is added when it is new.  false when the dictionary is full, when too
 * many texts share their place in the table, or without memory: it has then not changed. */
bool parquet_dictionary_number(struct parquet_dictionary *dictionary, const void *bytes, size_t len,
                               uint16_t *number);

/* The text of a number, with its length in front, as PLAIN has it; *len with that. */
const char *parquet_dictionary_plain(const struct parquet_dictionary *dictionary, uint16_t number,
                                     size_t *len);

#endif
