/*
 * parquet.h - the footer of a Parquet file: rows, columns and types; pages are not read.
 *
 * The file begins and ends with "PAR1"; before its last eight bytes stands a FileMetaData in
 * Thrift's compact protocol (parquet-format, parquet.thrift).  Checked: the schema's tree, that every
 * annotation fits its physical type, the row groups' rows against the file's where it gives them,
 * and that every column's pages lie before the footer, in this file.  An encrypted file ("PARE", or
 * one with an encryption algorithm) is refused.
 *
 * The columns are the children of the schema's root.  LIST groups (old forms too: LogicalTypes.md,
 * "Backward-compatibility rules") and repeated fields are ARRAY<>; MAP and other groups are
 * NVARCHAR, as Opteryx keeps structs; logical types win over converted ones; STRING and ENUM are
 * VARCHAR, JSON is NVARCHAR.
 */
#ifndef TABULAR_PARQUET_H
#define TABULAR_PARQUET_H

#include "base/arena.h"
#include "base/problem.h"
#include "tabular/reading.h"
#include "tabular/thrift.h"

#include <stdint.h>

/* Reads the footer of a content of bytes length.  FAULT_UNPROCESSABLE when it is not Parquet;
 * faults of source are handed up.  Memory: the window of thrift.h and the columns. */
MUST_CHECK enum fault parquet_read(const struct thrift_source *source, uint64_t bytes,
                                   struct arena *arena, struct reading *out, struct problem *why);

/* The same of a file whose pages were left out: "PAR1", the footer, its length and "PAR1". */
MUST_CHECK enum fault parquet_read_footer(const struct thrift_source *source, uint64_t bytes,
                                          struct arena *arena, struct reading *out,
                                          struct problem *why);

#endif
