#include "pinot/segment_url.h"

const char *segment_url(struct exchange *x, const char *raw, const char *segment)
{
    enum { ESCAPED = 3 }; /* bytes that one may become */
    char table[ESCAPED * NAME_MAX_BYTES];
    char name[ESCAPED * NAME_MAX_BYTES];
    if (!uri_escape(raw, table, sizeof table) || !uri_escape(segment, name, sizeof name))
        return NULL; /* no name is so long */
    return arena_printf(x->arena, "%s/segments/%s/%s", exchange_base_url(x), table, name);
}
