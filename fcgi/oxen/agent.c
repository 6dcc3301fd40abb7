#include "oxen/agent.h"

#include "base/number.h"
#include "oxen/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NUMBERS = 3 };

static const uint64_t least[NUMBERS] = { 0, 36, 0 };

/* Reads digits.digits.digits at the start of text; a number past all others counts as the largest. */
static bool read_version(const char *text, uint64_t out[NUMBERS])
{
    for (size_t i = 0; i < NUMBERS; i++) {
        if (i > 0) {
            if (*text != '.')
                return false;
            text++;
        }
        const size_t len = strspn(text, "0123456789");
        if (len == 0)
            return false;
        if (!number_u64(text, len, &out[i]))
            out[i] = UINT64_MAX;
        text += len;
    }
    return true;
}

static bool is_recent(const char *agent)
{
    uint64_t version[NUMBERS] = { 0 };
    const char *slash = strchr(agent, '/');
    if (!slash || !read_version(slash + 1, version))
        return false;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (version[i] != least[i])
            return version[i] > least[i];
    }
    return true;
}

enum fault oxen_agent_check(const char *agent, struct problem *why)
{
    if (!agent || !strcasestr(agent, "oxen") || strstr(agent, "Postman") || is_recent(agent))
        return FAULT_NONE;
    return problem_code(why, FAULT_PRECONDITION, OXEN_OUTDATED,
                        "Oxen CLI out of date. Pushing to OxenHub requires version >= %s.",
                        OXEN_MIN_VERSION);
}
