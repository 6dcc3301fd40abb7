#!/bin/sh
# Fails when a script does not parse; shellcheck, where it is installed, looks closer.
set -eu
cd "$(dirname "$0")/../.."
status=0
for file in $(git ls-files -co --exclude-standard | grep -vE '^tests/golden/'); do
    [ -f "$file" ] || continue
    case $file in
        *.sh) ;;
        *) head -n 1 "$file" | grep -aqE '^#!/bin/(ba)?sh' || continue ;;
    esac
    bash -n "$file" || status=1
    if command -v shellcheck >/dev/null; then
        shellcheck -x -S warning "$file" || status=1
    fi
done
python=$(command -v /usr/bin/python3 || command -v python3)
for file in $(git ls-files -co --exclude-standard '*.py'); do
    "$python" - "$file" <<'END' || status=1
import ast, sys
ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])
END
done
exit $status
