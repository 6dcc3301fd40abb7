/*
 * tar_out.h - the blocks of a tar archive of plain files (GNU's form of ustar).
 */
#ifndef STREAM_TAR_OUT_H
#define STREAM_TAR_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TAR_OUT_BLOCK = 512,
    TAR_OUT_END = 2 * TAR_OUT_BLOCK, /* zeros that end an archive */
};

/* The header of a file: mode 0644, owner, group and time 0.  false for a name of more than 100
 * bytes. */
bool tar_out_header(const char *name, uint64_t bytes, uint8_t out[TAR_OUT_BLOCK]);

/* How many zeros follow a content. */
size_t tar_out_padding(uint64_t bytes);

#endif
