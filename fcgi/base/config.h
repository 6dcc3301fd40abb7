/*
 * config.h - the settings, read once at start from SLUICE_* environment variables.
 *
 * config.def is the one table; the README prints it.  Unknown SLUICE_* names and values outside
 * their bounds are refused, so that a misspelt setting never goes unnoticed.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/problem.h"

#include <stdint.h>
#include <stdio.h>

enum auth_mode { AUTH_REQUIRED = 0, AUTH_OPEN };
enum sendfile_mode { SENDFILE_OFF = 0, SENDFILE_X_SENDFILE, SENDFILE_X_ACCEL };

struct config {
#define SETTING_TEXT(field, variable, standard, least, most, meaning) char field[(most) + 1];
#define SETTING_NUMBER(field, variable, standard, least, most, meaning) int64_t field;
#define SETTING_WORD(field, variable, standard, words, meaning) int field;
#include "base/config.def"
#undef SETTING_TEXT
#undef SETTING_NUMBER
#undef SETTING_WORD
};

/* Fills config from an environment (NULL-terminated NAME=value, as environ).  On a fault the text
 * names the variable and what would be right; config is then not to be used. */
MUST_CHECK enum fault config_load(struct config *config, char *const *environment,
                                  struct problem *why);

/* Prints one "VARIABLE=value" line a setting, in the order of config.def, marking defaults. */
void config_print(const struct config *config, FILE *out);

#endif
