/*
 * worker.h - one pre-forked process: accepts on descriptor 0, serves one request at a time.
 */
#ifndef WORKER_H
#define WORKER_H

#include "base/config.h"
#include "base/problem.h"
#include "http/route.h"

#include <stddef.h>

/* says: a descriptor on which the process's number (int32_t) is written, and which is closed, as soon as
 * it serves; below 0: none.
 * Serves until SIGTERM or SIGUSR1 (the request in hand is finished) or until
 * config->recycle_requests are done, then returns FAULT_NONE.  Descriptor 0 is a listening socket,
 * as sluice serve, spawn-fcgi and systemd hand it over; anything else is a fault.  Opens database and blob store
 * itself; while the poison mark is set it serves all the same (answers are 503). */
MUST_CHECK enum fault worker_run(const struct config *config, int says,
                                 const struct surface *const *surfaces, size_t count,
                                 const struct surface *fallback, struct problem *why);

#endif
