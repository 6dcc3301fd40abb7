/*
 * parquet_chunk.h - one column in the row group that is being written: its open page, its finished
 * ones, its dictionary and its statistics.
 */
#ifndef TABULAR_PARQUET_CHUNK_H
#define TABULAR_PARQUET_CHUNK_H

#include "base/problem.h"
#include "base/text.h"
#include "stream/zstd_frame.h"
#include "tabular/cell.h"
#include "tabular/columns.h"
#include "tabular/parquet_dictionary.h"
#include "tabular/parquet_runs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PARQUET_CHUNK_EXTREME_MAX = 64, /* bytes of a text kept as min or max; longer: none is told */
};

/* The least and the greatest value. */
struct parquet_extreme {
    struct cell cell;
    char *text; /* PARQUET_CHUNK_EXTREME_MAX bytes that a CELL_BYTES points to; NULL before */
};

struct parquet_chunk {
    const struct column *column; /* borrowed */
    int physical;
    struct text page;           /* values of the open page: PLAIN, or the numbers of texts */
    struct text done;           /* finished pages with their headers, compressed */
    struct parquet_runs levels; /* of the open page; of a nullable column */
    struct parquet_dictionary *dictionary; /* NULL: none */
    struct parquet_extreme least;
    struct parquet_extreme greatest;
    uint64_t rows; /* of the chunk */
    uint64_t nulls;
    uint64_t uncompressed; /* bytes of done, had it not been compressed */
    uint32_t page_rows;
    uint8_t bits;          /* of booleans in the last byte of page */
    bool in_dictionary;    /* new values are numbers of texts */
    bool dictionary_pages; /* finished pages hold numbers of texts */
    bool plain_pages;      /* finished pages hold values */
    bool no_extremes;      /* one of them is too long to be told */
};

void parquet_chunk_init(struct parquet_chunk *chunk, const struct column *column);
void parquet_chunk_release(struct parquet_chunk *chunk);

/* Begins a row group, with a dictionary where the column's values are texts and seed is not 0. */
MUST_CHECK enum fault parquet_chunk_begin(struct parquet_chunk *chunk, uint64_t seed,
                                          struct problem *why);

/* Adds the next row's value.  Faults as parquet_write_row(). */
MUST_CHECK enum fault parquet_chunk_add(struct parquet_chunk *chunk, const struct cell *cell,
                                        struct problem *why);

/* Bytes held for values that are not compressed yet; and for those that are. */
size_t parquet_chunk_open_bytes(const struct parquet_chunk *chunk);

/* Compresses the open page, if it has rows, behind the finished ones. */
MUST_CHECK enum fault parquet_chunk_close_page(struct parquet_chunk *chunk, struct zstd_frame *zstd,
                                               struct problem *why);

/* The dictionary's page with its header, to be written before the others; nothing without one.
 * Called after the last page is closed. */
MUST_CHECK enum fault parquet_chunk_dictionary(struct parquet_chunk *chunk, struct zstd_frame *zstd,
                                               struct text *out, struct problem *why);

/* The chunk's ColumnChunk (parquet.thrift); offset: where its first byte stands in the file,
 * dictionary: bytes of the dictionary's page. */
void parquet_chunk_describe(const struct parquet_chunk *chunk, uint64_t offset, size_t dictionary,
                            struct text *out);

#endif
