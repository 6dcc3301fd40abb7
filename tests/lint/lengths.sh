#!/bin/sh
# Fails on what a reader should not have to look for: long files, stray blanks, left-overs, and
# constructions that the style forbids and clang-tidy 14 cannot see.
set -eu
cd "$(dirname "$0")/../.."
status=0
lines_max=500
function_lines_max=60
columns_max=100

complain() {
    echo "lengths: $*" >&2
    status=1
}

sources=$(git ls-files -co --exclude-standard 'fcgi/*.[ch]' 'db/*.[ch]' 'tests/*.[ch]')
code=$(git ls-files -co --exclude-standard 'fcgi/*.[ch]' 'db/*.[ch]')
texts=$(git ls-files -co --exclude-standard | grep -vE '^tests/(golden|fuzz/corpus)/' |
    xargs grep -lI '' 2>/dev/null)

forbid() { # WHAT PATTERN FILE...
    what=$1
    pattern=$2
    shift 2
    if grep -nE "$pattern" "$@" /dev/null; then
        complain "$what"
    fi
}

for file in $texts; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt $lines_max ]; then
        case $file in
            *.def | *.md) ;; # tables and prose
            *) complain "$file has $lines lines; $lines_max are the most" ;;
        esac
    fi
    if [ -n "$(tail -c 1 "$file")" ]; then
        complain "$file does not end with a line end"
    fi
done

# shellcheck disable=SC2086
if ! awk -v most=$function_lines_max '
    /^\{$/ { from = FNR }
    /^\}/ && from > 0 {
        if (FNR - from + 1 > most) {
            print "lengths: " FILENAME ":" from ": a function of " FNR - from + 1 " lines"
            long = 1
        }
        from = 0
    }
    END { exit long }' $sources >&2; then
    complain "functions have $function_lines_max lines at most"
fi

tab=$(printf '\t')
# shellcheck disable=SC2086,SC2046
{
    forbid "no tabs" "$tab" $texts
    forbid "no blanks at the end of a line" ' $' $texts
    forbid "no conflict that was never resolved" '^(<{7}|>{7}|={7})( |$)' $texts
    forbid "no carriage returns" "$(printf '\r')\$" $texts
    # clang-format measures C; scripts and SQL are held to the same width.
    forbid "lines are at most $columns_max columns wide" ".{$((columns_max + 1))}" \
        $(echo "$texts" | grep -E '\.(sql|sh)$|^deploy/(run|try|fill)$|^tests/run$')
    forbid "no left-overs: make it, or write an issue" '\b(TODO|FIXME|XXX|HACK)\b' \
        $(echo "$texts" | grep -vE '^tests/lint/|\.md$')
    forbid "no code that is switched off" '^ *# *if 0' $sources
    forbid "no assignment in a condition" '\b(if|while) \(.*[]A-Za-z0-9_)] = ' $sources
    forbid "no goto but to the one label out" 'goto ([^o]|o[^u]|ou[^t]|out[^;])' $code
    forbid "numbers are read by base/number.c" \
        '\b(ato(i|l|ll|f)|strto(l|ll|ul|ull|d|f|umax|imax)|sscanf)\(' \
        $(echo "$code" | grep -v '^fcgi/base/number\.c$')
    forbid "no function that does not know the room it has" \
        '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|mktemp|tmpnam|tempnam)\(' $code
    forbid "no cleanup attribute" '__attribute__.*cleanup' $code
    forbid "processes, not threads" '\bpthread_create|\bthrd_create' $sources
}
exit $status
