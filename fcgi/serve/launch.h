/*
 * launch.h - the command lines of what a supervisor starts: workers, a verb, and its own successor.
 */
#ifndef SERVE_LAUNCH_H
#define SERVE_LAUNCH_H

#include "base/problem.h"
#include "serve/serve.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { LAUNCH_ALONE = 3 }; /* exit status of `migrate --dry-run`: it needs the state for itself */

/* `sluice worker` on a listening socket; it writes its number (int32_t) to says once it serves. */
MUST_CHECK enum fault launch_worker(const struct serve_options *options, int socket, int says,
                                    pid_t *out, struct problem *why);

/* `sluice migrate OPTION` (NULL: none), with the settings as the operator has them now. */
MUST_CHECK enum fault launch_migrate(const struct serve_options *options, const char *option,
                                     pid_t *out, struct problem *why);

/* Executes `sluice serve` in this process's place, which hands over the sockets of names and the workers
 * old ("PID,PID"); end_first: these must end before it starts its own.  Returns only with a fault. */
MUST_CHECK enum fault launch_anew(const struct serve_options *options, const char *old,
                                  bool end_first, const char *const *names, size_t count,
                                  struct problem *why);

#endif
