#include "pinot/version.h"

#include "pinot/reply.h"
#include "json/json.h"

#include <string.h>

enum fault pinot_version_get(struct exchange *x, struct problem *why)
{
    static const char *const parts[] = { "pinot-core", "pinot-controller", "pinot-spi",
                                         "pinot-common" };
    struct text body;
    text_init(&body, JSON_REPLY_MAX);
    text_addc(&body, '{');
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        text_adds(&body, i > 0 ? "," : "");
        json_quote(&body, parts[i], strlen(parts[i]));
        text_addc(&body, ':');
        json_quote(&body, pinot_version, sizeof pinot_version - 1);
    }
    text_addc(&body, '}');
    const enum fault f = pinot_reply_text(x, &body, why);
    text_release(&body);
    return f;
}
