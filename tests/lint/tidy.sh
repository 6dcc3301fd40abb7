#!/bin/bash
# clang-tidy 14 over every file of a clang build, two at a time, each in a process of its own:
# several in one make its va_list check see uninitialised ones.  Not among the quick ones.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/clang}
[ -e "$build/compile_commands.json" ] || {
    echo "tidy: configure $build with clang first" >&2
    exit 1
}
# Of the tests only those in C that the build knows.
git ls-files -z -co --exclude-standard 'fcgi/*.c' 'db/*.c' 'tests/*.c' |
    while IFS= read -r -d '' file; do
        if grep -q "/$file\"" "$build/compile_commands.json"; then
            printf '%s\0' "$file"
        fi
    done |
    xargs -0 -r -n 1 -P 2 clang-tidy-14 --quiet --config-file=tests/lint/clang-tidy -p "$build"
