#include "pinot/request.h"

#include <string.h>

const char *request_query(const struct exchange *x, const char *name)
{
    for (size_t i = 0; i < x->uri.pair_count; i++) {
        if (strcmp(x->uri.pairs[i].name, name) == 0)
            return x->uri.pairs[i].value;
    }
    return NULL;
}

bool request_flag(const char *word, bool absent)
{
    return word && word[0] ? text_same(word, "true") : absent;
}

enum fault request_type(const struct exchange *x, const char *parameter, enum pinot_type *out,
                        struct problem *why)
{
    const char *word = request_query(x, parameter);
    if (pinot_type_parse(word, out))
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED, "Illegal table type '%.64s'", word);
}
