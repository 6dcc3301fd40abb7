#include "base/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "SLUICE_";

/* Where the reading stands; text ends with a NUL. */
struct reader {
    const char *path;
    char *at;
    int line;
};

static enum fault refuse(const struct reader *r, const char *what, struct problem *why)
{
    return problem_set(why, FAULT_MALFORMED, "%s, line %d: %s", r->path, r->line, what);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* '...' : as it stands.  at is behind the opening quote. */
static enum fault take_single(struct reader *r, char **out, struct problem *why)
{
    for (; *r->at && *r->at != '\''; r->at++) {
        r->line += *r->at == '\n';
        *(*out)++ = *r->at;
    }
    if (*r->at != '\'')
        return refuse(r, "a quote is not closed", why);
    r->at++;
    return FAULT_NONE;
}

static enum fault take_double(struct reader *r, char **out, struct problem *why)
{
    for (; *r->at && *r->at != '"'; r->at++) {
        if (r->at[0] == '\\' && r->at[1] && strchr("\"\\`$\n", r->at[1]))
            r->at++;
        r->line += *r->at == '\n';
        if (r->at[0] != '\n' || r->at[-1] != '\\')
            *(*out)++ = *r->at;
    }
    if (*r->at != '"')
        return refuse(r, "a quote is not closed", why);
    r->at++;
    return FAULT_NONE;
}

/* The value behind '=', put over the text that it was read from; it never grows. */
static enum fault take_value(struct reader *r, char **value, struct problem *why)
{
    while (is_blank(*r->at))
        r->at++;
    char *out = r->at;
    char *end = out; /* behind the last byte that is no blank of the line's end */
    *value = out;
    enum fault f = FAULT_NONE;
    while (!f && *r->at && *r->at != '\n') {
        const char byte = *r->at++;
        if (byte == '\'' || byte == '"') {
            f = byte == '"' ? take_double(r, &out, why) : take_single(r, &out, why);
            end = out;
        } else if (byte == '\\' && *r->at == '\n') {
            r->line++;
            r->at++;
        } else {
            const bool escaped = byte == '\\' && *r->at;
            if (escaped)
                *out++ = *r->at++;
            else
                *out++ = byte;
            if (escaped || !is_blank(byte))
                end = out;
        }
    }
    if (*r->at == '\n')
        r->at++;
    *end = '\0';
    return f;
}

/* NAME=, which ends with a NUL then. */
static enum fault take_name(struct reader *r, const char **name, struct problem *why)
{
    char *begin = r->at;
    while (isalnum((unsigned char)*r->at) || *r->at == '_')
        r->at++;
    if (r->at == begin || *r->at != '=' || isdigit((unsigned char)*begin))
        return refuse(r, "neither NAME=value nor a comment", why);
    *r->at++ = '\0';
    *name = begin;
    return FAULT_NONE;
}

static enum fault take_line(struct reader *r, struct problem *why)
{
    const char *name = "";
    char *value = r->at;
    while (is_blank(*r->at))
        r->at++;
    if (*r->at == '#' || *r->at == ';')
        r->at += strcspn(r->at, "\n");
    if (*r->at == '\n' || *r->at == '\0') {
        r->at += *r->at == '\n';
        r->line++;
        return FAULT_NONE;
    }
    enum fault f = take_name(r, &name, why);
    if (!f)
        f = take_value(r, &value, why);
    if (!f && strncmp(name, prefix, sizeof prefix - 1) == 0 && setenv(name, value, 1) != 0)
        f = problem_errno(why, errno, "setenv");
    r->line++;
    return f;
}

enum fault config_file_export(const char *path, struct problem *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return problem_set(why, FAULT_MISSING, "the settings file %s cannot be read: %s", path,
                           strerror(errno));
    char *text = malloc(CONFIG_FILE_MAX + 1);
    const size_t len = text ? fread(text, 1, CONFIG_FILE_MAX + 1, file) : 0;
    (void)fclose(file);
    if (!text)
        return problem_internal(why, "out of memory for the settings file");
    enum fault f = FAULT_NONE;
    struct reader r = { .path = path, .at = text, .line = 1 };
    if (len > CONFIG_FILE_MAX)
        f = problem_set(why, FAULT_MALFORMED, "%s is longer than %d bytes", path, CONFIG_FILE_MAX);
    else
        text[len] = '\0';
    while (!f && *r.at)
        f = take_line(&r, why);
    free(text);
    return f;
}
