#!/bin/sh
# Fails when a tracked text names a folder or a host of somebody's machine.
set -eu
cd "$(dirname "$0")/../.."
status=0
paths='/(root|home/[a-z]|Users/[a-z]|work/|tmp/wt|mnt/[a-z])'
hosts='https?://([a-z0-9-]+\.)*(internal|corp|lan|local)\b'
secrets='(AKIA|ghp_|github_pat_|xox[bp]-|-----BEGIN [A-Z ]*PRIVATE KEY)'
if git ls-files -co --exclude-standard |
    grep -vE '^tests/(golden|fuzz/corpus)/|^tests/lint/machine\.sh$' |
    xargs grep -nIE "$paths|$hosts|$secrets"; then
    echo "machine: the project speaks of itself alone" >&2
    status=1
fi
if git ls-files -s | grep -E '^120000'; then
    echo "machine: no symbolic links" >&2
    status=1
fi
exit $status
