#include "http/range.h"

#include "base/number.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const struct range whole = { .kind = RANGE_WHOLE };
static const struct range unsatisfiable = { .kind = RANGE_UNSATISFIABLE };

/* Digits, at least one; a position past uint64 is past every content. */
static bool position(const char *text, size_t len, uint64_t *out)
{
    if (len == 0 || strspn(text, "0123456789") < len)
        return false;
    if (!number_u64(text, len, out))
        *out = UINT64_MAX;
    return true;
}

static struct range last_bytes(uint64_t count, uint64_t size)
{
    if (count == 0)
        return unsatisfiable;
    if (size == 0)
        return whole;
    const uint64_t take = count < size ? count : size;
    return (struct range){ RANGE_PART, size - take, take };
}

static struct range between(uint64_t first, uint64_t last, uint64_t size)
{
    if (first > last)
        return whole; /* invalid, so it is ignored (section 14.1.1) */
    if (first >= size)
        return unsatisfiable;
    const uint64_t end = last < size - 1 ? last : size - 1;
    return (struct range){ RANGE_PART, first, end - first + 1 };
}

struct range range_parse(const char *value, uint64_t size)
{
    static const char unit[] = "bytes=";
    uint64_t first = 0;
    uint64_t last = UINT64_MAX;
    if (!value || strncasecmp(value, unit, sizeof unit - 1) != 0)
        return whole;
    const char *from = value + sizeof unit - 1;
    const size_t from_len = strcspn(from, "-");
    if (from[from_len] != '-')
        return whole;
    const char *to = from + from_len + 1;
    const size_t to_len = strlen(to);
    if (from_len == 0)
        return position(to, to_len, &last) ? last_bytes(last, size) : whole;
    if (!position(from, from_len, &first) || (to_len > 0 && !position(to, to_len, &last)))
        return whole;
    return between(first, last, size);
}
