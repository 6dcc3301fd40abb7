#include "pinot/names.h"

#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Longest suffix: a raw name is so short that it fits with any. */
enum { SUFFIX_LEN = sizeof "_REALTIME" - 1 };

const char *pinot_type_word(enum pinot_type type)
{
    switch (type) {
    case PINOT_NO_TYPE:
        return "null";
    case PINOT_OFFLINE:
        return "OFFLINE";
    case PINOT_REALTIME:
        return "REALTIME";
    }
    return "null";
}

bool pinot_type_parse(const char *word, enum pinot_type *out)
{
    if (!word || word[0] == '\0')
        *out = PINOT_NO_TYPE;
    else if (text_same(word, "OFFLINE"))
        *out = PINOT_OFFLINE;
    else if (text_same(word, "REALTIME"))
        *out = PINOT_REALTIME;
    else
        return false;
    return true;
}

/* Every byte is one that a name may have. */
static bool is_plain(const char *name)
{
    enum { DELETE = 0x7F };
    for (const char *at = name; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == DELETE || *at == '/' || *at == '\\')
            return false;
    }
    return text_is_utf8(name, strlen(name));
}

static enum fault check_database(const char *given, const char *database, struct problem *why)
{
    const char *dot = strchr(given, '.');
    if (dot && strchr(dot + 1, '.'))
        return problem_set(why, FAULT_MALFORMED,
                           "Table name: '%s' containing more than one '.' is not allowed", given);
    if (!dot || !database || database[0] == '\0')
        return FAULT_NONE;
    const size_t len = (size_t)(dot - given);
    if (strlen(database) == len && memcmp(given, database, len) == 0)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "Database name '%.*s' from table prefix does not match database name '%s' "
                       "from header",
                       (int)len, given, database);
}

static enum pinot_type suffix_of(const char *name, size_t *len)
{
    static const char *const words[] = {
        [PINOT_OFFLINE] = "_OFFLINE", [PINOT_REALTIME] = "_REALTIME"
    };
    for (int type = PINOT_OFFLINE; type <= PINOT_REALTIME; type++) {
        const size_t suffix = strlen(words[type]);
        if (*len > suffix && strcmp(name + *len - suffix, words[type]) == 0) {
            *len -= suffix;
            return type == PINOT_OFFLINE ? PINOT_OFFLINE : PINOT_REALTIME;
        }
    }
    return PINOT_NO_TYPE;
}

static enum fault bad_name(struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED,
                       "the table name is empty, too long or has characters that no name has");
}

enum fault table_name_parse(const char *given, const char *database, struct table_name *out,
                            struct problem *why)
{
    const bool prefixed = !database || database[0] == '\0' || strcmp(database, "default") == 0;
    if (given[0] == '\0' || !is_plain(given) || strlen(given) >= NAME_MAX_BYTES)
        return bad_name(why);
    enum fault f = check_database(given, database, why);
    if (f)
        return f;
    const bool add = !prefixed && !strchr(given, '.');
    if (add && (!is_plain(database) || strchr(database, '.') ||
                strlen(database) + 1 + strlen(given) >= NAME_MAX_BYTES))
        return problem_set(why, FAULT_MALFORMED, "the database header is not a database's name");
    (void)snprintf(out->given, sizeof out->given, "%s%s%s", add ? database : "", add ? "." : "",
                   given);
    size_t len = strlen(out->given);
    out->type = suffix_of(out->given, &len);
    if (len >= NAME_MAX_BYTES - SUFFIX_LEN)
        return bad_name(why);
    memcpy(out->raw, out->given, len);
    out->raw[len] = '\0';
    return FAULT_NONE;
}

void table_name_full(const char *raw, enum pinot_type type, char out[NAME_MAX_BYTES])
{
    (void)snprintf(out, NAME_MAX_BYTES, "%.*s_%s", NAME_MAX_BYTES - SUFFIX_LEN - 1, raw,
                   pinot_type_word(type));
}

enum fault segment_name_check(const char *name, struct problem *why)
{
    if (name[0] != '\0' && strlen(name) < NAME_MAX_BYTES && is_plain(name) &&
        strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        return FAULT_NONE;
    return problem_set(why, FAULT_MALFORMED,
                       "a segment name is empty, longer than %d bytes, '.' or '..', or has a slash "
                       "or control characters in it: %.64s",
                       NAME_MAX_BYTES - 1, name);
}
