#include "tabular/parquet_dictionary.h"

#include <stdlib.h>
#include <string.h>

enum {
    LENGTH = 4, /* bytes of a text's length */
    BYTE_BITS = 8,
    SLOTS_FIRST = 64,
    PROBES_MAX = 32, /* texts looked at for one place in the table */
};

void parquet_dictionary_init(struct parquet_dictionary *dictionary, uint64_t seed)
{
    *dictionary = (struct parquet_dictionary){ .seed = seed };
    text_init(&dictionary->page, PARQUET_DICTIONARY_BYTES_MAX);
}

void parquet_dictionary_release(struct parquet_dictionary *dictionary)
{
    text_release(&dictionary->page);
    free(dictionary->places);
    free(dictionary->slots);
    *dictionary = (struct parquet_dictionary){ .seed = dictionary->seed };
    text_init(&dictionary->page, PARQUET_DICTIONARY_BYTES_MAX);
}

static uint64_t hash_of(const struct parquet_dictionary *dictionary, const void *bytes, size_t len)
{
    static const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / the golden ratio */
    enum { FOLD = 32 };
    const char *at = bytes;
    uint64_t hash = dictionary->seed ^ len;
    for (; len > 0;) {
        uint64_t word = 0;
        const size_t take = len < sizeof word ? len : sizeof word;
        memcpy(&word, at, take);
        hash = (hash ^ word) * factor;
        hash ^= hash >> FOLD;
        at += take;
        len -= take;
    }
    return hash;
}

const char *parquet_dictionary_plain(const struct parquet_dictionary *dictionary, uint16_t number,
                                     size_t *len)
{
    const char *at = dictionary->page.data + dictionary->places[number];
    *len = LENGTH;
    for (unsigned i = 0; i < LENGTH; i++)
        *len += (size_t)(unsigned char)at[i] << (i * BYTE_BITS);
    return at;
}

static bool is_text(const struct parquet_dictionary *dictionary, uint16_t number, const void *bytes,
                    size_t len)
{
    size_t with_length = 0;
    const char *at = parquet_dictionary_plain(dictionary, number, &with_length);
    return with_length == len + LENGTH && memcmp(at + LENGTH, bytes, len) == 0;
}

/* The slot of a text, or the free one where it belongs; NULL after PROBES_MAX. */
static uint16_t *slot_of(const struct parquet_dictionary *dictionary, const void *bytes, size_t len)
{
    const uint32_t mask = dictionary->slot_count - 1;
    uint32_t at = (uint32_t)hash_of(dictionary, bytes, len) & mask;
    for (unsigned probes = 0; probes < PROBES_MAX; probes++) {
        uint16_t *slot = &dictionary->slots[at];
        if (*slot == 0 || is_text(dictionary, (uint16_t)(*slot - 1), bytes, len))
            return slot;
        at = (at + 1) & mask;
    }
    return NULL;
}

/* A table at most half full, and room for one more text. */
static bool grow(struct parquet_dictionary *dictionary)
{
    if (dictionary->count < dictionary->slot_count / 2)
        return true;
    const uint32_t count = dictionary->slot_count ? 2 * dictionary->slot_count : SLOTS_FIRST;
    uint32_t *places = realloc(dictionary->places, count * sizeof *places);
    if (!places)
        return false;
    dictionary->places = places;
    dictionary->room = count;
    uint16_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    free(dictionary->slots);
    dictionary->slots = slots;
    dictionary->slot_count = count;
    for (uint32_t i = 0; i < dictionary->count; i++) {
        size_t len = 0;
        const char *at = parquet_dictionary_plain(dictionary, (uint16_t)i, &len);
        uint16_t *slot = slot_of(dictionary, at + LENGTH, len - LENGTH);
        if (!slot)
            return false;
        *slot = (uint16_t)(i + 1);
    }
    return true;
}

bool parquet_dictionary_number(struct parquet_dictionary *dictionary, const void *bytes, size_t len,
                               uint16_t *number)
{
    if (len > PARQUET_DICTIONARY_BYTES_MAX || !grow(dictionary))
        return false;
    uint16_t *slot = slot_of(dictionary, bytes, len);
    if (!slot)
        return false;
    if (*slot == 0) {
        if (dictionary->count == PARQUET_DICTIONARY_MAX ||
            dictionary->page.len + len + LENGTH > PARQUET_DICTIONARY_BYTES_MAX)
            return false;
        const size_t place = dictionary->page.len;
        for (unsigned i = 0; i < LENGTH; i++)
            text_addc(&dictionary->page, (char)(len >> (i * BYTE_BITS)));
        text_add(&dictionary->page, bytes, len);
        if (text_failed(&dictionary->page))
            return false;
        dictionary->places[dictionary->count++] = (uint32_t)place;
        *slot = (uint16_t)dictionary->count;
    }
    *number = (uint16_t)(*slot - 1);
    return true;
}
