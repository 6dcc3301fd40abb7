/*
 * serve.h - keeps the workers of all pools running until it is told to stop.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "base/config.h"
#include "base/problem.h"

#include <stdbool.h>

struct serve_options {
    const char *program;     /* what is executed: workers, verbs, and this again at a reload */
    const char *config_file; /* of settings, NULL: none */
    const char *sockets;     /* folder to make them in; NULL: they are handed over */
    bool create;             /* a state that is not there is made */
    const char *old;    /* "PID,PID": workers of the supervisor before the reload; NULL: none */
    bool old_end_first; /* the state is needed alone before workers start */
    char *const *environment; /* as it was before config_file was read */
};

/* Migrates the state and serves.  SIGTERM and SIGINT stop: workers finish what they have in hand, for
 * at most config->stop_s; a second one stops at once.  SIGHUP reloads: executes the program anew, whose
 * workers replace the present ones, which finish what they have in hand, for at most config->drain_s.
 * FAULT_NONE after a stop; a fault when the state cannot be served, or no worker can be started. */
MUST_CHECK enum fault serve_run(const struct config *config, const struct serve_options *options,
                                struct problem *why);

#endif
