/*
 * reply.h - Pinot's error dialect: which fault gets which status, and {"code":N,"error":"..."}.
 */
#ifndef PINOT_REPLY_H
#define PINOT_REPLY_H

#include "http/exchange.h"

enum { PINOT_OK = 200 };

/* struct surface's gate: the headers that every answer of a controller carries. */
MUST_CHECK enum fault pinot_gate(struct exchange *x, struct problem *why);

/* struct surface's refuse. */
MUST_CHECK enum fault pinot_refuse(struct exchange *x, const struct problem *because,
                                   struct problem *why);

/* A JSON answer from text; FAULT_INTERNAL when the text has failed. */
MUST_CHECK enum fault pinot_reply_text(struct exchange *x, const struct text *json,
                                       struct problem *why);

/* {"status":"..."}, as Pinot answers what it has done.  status NULL: the arena was full. */
MUST_CHECK enum fault pinot_reply_status(struct exchange *x, const char *status,
                                         struct problem *why);

/* {"unrecognizedProperties":{...},"status":"..."}, as Pinot answers a config that it has taken.
 * unrecognized is borrowed; status as above. */
MUST_CHECK enum fault pinot_reply_written(struct exchange *x, json_object *unrecognized,
                                          const char *status, struct problem *why);

#endif
