/*
 * cell.h - one value of one column, as it is cast from a text and written to a file.
 */
#ifndef TABULAR_CELL_H
#define TABULAR_CELL_H

#include <stddef.h>
#include <stdint.h>

/* A DECIMAL without its point: the number times 10 to the power of its scale. */
__extension__ typedef __int128 cell_decimal;

enum cell_kind {
    CELL_NULL = 0,
    CELL_INTEGER, /* BOOL (0 or 1), INT8 to INT64, DATE (days since 1970-01-01), TIME (microseconds
                   * since midnight), TIMESTAMP (its unit since 1970-01-01T00:00:00Z) */
    CELL_NATURAL, /* UINT8 to UINT64, IPV4 (the first number of the quad is the highest byte) */
    CELL_REAL,    /* FLOAT32, FLOAT64 */
    CELL_DECIMAL, /* DECIMAL */
    CELL_BYTES,   /* VARCHAR, NVARCHAR, VARIANT (as JSON), VARBINARY */
};

struct cell {
    enum cell_kind kind;
    union {
        int64_t integer;
        uint64_t natural;
        double real;
        cell_decimal decimal;
        struct {
            const char *data; /* borrowed; not NUL-terminated */
            size_t len;
        } bytes;
    } as;
};

#endif
