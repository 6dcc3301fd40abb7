#!/bin/bash
# Fails when a recipe of fcgi/README.md does not name every file: its example must not stand in any
# other; or when it names one that does not exist.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0

complain() {
    echo "recipes: $*" >&2
    status=1
}

matches() { # PATTERN: as a regular expression of paths
    sed -E 's/[.]/\\./g; s/\*/[^\/]*/g; s/SURFACE|NNNN_name|NAME/[^\/]*/g' <<<"$1"
}

check() { # TITLE EXAMPLE: the recipe is read from standard input
    local title=$1 example=$2 pattern file found=0
    local -a patterns=()
    while read -r pattern; do
        patterns+=("$(matches "$pattern")")
        git ls-files -co --exclude-standard | grep -E "^${patterns[-1]}\$" >/dev/null ||
            complain "$title: there is no $pattern"
    done < <(grep -oE '`[a-z]+/[^` ]*\.[a-z]+`|`README\.md`' | tr -d '`')
    while read -r file; do
        found=$((found + 1))
        grep -qE "^($(paste -sd'|' <(printf '%s\n' "${patterns[@]}")))\$" <<<"$file" ||
            complain "$title: $example stands in $file, too"
    done < <(
        git grep --untracked -liE "(\\b|_)$example\\b" -- . ':!tests/golden' ':!fcgi/README.md'
        git ls-files -co --exclude-standard | grep -E "/$example\\." || true
    )
    [ $found -gt 1 ] || [[ $title = *migration* ]] || complain "$title: $example is no example"
}

recipes=0
while IFS=$'\t' read -r title example; do
    recipes=$((recipes + 1))
    check "$title" "$example" < <(
        awk -v t="**$title** (" 'index($0, t) == 1 { on = 1; next }
            /^\*\*|^## / { on = 0 }
            on' fcgi/README.md
    )
done < <(sed -nE 's/^\*\*(An? [a-z]+)\*\* \(example: `([^`]*)`\)$/\1\t\2/p' fcgi/README.md)
[ $recipes -ge 7 ] || complain "only $recipes recipes were found"
exit $status
