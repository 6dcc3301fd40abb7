/*
 * cast_time.h - texts as dates and times (ISO 8601, the forms that cast.h names).
 *
 * false: it is none, or it does not fit.
 */
#ifndef TABULAR_CAST_TIME_H
#define TABULAR_CAST_TIME_H

#include "tabular/type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Days since 1970-01-01. */
bool cast_time_date(const char *bytes, size_t len, int64_t *out);

/* Microseconds since midnight. */
bool cast_time_of_day(const char *bytes, size_t len, int64_t *out);

/* The unit's since 1970-01-01T00:00:00Z. */
bool cast_time_stamp(const char *bytes, size_t len, enum type_unit unit, int64_t *out);

#endif
