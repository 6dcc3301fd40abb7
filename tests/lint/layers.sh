#!/bin/sh
# Fails when a file includes a layer that layers.txt does not give to its own, or knows a library's
# header or SQL that it may not know.
set -eu
cd "$(dirname "$0")/../.."
status=0

complain() {
    echo "layers: $*" >&2
    status=1
}

allow() { # FOLDER LAYER...: what FOLDER may include besides itself
    folder=$1
    shift
    pattern=$(printf '|%s' "$(basename "$folder")" "$@" | cut -c2-)
    if grep -nE '^ *# *include "[a-z_]+/' "$folder"/*.[ch] /dev/null |
        grep -vE "include \"($pattern)/"; then
        complain "$folder may include only: $pattern"
    fi
    # A quoted include without a folder would slip through: only .def and generated files have none.
    if grep -nE '^ *# *include "[^/"]+"' "$folder"/*.[ch] /dev/null |
        grep -vE 'include "[a-z_0-9]+\.(def|inc)"'; then
        complain "$folder: an include names its folder"
    fi
}

only() { # HEADER WHAT FILE-PATTERN: only matching files may include <HEADER>
    if grep -rnE "^ *# *include <$1>" fcgi db | grep -vE "^($3):"; then
        complain "only $2 may include <$1>"
    fi
}

surfaces=$(sed -nE 's/^SURFACE\(([a-z]+)\)$/\1/p' fcgi/surfaces.def)
# shellcheck disable=SC2086 # layers are words
while read -r layer may; do
    case $layer in
        '#' | '') ;;
        db) allow db $may ;;
        sqlite) allow db/sqlite db $may ;; # it keeps what the headers of db/ promise
        surfaces)
            for layer in $surfaces; do
                allow "fcgi/$layer" $may
            done
            ;;
        *) allow "fcgi/$layer" $may ;;
    esac
done <fcgi/layers.txt
for folder in fcgi/*/; do
    layer=$(basename "$folder")
    if ! grep -q "^$layer\b" fcgi/layers.txt && ! echo "$surfaces" | grep -qx "$layer"; then
        complain "$folder is neither in fcgi/layers.txt nor in fcgi/surfaces.def"
    fi
done

# worker.c serves whatever surfaces main.c gives to it.
if grep -nE "^ *# *include \"($(echo "$surfaces" | paste -sd'|'))/" fcgi/worker.[ch]; then
    complain "worker.c must not know a surface"
fi

only 'fcgi[a-z_]*\.h' 'http/fcgx.[ch] and worker.[ch]' 'fcgi/http/fcgx\.[ch]|fcgi/worker\.[ch]'
only 'sqlite3\.h' db 'db/sqlite/[a-z_0-9]+\.[ch]'
only 'json-c/[a-z_]*\.h' 'json and what is above it' \
    "fcgi/(json|tabular|http|auth|$(echo "$surfaces" | paste -sd'|'))/[a-z_0-9]+\.[ch]"
only '(zlib|zstd|lz4frame|brotli/decode|xxhash)\.h' stream 'fcgi/stream/[a-z_0-9]+\.[ch]'
only 'openssl/[a-z]*\.h' 'stream, db and auth' '(fcgi/stream|fcgi/auth|db/sqlite)/[a-z_0-9]+\.[ch]'
only 'pthread\.h' nobody '-'

# SQL is text that starts as a statement does.
words='SELECT .* FROM|INSERT (OR|INTO)|UPDATE .* SET|DELETE FROM|CREATE (TABLE|INDEX|VIEW)|PRAGMA'
if grep -rnE "\"($words) " fcgi; then
    complain "SQL stands in db/ alone"
fi
# An HTTP status has no place below http.
if grep -nE '\bstatus *= *[1-5][0-9][0-9]\b|exchange_reply' \
    fcgi/base/*.c fcgi/stream/*.c fcgi/blob/*.c fcgi/tabular/*.c db/*.c db/sqlite/*.c; then
    complain "statuses are the business of the surfaces"
fi
exit $status
