/*
 * parquet_runs.h - small numbers in Parquet's RLE / bit-packing hybrid, appended one by one.
 * (parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid")
 *
 * Memory is that of the encoded bytes: eight or more equal numbers in a row are a run of four bytes.
 */
#ifndef TABULAR_PARQUET_RUNS_H
#define TABULAR_PARQUET_RUNS_H

#include "base/text.h"

#include <stdint.h>

enum { PARQUET_RUNS_GROUP = 8 }; /* numbers that are packed at once */

struct parquet_runs {
    struct text out;
    uint64_t repeated;  /* how often last came in a row */
    size_t packed_head; /* where the head of the open bit-packed run stands in out */
    uint32_t group[PARQUET_RUNS_GROUP];
    uint32_t last;
    uint8_t waiting; /* numbers in group */
    uint8_t groups;  /* of the open bit-packed run; 0: none is open */
    uint8_t bits;    /* of each number */
};

/* bits: 1 to 24.  max: bytes of the encoded text. */
void parquet_runs_init(struct parquet_runs *runs, unsigned bits, size_t max);
void parquet_runs_release(struct parquet_runs *runs);

void parquet_runs_add(struct parquet_runs *runs, uint32_t value);

/* Writes what is held back; runs->out is then whole.  The last group is filled up with zeros. */
void parquet_runs_end(struct parquet_runs *runs);

/* Empty again, of other bits. */
void parquet_runs_clear(struct parquet_runs *runs, unsigned bits);

#endif
