/*
 * plan.h - what becomes of a column's values on their way from a content into a dataset.
 */
#ifndef TABULAR_PLAN_H
#define TABULAR_PLAN_H

#include "tabular/type.h"

#include <stdbool.h>

enum plan_action {
    PLAN_KEEP = 0,    /* the same type */
    PLAN_RETAG,       /* another name for the same values */
    PLAN_WIDEN,       /* nothing is lost */
    PLAN_CAST,        /* each value is converted, or refused */
    PLAN_UNDECLARED,  /* the dataset does not have the column */
    PLAN_IGNORED,     /* read and not written */
    PLAN_UNSUPPORTED, /* the values cannot be stored as that type */
};

/* "keep", ... */
const char *plan_word(enum plan_action action);

/* What takes values of one type to another.  text: they come as texts, which can be cast; a Parquet
 * file's pages stay as they are, so that what a reader cannot do by the footer alone is unsupported. */
enum plan_action plan_of(const struct type *from, const struct type *to, bool text);

#endif
