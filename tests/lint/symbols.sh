#!/bin/bash
# Fails when an object calls upwards, which no linker notices: when a symbol that it needs is
# defined in a layer that layers.txt does not give to its own, or when files of one folder call
# each other in a circle.  Reads the libraries of build/Debug, one a layer.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/Debug}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
table=$work/layers
status=0
# layers.txt with a row for each surface
awk -F'[()]' 'FNR == NR { if (/^SURFACE/) surface[$2] = 1; next }
    /^surfaces / { for (s in surface) print s substr($0, 9); next }
    { print }' fcgi/surfaces.def fcgi/layers.txt >"$table"

complain() {
    echo "symbols: $*" >&2
    status=1
}

[ -e "$build/libbase.a" ] || {
    echo "symbols: build $build first" >&2
    exit 1
}

name='[A-Za-z_0-9]'
symbols() { # NM-OPTION...: "layer file symbol" of every object
    nm -A "$@" "$build"/lib*.a |
        sed -nE "s#^.*/lib([a-z]+)\.a:($name+)\.c\.o: *[0-9a-f]* [A-Z] ($name+)\$#\1 \2.c \3#p"
}
symbols -g --defined-only >"$work/defined"
symbols -u >"$work/needed"

# Of each call "layer file layer file symbol".  What no layer defines belongs to a system library.
awk 'NR == FNR { at[$3] = $1 " " $2; next } $3 in at { print $1, $2, at[$3], $3 }' \
    "$work/defined" "$work/needed" >"$work/calls"
[ -s "$work/calls" ] || complain "no calls were found"

if ! awk '
    FNR == NR {
        if ($1 != "#" && NF > 0)
            known[$1] = 1
        for (i = 1; i <= NF; i++)
            may[$1, $i] = 1
        next
    }
    !($1 in known) { print "symbols: " $1 " is not in layers.txt"; bad = 1; next }
    !(($1, $3) in may) { print "symbols: " $1 "/" $2 " calls " $5 " of " $3 "/" $4; bad = 1 }
    END { exit bad }' "$table" "$work/calls" | sort -u >&2; then
    complain "a layer calls one that it may not use"
fi
if ! awk '
    /^#/ || NF == 0 { next }
    {
        for (i = 2; i <= NF; i++)
            if (!($i in seen)) {
                print "symbols: " $1 " uses " $i ", which does not stand above it"
                bad = 1
            }
        seen[$1] = 1
    }
    END { exit bad }' "$table" >&2; then
    complain "fcgi/layers.txt has a circle"
fi

# Reads pairs "user used"; prints the members of each circle, and nothing when there is none.
circles() {
    { tsort 2>&1 >/dev/null || true; } |
        sed -E 's/^tsort: //; s/^.*input contains a loop:$/a circle:/'
}
owed='^blob/' # is being taken apart
found=$(awk '$1 == $3 && $2 != $4 { print $1 "/" $2, $3 "/" $4 }' "$work/calls" | sort -u |
    grep -vE "$owed" | circles)
[ -z "$found" ] || complain "files of a folder call each other: ${found//$'\n'/ }"

# Transactions are run by db_write and db_read, and the reply path settles.
found=$(awk -F'[()]' '/^SURFACE/ { print $2 }' fcgi/surfaces.def | while read -r surface; do
    grep -E "^$surface .* db_(begin|read_begin|commit|commit_unsettled|rollback|settle)$" \
        "$work/needed" || true
done)
[ -z "$found" ] || complain "a surface runs a transaction by hand: $found"

# Headers that include each other: their guards would hide it.
found=$(grep -HE '^ *# *include "[a-z_/0-9]+\.h"' fcgi/*.h fcgi/*/*.h db/*.h db/*/*.h |
    sed -nE 's#^(fcgi/)?([^:]*):.*"([^"]*)".*#\2 \3#p' | circles)
[ -z "$found" ] || complain "headers include each other: ${found//$'\n'/ }"
exit $status
