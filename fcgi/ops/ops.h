/*
 * ops.h - the surface of whoever watches the machine: what belongs to no product.
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "http/route.h"

extern const struct surface ops_surface;

#endif
