#!/bin/bash
# Fails when README.md's table of settings is not that of fcgi/base/config.def.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/rows.c" <<'END'
#include <stdio.h>
#include <string.h>

static void row(const char *variable, const char *standard, const char *meaning, const char *words)
{
    printf("| `%s` | ", variable);
    printf(*standard ? "`%s`" : "(empty)", standard);
    printf(" | %s", meaning);
    for (const char *at = words; *at;) {
        const int len = (int)strcspn(at, "|");
        printf(at == words ? " (`%.*s`" : " or `%.*s`", len, at);
        at += len + (at[len] == '|');
    }
    puts(*words ? ") |" : " |");
}

int main(void)
{
#define SETTING_TEXT(field, variable, standard, least, most, meaning) \
    row(variable, standard, meaning, "");
#define SETTING_NUMBER(field, variable, standard, least, most, meaning) \
    row(variable, #standard, meaning, "");
#define SETTING_WORD(field, variable, standard, words, meaning) \
    row(variable, standard, meaning, words);
#include "base/config.def"
    return 0;
}
END
gcc -std=c11 -Ifcgi -o "$work/rows" "$work/rows.c"
if ! diff <("$work/rows") <(grep -E '^\| `SLUICE_' README.md); then
    echo "settings: README.md's table is not that of fcgi/base/config.def (<)" >&2
    exit 1
fi
