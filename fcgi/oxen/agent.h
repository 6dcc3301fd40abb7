/*
 * agent.h - which clients are too old, by their User-Agent.
 */
#ifndef OXEN_AGENT_H
#define OXEN_AGENT_H

#include "base/problem.h"

#define OXEN_MIN_VERSION "0.36.0"

/* A User-Agent that holds "oxen" (any case) and not "Postman" must say X.Y.Z behind its first '/',
 * and at least OXEN_MIN_VERSION; FAULT_PRECONDITION with OXEN_OUTDATED otherwise.  Any other agent,
 * or none (NULL), is not looked at. */
MUST_CHECK enum fault oxen_agent_check(const char *agent, struct problem *why);

#endif
