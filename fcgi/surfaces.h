/*
 * surfaces.h - all that the program serves, from surfaces.def.
 */
#ifndef SURFACES_H
#define SURFACES_H

#include "http/route.h"

#include <stddef.h>

/* surfaces_count of them; the last one also answers for paths that nobody owns. */
extern const struct surface *const surfaces[];
extern const size_t surfaces_count;

#endif
