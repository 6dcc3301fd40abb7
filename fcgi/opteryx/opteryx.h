/*
 * opteryx.h - the opteryx surface: its routes, its gate and its error dialect.
 */
#ifndef OPTERYX_OPTERYX_H
#define OPTERYX_OPTERYX_H

#include "http/route.h"

extern const struct surface opteryx_surface;

#endif
