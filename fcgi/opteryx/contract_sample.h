/*
 * contract_sample.h - one sample of a negotiation: the beginning of a file, or the footer of a
 * Parquet file, from which its columns are found out.
 *
 * Clients cut after some megabytes: the last record of a sample that was cut is passed over, and so
 * is what a coding that breaks off has left.
 */
#ifndef OPTERYX_CONTRACT_SAMPLE_H
#define OPTERYX_CONTRACT_SAMPLE_H

#include "base/text.h"
#include "http/exchange.h"
#include "opteryx/source.h"
#include "tabular/format.h"

#include <stdbool.h>

struct blob_writer;

/* One value of each column, for people. */
struct contract_values {
    struct columns names; /* of the columns that have one */
    const char **texts;   /* in the arena of names, room for OPTERYX_COLUMNS_MAX */
};

struct contract_sample {
    struct exchange *x;
    struct arena *arena;            /* of this sample alone */
    struct contract_values *values; /* that are added to */
    struct value_sink sink;
    bool *told; /* columns of this sample that have a value */
    const char *name;
    struct source source;
    struct format *format; /* of CSV and NDJSON, once it is known to be one */
    struct format *shown;  /* reads the beginning once more, for values; NULL when it is over */
    size_t shown_bytes;
    struct blob_writer *writer; /* of Parquet */
    struct text pending;        /* what follows the last line end so far */
    uint64_t decoded;
    bool full; /* the rest is not looked at */
};

/* Starts one; ended by contract_sample_release(), whatever this returned.  Faults name the sample. */
MUST_CHECK enum fault contract_sample_begin(struct contract_sample *sample, struct exchange *x,
                                            struct arena *arena, struct contract_values *values,
                                            const struct multipart_head *head, struct problem *why);
void contract_sample_release(struct contract_sample *sample);

MUST_CHECK enum fault contract_sample_feed(struct contract_sample *sample, const void *bytes,
                                           size_t len, struct problem *why);

/* The sample is over: out is what it holds, in the arena. */
MUST_CHECK enum fault contract_sample_end(struct contract_sample *sample, struct reading *out,
                                          bool *parquet, struct problem *why);

#endif
