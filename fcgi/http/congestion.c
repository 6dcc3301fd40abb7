#include "http/congestion.h"

#include "base/clock.h"

#include <poll.h>

enum { LOOK_MS = 250 };

static bool somebody_waits(const struct congestion *c)
{
    struct pollfd listener = { .fd = c->listener, .events = POLLIN };
    return poll(&listener, 1, 0) == 1 && (listener.revents & POLLIN) != 0;
}

void congestion_look(void *congestion)
{
    struct congestion *c = congestion;
    const int64_t now = clock_steady_ms();
    if (c->told || now - c->looked < LOOK_MS)
        return;
    c->looked = now;
    if (!somebody_waits(c))
        c->since = 0;
    else if (c->since == 0)
        c->since = now;
    if (c->since == 0 || now - c->since < CONGESTION_MS || now - c->began < CONGESTION_MS)
        return;
    c->told = true;
    c->tell(c->ctx);
}

void congestion_begin(struct congestion *c, int listener, void (*tell)(void *ctx), void *ctx)
{
    const int64_t now = clock_steady_ms();
    *c = (struct congestion){
        .listener = listener, .tell = tell, .ctx = ctx, .began = now, .looked = now
    };
}
