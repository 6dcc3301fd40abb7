#include "stream/parameters.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static char *skip_space(char *at)
{
    return at + strspn(at, " \t");
}

/* RFC 9110 section 5.6.2. */
static bool is_token_byte(char byte)
{
    return isalnum((unsigned char)byte) || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

char *parameters_value(char *text, char **rest)
{
    char *begin = skip_space(text);
    char *end = begin + strcspn(begin, ";");
    *rest = end;
    char *last = end;
    while (last > begin && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    if (*end == ';') {
        *rest = end + 1;
        *last = '\0';
    } else {
        *last = '\0';
        *rest = last;
    }
    return begin;
}

/* The text behind an opening quote; *at ends behind the closing one. */
static bool read_quoted(char **at, char **value)
{
    char *to = *at;
    const char *from = *at;
    *value = to;
    while (*from && *from != '"') {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from++;
    }
    if (*from != '"')
        return false;
    *at += from + 1 - *at;
    *to = '\0';
    return true;
}

/* Unquoted: to the next ';' or white space; it may be empty, as clients send it. */
static bool read_plain(char **at, char **value, char *ended_by)
{
    char *end = *at + strcspn(*at, "; \t\"");
    if (*end == '"')
        return false;
    *value = *at;
    *ended_by = *end;
    *at = *end ? end + 1 : end;
    *end = '\0';
    return true;
}

bool parameters_next(char **rest, char **name, char **value)
{
    char *at = skip_space(*rest);
    *name = NULL;
    while (*at == ';') /* empty parameters are allowed */
        at = skip_space(at + 1);
    *rest = at;
    if (*at == '\0')
        return true;
    char *begin = at;
    while (is_token_byte(*at))
        at++;
    if (at == begin || *at != '=')
        return false;
    *at++ = '\0';
    char ended_by = '\0';
    if (*at == '"') {
        at++;
        if (!read_quoted(&at, value))
            return false;
        at = skip_space(at);
        ended_by = *at;
        if (*at)
            at++;
    } else if (!read_plain(&at, value, &ended_by)) {
        return false;
    }
    if (ended_by == ' ' || ended_by == '\t') {
        at = skip_space(at);
        ended_by = *at;
        if (*at)
            at++;
    }
    if (ended_by && ended_by != ';')
        return false;
    *name = begin;
    *rest = at;
    return true;
}
