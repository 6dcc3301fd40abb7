#include "base/config.h"

#include "base/limits.h"
#include "base/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum setting_kind { KIND_TEXT, KIND_NUMBER, KIND_WORD };

/* One line of config.def. */
struct setting {
    enum setting_kind kind;
    const char *variable;
    const char *standard; /* the default as text; NULL for numbers */
    const char *words;    /* KIND_WORD: "first|second" */
    int64_t number;       /* the default of a KIND_NUMBER */
    int64_t least;
    int64_t most;
    size_t offset; /* of the field in struct config */
};

static const struct setting settings[] = {
#define SETTING_TEXT(field, variable, standard, least, most, meaning)                              \
    { KIND_TEXT, variable, standard, NULL, 0, least, most, offsetof(struct config, field) },
#define SETTING_NUMBER(field, variable, standard, least, most, meaning)                            \
    { KIND_NUMBER, variable, NULL, NULL, standard, least, most, offsetof(struct config, field) },
#define SETTING_WORD(field, variable, standard, words, meaning)                                    \
    { KIND_WORD, variable, standard, words, 0, 0, 0, offsetof(struct config, field) },
#include "base/config.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER
#undef SETTING_WORD
};

enum {
    SETTING_COUNT = sizeof settings / sizeof settings[0],
    NAME_SHOWN_MAX = 80, /* bytes of an unknown name that a message repeats */
};

static const char prefix[] = "SLUICE_";

static char *text_field(struct config *config, const struct setting *setting)
{
    return (char *)config + setting->offset;
}

static int64_t *number_field(struct config *config, const struct setting *setting)
{
    return (int64_t *)(void *)((char *)config + setting->offset);
}

static int *word_field(struct config *config, const struct setting *setting)
{
    return (int *)(void *)((char *)config + setting->offset);
}

/* The index of value in "first|second", -1 when it is not one of them. */
static int word_index(const char *words, const char *value)
{
    const size_t len = strlen(value);
    int index = 0;
    for (const char *at = words;; index++) {
        const char *end = strchrnul(at, '|');
        if ((size_t)(end - at) == len && memcmp(at, value, len) == 0)
            return index;
        if (*end == '\0')
            return -1;
        at = end + 1;
    }
}

static bool is_printable(const char *value)
{
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F)
            return false;
    }
    return true;
}

static enum fault set_text(struct config *config, const struct setting *setting, const char *value,
                           struct problem *why)
{
    const size_t len = strlen(value);
    if (len < (size_t)setting->least || len > (size_t)setting->most) {
        return problem_set(why, FAULT_MALFORMED, "%s must have %lld to %lld bytes, not %zu",
                           setting->variable, (long long)setting->least, (long long)setting->most,
                           len);
    }
    if (!is_printable(value))
        return problem_set(why, FAULT_MALFORMED, "%s must not hold control characters",
                           setting->variable);
    memcpy(text_field(config, setting), value, len + 1);
    return FAULT_NONE;
}

static enum fault set_number(struct config *config, const struct setting *setting,
                             const char *value, struct problem *why)
{
    int64_t number = 0;
    if (!number_i64(value, strlen(value), &number) || number < setting->least ||
        number > setting->most) {
        return problem_set(why, FAULT_MALFORMED, "%s must be a number from %lld to %lld, not '%s'",
                           setting->variable, (long long)setting->least, (long long)setting->most,
                           value);
    }
    *number_field(config, setting) = number;
    return FAULT_NONE;
}

static enum fault set_word(struct config *config, const struct setting *setting, const char *value,
                           struct problem *why)
{
    const int index = word_index(setting->words, value);
    if (index < 0)
        return problem_set(why, FAULT_MALFORMED, "%s must be one of %s, not '%s'",
                           setting->variable, setting->words, value);
    *word_field(config, setting) = index;
    return FAULT_NONE;
}

static enum fault set_value(struct config *config, const struct setting *setting, const char *value,
                            struct problem *why)
{
    switch (setting->kind) {
    case KIND_TEXT:
        return set_text(config, setting, value, why);
    case KIND_NUMBER:
        return set_number(config, setting, value, why);
    case KIND_WORD:
        return set_word(config, setting, value, why);
    }
    return FAULT_NONE;
}

static enum fault set_standard(struct config *config, const struct setting *setting,
                               struct problem *why)
{
    if (setting->kind == KIND_NUMBER) {
        *number_field(config, setting) = setting->number;
        return FAULT_NONE;
    }
    return set_value(config, setting, setting->standard, why);
}

/* One NAME=value of the environment; names of others are passed over. */
static enum fault read_entry(struct config *config, const char *entry, struct problem *why)
{
    if (strncmp(entry, prefix, sizeof prefix - 1) != 0)
        return FAULT_NONE;
    const char *equals = strchrnul(entry, '=');
    const size_t name_len = (size_t)(equals - entry);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (strlen(settings[i].variable) == name_len &&
            memcmp(settings[i].variable, entry, name_len) == 0)
            return set_value(config, &settings[i], *equals ? equals + 1 : "", why);
    }
    return problem_set(why, FAULT_MALFORMED,
                       "%.*s is not a setting; sluice check prints those that are",
                       (int)(name_len < NAME_SHOWN_MAX ? name_len : NAME_SHOWN_MAX), entry);
}

/* What stands behind "http://" or "https://"; NULL for another scheme. */
static const char *behind_http(const char *url)
{
    static const char plain[] = "http://";
    static const char secure[] = "https://";
    if (strncmp(url, plain, sizeof plain - 1) == 0)
        return url + sizeof plain - 1;
    return strncmp(url, secure, sizeof secure - 1) == 0 ? url + sizeof secure - 1 : NULL;
}

/* Origins as browsers write them: a scheme, a host and perhaps a port, separated by ','. */
static enum fault check_origins(const struct config *config, struct problem *why)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ".-_[]:";
    const char *at = config->cors_origins;
    if (*at && config->auth == AUTH_OPEN) {
        return problem_set(why, FAULT_MALFORMED,
                           "SLUICE_CORS_ORIGINS is for SLUICE_AUTH=required: without a credential "
                           "no page is let in");
    }
    while (*at) {
        const char *end = strchrnul(at, ',');
        const char *host = behind_http(at);
        if (!host || host >= end || strspn(host, allowed) != (size_t)(end - host)) {
            return problem_set(why, FAULT_MALFORMED,
                               "SLUICE_CORS_ORIGINS must list origins such as "
                               "https://ui.example:8443, separated by ','");
        }
        at = *end ? end + 1 : end;
    }
    return FAULT_NONE;
}

/* "FOLDER" or "TABLES=FOLDER", separated by ':'. */
static enum fault check_roots(const char *roots, struct problem *why)
{
    for (const char *root = roots; *root;) {
        const char *end = strchrnul(root, ':');
        const char *equals = memchr(root, '=', (size_t)(end - root));
        const char *folder = *root != '/' && equals ? equals + 1 : root;
        const size_t pattern = folder > root ? (size_t)(folder - 1 - root) : 0;
        if (*folder != '/' || end == folder + 1 || (folder > root && pattern == 0) ||
            pattern >= NAME_MAX_BYTES) {
            return problem_set(why, FAULT_MALFORMED,
                               "SLUICE_DEEP_STORE_ROOTS must list absolute folders other than /, "
                               "each alone or behind a pattern of tables and '='");
        }
        root = *end ? end + 1 : end;
    }
    return FAULT_NONE;
}

/* What the bounds of single values cannot say. */
static enum fault check_whole(const struct config *config, struct problem *why)
{
    if (config->public_url[0] && !behind_http(config->public_url))
        return problem_set(why, FAULT_MALFORMED,
                           "SLUICE_PUBLIC_URL must begin with http:// or https://");
    if (strcmp(config->state, "/") == 0)
        return problem_set(why, FAULT_MALFORMED, "SLUICE_STATE must be a folder of its own, not /");
    const enum fault f = check_roots(config->deep_store_roots, why);
    return f ? f : check_origins(config, why);
}

enum fault config_load(struct config *config, char *const *environment, struct problem *why)
{
    enum fault f = FAULT_NONE;
    for (size_t i = 0; i < SETTING_COUNT && !f; i++)
        f = set_standard(config, &settings[i], why);
    for (char *const *entry = environment; *entry && !f; entry++)
        f = read_entry(config, *entry, why);
    if (!f)
        f = check_whole(config, why);
    return f;
}

/* The word at an index that set_word() stored. */
static void print_word(const char *words, int index, FILE *out)
{
    const char *at = words;
    for (int i = 0; i < index; i++)
        at = strchrnul(at, '|') + 1;
    (void)fprintf(out, "%.*s", (int)(strchrnul(at, '|') - at), at);
}

static void print_setting(const char *base, const struct setting *setting, FILE *out)
{
    bool standard = false;
    (void)fprintf(out, "%s=", setting->variable);
    switch (setting->kind) {
    case KIND_TEXT: {
        const char *text = base + setting->offset;
        standard = strcmp(text, setting->standard) == 0;
        (void)fputs(text, out);
        break;
    }
    case KIND_NUMBER: {
        int64_t number = 0;
        memcpy(&number, base + setting->offset, sizeof number);
        standard = number == setting->number;
        (void)fprintf(out, "%lld", (long long)number);
        break;
    }
    case KIND_WORD: {
        int index = 0;
        memcpy(&index, base + setting->offset, sizeof index);
        standard = index == word_index(setting->words, setting->standard);
        print_word(setting->words, index, out);
        break;
    }
    }
    (void)fputs(standard ? "  (default)\n" : "\n", out);
}

void config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        print_setting((const char *)config, &settings[i], out);
}
