/*
 * csv_header.h - the first rows of a CSV: which separator, which columns, and what is odd about them.
 */
#ifndef TABULAR_CSV_HEADER_H
#define TABULAR_CSV_HEADER_H

#include "tabular/columns.h"
#include "tabular/issues.h"

#include <stdbool.h>
#include <stddef.h>

enum { CSV_HEADER_OTHERS = 3 }; /* separators that are found where commas should be */

struct csv_header {
    char separator;
    bool separator_named;             /* by a first line of its own */
    size_t others[CSV_HEADER_OTHERS]; /* of other separators in the header, outside of quotes */
};

void csv_header_init(struct csv_header *header);

/* Bytes of the header row that lie outside of quotes. */
void csv_header_note(struct csv_header *header, const char *bytes, size_t len);

/* A value of the header row: a column. */
MUST_CHECK enum fault csv_header_column(const struct csv_header *header, struct columns *columns,
                                        const char *bytes, size_t len, struct problem *why);

/* The row has ended.  false: it was a line that names the separator ("sep=;"), columns are empty again
 * and the header is still to come. */
bool csv_header_end(struct csv_header *header, struct columns *columns, struct issues *issues);

#endif
