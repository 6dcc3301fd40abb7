/*
 * request.h - JSON bodies, refused in Oxen's words.
 */
#ifndef OXEN_REQUEST_H
#define OXEN_REQUEST_H

#include "base/problem.h"
#include "http/exchange.h"

/* 400 "Invalid JSON", shape 1. */
enum fault oxen_request_bad_json(struct problem *why);

/* A small JSON body whatever its Content-Type, released with the arena. */
MUST_CHECK enum fault oxen_request_json(struct exchange *x, json_object **out, struct problem *why);

#endif
