/*
 * verbs.h - what `sluice VERB` does beside serving; each returns the process's exit status
 * (0 done, 1 failed, 2 wrong usage) and prints one clear line to standard error when it fails.
 */
#ifndef VERBS_H
#define VERBS_H

#include "base/config.h"

#include <stdint.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* argv[0] is the verb itself.  now: milliseconds UTC. */
int verb_migrate(const struct config *config, int64_t now);
int verb_check(const struct config *config, int argc, char **argv);
int verb_token(const struct config *config, int64_t now, int argc, char **argv);
int verb_dataset(const struct config *config, int argc, char **argv);
int verb_gc(const struct config *config, int argc, char **argv);

/* Prints "sluice: text" and, where there is one, the detail; returns EXIT_FAILED. */
int verb_failed(const struct problem *why);

#endif
