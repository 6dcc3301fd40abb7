#!/bin/bash
# Fails when README.md's table of packages is not deploy/packages.txt, or one is named elsewhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/packages.sh
. deploy/packages.sh
status=0

if ! diff <(sed -n '/^#/!s/.*/| & |/p' deploy/packages.txt) \
    <(grep -E '^\| (program|server|tests) \|' README.md); then
    echo "packages: README.md's table (>) is not that of deploy/packages.txt (<)" >&2
    status=1
fi
mapfile -t names < <(packages_of program tests | grep -E -- '-dev$|^python3-')
[ ${#names[@]} -gt 0 ] || status=1
if git ls-files -z -co --exclude-standard |
    grep -zvE '^(tests/golden/|README\.md$|deploy/packages\.txt$)' |
    xargs -0 grep -nIwE "$(paste -sd'|' <(printf '%s\n' "${names[@]}"))"; then
    echo "packages: named once, in deploy/packages.txt" >&2
    status=1
fi
exit $status
