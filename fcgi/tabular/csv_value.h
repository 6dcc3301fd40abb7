/*
 * csv_value.h - what one value of a CSV row is, by its bytes alone (csv.h says which).
 */
#ifndef TABULAR_CSV_VALUE_H
#define TABULAR_CSV_VALUE_H

#include <stddef.h>

/* One of READING_NULL, _INT, _FLOAT, _BOOL and _TEXT.  room: bytes that may be read from there on,
 * len or more: a short value is looked at with what follows it. */
unsigned csv_value_seen(const char *bytes, size_t len, size_t room);

#endif
