/*
 * issues.h - what is odd about a part without being wrong: stored all the same, and told.
 */
#ifndef TABULAR_ISSUES_H
#define TABULAR_ISSUES_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/problem.h"
#include "base/text.h"

#include <stddef.h>

struct issue {
    const char *text;   /* in the arena */
    const char *column; /* in the arena; NULL when it is not about one */
};

struct issues {
    struct arena *arena;
    struct issue list[OPTERYX_ISSUES_MAX];
    size_t count;
};

void issues_init(struct issues *issues, struct arena *arena);

/* Adds one; past OPTERYX_ISSUES_MAX, or without memory, it is dropped.  column may be NULL. */
void issues_add(struct issues *issues, const char *column, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* As rows keep them: [{"issue":...,"column":...}, ...]; column is null or a name. */
void issues_write(const struct issues *issues, struct text *out);

#endif
