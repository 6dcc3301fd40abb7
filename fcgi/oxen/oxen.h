/*
 * oxen.h - the oxen surface: its routes, its gate and its error dialect.
 */
#ifndef OXEN_OXEN_H
#define OXEN_OXEN_H

#include "http/route.h"

extern const struct surface oxen_surface;

#endif
