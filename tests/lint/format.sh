#!/bin/bash
# Fails where clang-format 14 would change something.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z -co --exclude-standard 'fcgi/*.[ch]' 'db/*.[ch]' 'tests/*.[ch]' |
    xargs -0 -r clang-format-14 --style=file:tests/lint/clang-format -n -Werror
