#include "surfaces.h"

#define SURFACE(name) extern const struct surface name##_surface;
#include "surfaces.def"
#undef SURFACE

const struct surface *const surfaces[] = {
#define SURFACE(name) &name##_surface,
#include "surfaces.def"
#undef SURFACE
};

const size_t surfaces_count = sizeof surfaces / sizeof surfaces[0];
