#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

enum { MS_PER_S = 1000, NS_PER_MS = 1000000 };

static int64_t read_ms(clockid_t clock)
{
    struct timespec now = { 0 };
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

int64_t clock_now_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t clock_steady_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

void clock_iso(int64_t at_ms, char out[CLOCK_ISO_MAX])
{
    const int64_t floor_ms = at_ms % MS_PER_S < 0 ? 1 : 0; /* division rounds towards 1970 */
    const time_t seconds = (time_t)(at_ms / MS_PER_S - floor_ms);
    struct tm parts = { 0 };
    (void)gmtime_r(&seconds, &parts);
    if (strftime(out, CLOCK_ISO_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        out[0] = '\0';
}

void clock_random(void *bytes, size_t len)
{
    unsigned char *at = bytes;
    while (len > 0) {
        const ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}
