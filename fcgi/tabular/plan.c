#include "tabular/plan.h"

#include "tabular/parquet_write.h"

const char *plan_word(enum plan_action action)
{
    static const char *const words[] = {
        [PLAN_KEEP] = "keep",
        [PLAN_RETAG] = "retag",
        [PLAN_WIDEN] = "widen",
        [PLAN_CAST] = "cast",
        [PLAN_UNDECLARED] = "undeclared",
        [PLAN_IGNORED] = "ignored",
        [PLAN_UNSUPPORTED] = "unsupported",
    };
    return words[action];
}

/* UINT32 and IPV4 are the same number, ASCII is UTF-8. */
static bool is_retag(const struct type *from, const struct type *to)
{
    return from->arrays == 0 && to->arrays == 0 &&
           ((from->kind == TYPE_UINT32 && to->kind == TYPE_IPV4) ||
            (from->kind == TYPE_VARCHAR && to->kind == TYPE_NVARCHAR));
}

enum plan_action plan_of(const struct type *from, const struct type *to, bool text)
{
    struct type wide = { .kind = TYPE_NULL };
    if (text && !parquet_write_takes(to))
        return PLAN_UNSUPPORTED;
    if (type_equal(from, to))
        return PLAN_KEEP;
    if (is_retag(from, to))
        return PLAN_RETAG;
    if (type_widen(from, to, &wide) && type_equal(&wide, to))
        return PLAN_WIDEN;
    return text ? PLAN_CAST : PLAN_UNSUPPORTED;
}
