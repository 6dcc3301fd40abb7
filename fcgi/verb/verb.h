/*
 * verbs.h - what `sluice VERB` does beside serving; each returns the process's exit status
 * (0 done, 1 failed, 2 wrong usage) and prints one clear line to standard error when it fails.
 */
#ifndef VERB_VERB_H
#define VERB_VERB_H

#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ALONE = 3 /* of migrate --dry-run: it has work that needs the state for itself */
};

/* argv[0] is the verb itself.  now: milliseconds UTC. */
int verb_migrate(const struct config *config, int64_t now, int argc, char **argv);
int verb_check(const struct config *config, int argc, char **argv);
int verb_token(const struct config *config, int64_t now, int argc, char **argv);
int verb_dataset(const struct config *config, int argc, char **argv);
int verb_gc(const struct config *config, int64_t now, int argc, char **argv);
int verb_reload(const struct config *config, int argc, char **argv);

/* program: as it was called (argv[0]).  config_file: of --config, or NULL; environment: as it was before
 * that was read. */
int verb_serve(const struct config *config, const char *program, const char *config_file,
               char *const *environment, int argc, char **argv);

/* The whole list of verbs, and what one of them takes and does; NULL when there is no such verb. */
const char *verb_help_all(void);
const char *verb_help(const char *verb);

/* FAULT_FORBIDDEN when the state is another user's, root included: what root writes there the workers
 * could not read.  Every verb but check and version asks this first. */
MUST_CHECK enum fault verb_may(const struct config *config, struct problem *why);

/* Opens the state's database as the settings say; close it with db_close(). */
MUST_CHECK enum fault verb_open_db(const struct config *config, bool read_only, struct db **out,
                                   struct problem *why);

/* Prints "sluice: text" and, where there is one, the detail; returns EXIT_USAGE for a
 * FAULT_MALFORMED, which is how wrong options and settings come, and EXIT_FAILED for others. */
int verb_failed(const struct problem *why);

/* The same for a usage that is wrong, with where to look. */
int verb_misused(const char *verb_and_options);

#endif
