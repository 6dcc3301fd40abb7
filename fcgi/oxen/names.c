#include "oxen/names.h"

#include "base/limits.h"
#include "oxen/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { NAMESPACE_MAX = 50, NAME_LEAST = 2, CONTROL_END = 0x20, DELETE = 0x7F };

static bool is_alnum(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

/* A letter or digit, then at least one more or any of others; max bytes in all. */
static bool fits(const char *text, const char *others, size_t max)
{
    const size_t len = strlen(text);
    if (len < NAME_LEAST || len > max || !is_alnum(text[0]))
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!is_alnum(text[i]) && !strchr(others, text[i]))
            return false;
    }
    return true;
}

enum fault oxen_names_new(const char *namespace, const char *name, struct problem *why)
{
    if (!fits(namespace, "_-", NAMESPACE_MAX)) {
        return problem_code(why, FAULT_MALFORMED, OXEN_SAID,
                            "Invalid namespace name '%.*s'. Must match "
                            "[a-zA-Z0-9][a-zA-Z0-9_-]{1,49}",
                            NAME_MAX_BYTES, namespace);
    }
    if (!fits(name, "_.-", NAME_MAX_BYTES - 1)) {
        return problem_code(why, FAULT_MALFORMED, OXEN_SAID,
                            "Invalid repository name '%.*s'. Must match "
                            "[a-zA-Z0-9][a-zA-Z0-9_.-]+",
                            NAME_MAX_BYTES, name);
    }
    return FAULT_NONE;
}

static bool is_segment(const char *text)
{
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (; *text; text++) {
        if (*text == '/' || *text == DELETE || (unsigned char)*text < CONTROL_END)
            return false;
    }
    return true;
}

enum fault oxen_names_path(const char *namespace, const char *name, struct problem *why)
{
    if (is_segment(namespace) && is_segment(name))
        return FAULT_NONE;
    return problem_code(why, FAULT_MALFORMED, OXEN_DESCRIBED,
                        "A namespace and a repository name must each be a single path segment");
}
