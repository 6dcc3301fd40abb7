/*
 * request.h - bodies: JSON, refused in Oxen's words, and how much a zipped one may become.
 */
#ifndef OXEN_REQUEST_H
#define OXEN_REQUEST_H

#include "base/problem.h"
#include "http/exchange.h"

/* 400 "Invalid JSON", shape 1. */
enum fault oxen_request_bad_json(struct problem *why);

/* A small JSON body whatever its Content-Type, released with the arena. */
MUST_CHECK enum fault oxen_request_json(struct exchange *x, json_object **out, struct problem *why);

/* Whether a request may have become so many bytes by gunzip: past OXEN_GUNZIP_FROM at most
 * OXEN_GUNZIP_RATIO times those that it has sent so far, so that a short request cannot fill the
 * disk.  FAULT_TOO_LARGE. */
MUST_CHECK enum fault oxen_request_gunzipped(const struct exchange *x, uint64_t bytes,
                                             struct problem *why);

#endif
