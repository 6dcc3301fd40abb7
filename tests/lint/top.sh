#!/bin/sh
# Fails when the top level holds anything else, a folder does not say why it is there, or a
# migration's number is not the next one.
set -eu
cd "$(dirname "$0")/../.."
status=0

wanted='CMakeLists.txt README.md db deploy fcgi migrations tests '
found=$(git ls-files -co --exclude-standard | sed 's|/.*||' | grep -v '^\.' | LC_ALL=C sort -u |
    tr '\n' ' ')
if [ "$found" != "$wanted" ]; then
    echo "top: there is ${found}and should be $wanted" >&2
    status=1
fi
for folder in db deploy fcgi fcgi/*/ tests tests/bench; do
    if [ -d "$folder" ] && ! [ -s "$folder/README.md" ]; then
        echo "top: $folder/README.md does not say why" >&2
        status=1
    fi
done
# Migrations are numbered without a gap.
number=1
for file in migrations/*; do
    case $file in
        "migrations/$(printf '%04d' $number)"_*.sql) ;;
        *)
            echo "top: $file: expected number $number" >&2
            status=1
            ;;
    esac
    number=$((number + 1))
done
exit $status
