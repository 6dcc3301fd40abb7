/*
 * clock.h - time and randomness, read at the edge (durations aside) and passed on as arguments, so
 * that tests own both.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum {
    CLOCK_ISO_MAX = 32, /* bytes of an ISO 8601 time with the NUL */
    CLOCK_HOUR_MS = 3600 * 1000,
};

/* Milliseconds UTC since 1970. */
int64_t clock_now_ms(void);

/* Milliseconds of a clock that never steps; for durations only. */
int64_t clock_steady_ms(void);

/* "2026-01-02T03:04:05Z" of a time in milliseconds; the milliseconds are dropped. */
void clock_iso(int64_t at_ms, char out[CLOCK_ISO_MAX]);

/* Fills bytes from the kernel's generator; ends the process when that is impossible. */
void clock_random(void *bytes, size_t len);

#endif
