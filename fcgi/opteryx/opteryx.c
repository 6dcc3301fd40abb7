#include "opteryx/opteryx.h"

#include "opteryx/commit.h"
#include "opteryx/contract.h"
#include "opteryx/dataset.h"
#include "opteryx/inspect.h"
#include "opteryx/part.h"
#include "opteryx/reply.h"
#include "opteryx/session.h"

#include <stdbool.h>
#include <string.h>

static const struct route routes[] = {
    { "POST", "/v1/upload/session", RIGHT_WRITE, opteryx_session_open },
    { "PUT", "/v1/upload/{session}", RIGHT_WRITE, opteryx_part_put },
    { "GET", "/v1/upload/{session}/inspect", RIGHT_READ, opteryx_inspect },
    { "POST", "/v1/upload/{session}/commit", RIGHT_WRITE, opteryx_commit },
    { "DELETE", "/v1/upload/{session}/part/{part}", RIGHT_WRITE, opteryx_part_delete },
    { "GET", "/v1/datasets", RIGHT_READ, opteryx_dataset_list },
    { "GET", "/v1/datasets/{dataset}", RIGHT_READ, opteryx_dataset_show },
    { "GET", "/v1/datasets/{dataset}/snapshots", RIGHT_READ, opteryx_dataset_snapshots },
    { "GET", "/v1/datasets/{dataset}/snapshots/{snapshot}", RIGHT_READ, opteryx_dataset_snapshot },
    { "GET", "/v1/datasets/{dataset}/files/{number}", RIGHT_READ, opteryx_dataset_file },
    { "POST", "/v1/datasets/{dataset}/rollback", RIGHT_WRITE, opteryx_dataset_rollback },
    { "POST", "/v2/contracts", RIGHT_WRITE, opteryx_contract_negotiate },
    { "GET", "/v2/contracts/{contract}", RIGHT_READ, opteryx_contract_show },
    { "PATCH", "/v2/contracts/{contract}", RIGHT_WRITE, opteryx_contract_amend },
    { "DELETE", "/v2/contracts/{contract}", RIGHT_WRITE, opteryx_contract_abandon },
    { "PUT", "/v2/contracts/{contract}/accept", RIGHT_WRITE, opteryx_contract_accept },
    { "POST", "/v2/contracts/{contract}/data", RIGHT_WRITE, opteryx_contract_data },
    { "POST", "/v2/contracts/{contract}/commit", RIGHT_WRITE, opteryx_contract_commit },
};

static const char *const prefixes[] = { "/v1/", "/v2/contracts", NULL };

/* Whether the first count segments of the request are a route's. */
static bool is_route(const struct uri *uri, size_t count, const char *pattern)
{
    size_t i = 0;
    for (const char *at = pattern; *at == '/'; i++) {
        const size_t len = strcspn(at + 1, "/");
        if (i == count)
            return false;
        if (at[1] != '{' &&
            (strlen(uri->segments[i]) != len || memcmp(uri->segments[i], at + 1, len) != 0))
            return false;
        at += 1 + len;
    }
    return i == count;
}

/* A known path with a slash behind it is sent to the path without, as FastAPI does. */
static enum fault slash_redirect(struct exchange *x, struct problem *why)
{
    const size_t count = x->uri.segment_count;
    if (count < 2 || x->uri.segments[count - 1][0] != '\0')
        return FAULT_NONE;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (is_route(&x->uri, count - 1, routes[i].pattern)) {
            const size_t len = strlen(x->uri.path);
            const char *path = arena_strdup(x->arena, x->uri.path, len - 1);
            return exchange_reply_redirect(x, path ? path : "/", why);
        }
    }
    return FAULT_NONE;
}

const struct surface opteryx_surface = {
    .name = "opteryx",
    .prefixes = prefixes,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .gate = slash_redirect,
    .refuse = opteryx_refuse,
};
