/*
 * tape.h - what reached the disk, write by write, and what a power cut may have left of it.
 *
 * The tape records every write, cut and sync of the database and its WAL, and when a transaction
 * was acknowledged.  For a cut at any place of the tape it builds the two files anew: everything
 * that a sync covered is there, and of the rest what the mode says.
 */
#ifndef TAPE_H
#define TAPE_H

#include "support/shim.h"
#include "support/state.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What becomes of writes that no sync covered. */
enum tape_mode {
    TAPE_LOST = 0, /* none is there */
    TAPE_KEPT,     /* all are */
    TAPE_TORN,     /* each piece of 512 bytes by chance */
    TAPE_GAP,      /* all but some that follow one another */
    TAPE_MODES,
};

struct tape_event;

struct tape {
    struct state base; /* the files as they were when the recording began */
    struct tape_event *events;
    size_t count;
    size_t room;
};

/* Copies the files of a state folder that nobody writes to now. */
void tape_begin(struct tape *tape, const struct state *from);
void tape_end(struct tape *tape);

/* Records an operation; a sync covers what was recorded before covers. */
void tape_record(struct tape *tape, enum shim_file_kind kind, enum shim_op op, const void *bytes,
                 int64_t len, int64_t offset, size_t covers);
void tape_acknowledge(struct tape *tape, int64_t transaction);

/* Whether the transaction was acknowledged before place. */
bool tape_acknowledged(const struct tape *tape, size_t place, int64_t transaction);

/* Makes image's files as a cut at place leaves them; chance comes from *seed. */
void tape_cut(const struct tape *tape, size_t place, enum tape_mode mode, unsigned *seed,
              const struct state *image);

#endif
