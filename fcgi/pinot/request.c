#include "pinot/request.h"

#include "base/limits.h"

#include <string.h>
#include <strings.h>

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

/* ---- a config ---- */

/* The one part of a form. */
struct form {
    struct text part;
    size_t parts;
};

static enum fault part_begin(void *ctx, const struct multipart_head *head, struct problem *why)
{
    struct form *form = ctx;
    (void)head;
    form->parts++;
    if (form->parts == 1)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "Found not exactly one file from the multi-part fields");
}

static enum fault part_body(void *ctx, const void *bytes, size_t len, struct problem *why)
{
    struct form *form = ctx;
    text_add(&form->part, bytes, len);
    if (!text_failed(&form->part))
        return FAULT_NONE;
    return problem_set(why, FAULT_TOO_LARGE, "the config has more than %zu bytes", form->part.max);
}

static enum fault part_end(void *ctx, struct problem *why)
{
    (void)ctx;
    (void)why;
    return FAULT_NONE;
}

static enum fault form_text(struct exchange *x, const char **out, size_t *len, struct problem *why)
{
    static const struct multipart_sink sink = { part_begin, part_body, part_end };
    struct form form = { .parts = 0 };
    text_init(&form.part, PINOT_CONFIG_MAX);
    enum fault f = exchange_multipart(x, &sink, &form, why);
    if (!f && form.parts == 0)
        f = problem_set(why, FAULT_MALFORMED,
                        "Found not exactly one file from the multi-part fields");
    if (!f) {
        *out = arena_strdup(x->arena, text_string(&form.part), form.part.len);
        *len = form.part.len;
        if (!*out)
            f = problem_set(why, FAULT_TOO_LARGE, "the config is too large");
    }
    text_release(&form.part);
    return f;
}

enum fault request_config(struct exchange *x, const char **out, size_t *len, struct problem *why)
{
    static const char form[] = "multipart/form-data";
    const char *type = exchange_header(x, "Content-Type");
    if (type && strncasecmp(type, form, sizeof form - 1) == 0)
        return form_text(x, out, len, why);
    return exchange_body_text(x, PINOT_CONFIG_MAX, out, len, why);
}
