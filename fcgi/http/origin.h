/*
 * origin.h - what a page in somebody's browser may do: the one rule in front of all surfaces.
 *
 * A page of any site can make a browser on this machine, or in its network, send requests here, with
 * the credentials that the browser keeps.  Programs send neither Origin nor Sec-Fetch-Site, so what
 * they send is never in question.
 */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/problem.h"
#include "http/exchange.h"

#include <stdbool.h>

/* Whether an IP address, IPv6 with or without brackets, is one that only this machine reaches.
 * NULL is none. */
bool origin_is_loopback(const char *address);

/* FAULT_FORBIDDEN for what a page of another site sends:
 *   - an Origin (RFC 6454; Fetch, section "Origin header") that is neither the request's own Host,
 *     nor the public_url, nor, with authentication, one of cors_origins;
 *   - with authentication open also a Host that is no loopback address and not localhost, because
 *     its name may have been made to lead here (DNS rebinding), and a Sec-Fetch-Site that says
 *     another site or origin.
 * A listed origin gets the headers of Fetch's CORS protocol, with every answer and for a preflight;
 * nobody else gets any.  Call once, before anything else is set or answered. */
MUST_CHECK enum fault origin_check(struct exchange *x, struct problem *why);

#endif
