/*
 * pinot.h - the pinot surface: its routes, its gate and its error dialect.
 */
#ifndef PINOT_PINOT_H
#define PINOT_PINOT_H

#include "http/route.h"

extern const struct surface pinot_surface;

#endif
