#!/bin/bash
# Fails when a header does not compile alone, or has no guard that is named after it.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
read -ra flags <<<"-std=c11 -D_GNU_SOURCE -Wall -Wextra -Ifcgi -I. $(pkg-config --cflags json-c)"

for header in fcgi/*.h fcgi/*/*.h db/*.h db/*/*.h; do
    if ! printf '#include "%s"\n' "${header#fcgi/}" |
        gcc "${flags[@]}" -Werror -fsyntax-only -xc -; then
        echo "headers: $header does not compile alone" >&2
        status=1
    fi
    name=$(basename "$(dirname "$header")")_$(basename "$header" .h)_H
    [ "$(dirname "$header")" != fcgi ] || name=$(basename "$header" .h)_H
    if ! grep -qx "#ifndef ${name^^}" "$header"; then
        echo "headers: $header: its guard should be ${name^^}" >&2
        status=1
    fi
done
exit $status
