/*
 * request.h - what several routes read of a request as Pinot's controller reads it.
 */
#ifndef PINOT_REQUEST_H
#define PINOT_REQUEST_H

#include "http/exchange.h"
#include "pinot/names.h"

#include <stdbool.h>
#include <stddef.h>

/* The first value of a query parameter, decoded: of a repeated one the first counts.  NULL when
 * absent, "" when empty. */
const char *request_query(const struct exchange *x, const char *name);

/* Java's Boolean.parseBoolean(): "true" in any case is true, any other word false.  absent: what NULL
 * and "" mean. */
bool request_flag(const char *word, bool absent);

/* The table type that a query parameter ("type", "tableType") names; none for an absent or empty one.
 * FAULT_MALFORMED for another word. */
MUST_CHECK enum fault request_type(const struct exchange *x, const char *parameter,
                                   enum pinot_type *out, struct problem *why);

/* A config's JSON, however it was sent: as the body, whatever its Content-Type says, or as the one
 * part of a form, whatever that is called.  In the arena; *len without the NUL.  FAULT_TOO_LARGE past
 * PINOT_CONFIG_MAX. */
MUST_CHECK enum fault request_config(struct exchange *x, const char **out, size_t *len,
                                     struct problem *why);

#endif
