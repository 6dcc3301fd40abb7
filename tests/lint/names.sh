#!/bin/bash
# Fails when a global symbol of the program does not begin with the name of what it belongs to: a
# header of its folder or its first word, a type that one of them declares, or the folder; or when
# no header of its folder declares it.  Also: mutable globals and threads.  Reads the libraries
# of build/Debug.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build/Debug}
status=0

complain() {
    echo "names: $*" >&2
    status=1
}

[ -e "$build/libbase.a" ] || {
    echo "names: build $build first" >&2
    exit 1
}

headers_of() { # FOLDER: its headers; what db.h promises is kept below it
    case $1 in
        db/*) printf '%s\n' "$1"/*.h db/*.h ;;
        *) printf '%s\n' "$1"/*.h ;;
    esac
}

prefixes_of() { # FOLDER: one a line
    basename "$1"
    local header
    while read -r header; do
        basename "$header" .h
        basename "$header" .h | sed 's/_.*//'
        sed -nE 's/^(struct|enum|union) ([a-z_0-9]+) ?[{;].*/\2/p' "$header"
    done < <(headers_of "$1")
}

check_folder() { # FOLDER LAYER
    local folder=$1 library=$build/lib$2.a pattern symbol
    local -a headers
    mapfile -t headers < <(headers_of "$folder")
    pattern=$(prefixes_of "$folder" | sort -u | paste -sd'|')
    nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort -u |
        while read -r symbol; do
            if ! [[ $symbol =~ ^($pattern)(_|$) ]]; then
                echo "names: $folder: $symbol begins with no header's or type's name" >&2
            fi
            if ! grep -qE "\b$symbol\b" "${headers[@]}"; then
                echo "names: $folder: $symbol is global and in no header" >&2
            fi
        done
    if objdump -t "$library" | grep -E '[[:space:]](\.data|\.bss|\*COM\*)[[:space:]]' |
        grep -vE ' d |[[:space:]]0{16} '; then
        complain "$folder: a variable that can change"
    fi
    if nm -u "$library" | grep -E 'pthread_create|thrd_create'; then
        complain "$folder: threads"
    fi
}

said=$(
    for folder in fcgi/*/; do
        check_folder "${folder%/}" "$(basename "$folder")"
    done 2>&1
    check_folder db db 2>&1
    check_folder db/sqlite sqlite 2>&1
)
if [ -n "$said" ]; then
    echo "$said" >&2
    status=1
fi
exit $status
