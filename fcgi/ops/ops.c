#include "ops/ops.h"

#include "ops/reply.h"

/* GET /health: whether a worker answers; it asks neither the database nor the disk. */
static enum fault health(struct exchange *x, struct problem *why)
{
    static const char body[] = "{\"status\":\"ok\"}";
    return exchange_reply(x, OPS_OK, "application/json", body, sizeof body - 1, why);
}

/* A slash too many is forgiven, as the Opteryx service forgives it. */
static enum fault health_slash(struct exchange *x, struct problem *why)
{
    return exchange_reply_redirect(x, "/health", why);
}

static const struct route routes[] = {
    { "GET", "/health", RIGHT_NONE, health },
    { "GET", "/health/", RIGHT_NONE, health_slash },
};

static const char *const prefixes[] = { "/health", NULL };

const struct surface ops_surface = {
    .name = "ops",
    .prefixes = prefixes,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .refuse = ops_refuse,
};
