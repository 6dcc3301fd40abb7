#!/bin/bash
# Fails when the two web servers' configurations and fcgi/base/limits.h or config.def disagree, or
# when the two of them send a request to different pools.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0

complain() {
    echo "conf: $*" >&2
    status=1
}

limit() { # NAME: its value in bytes, as the compiler sees it
    {
        echo '#include "base/limits.h"'
        echo '#include <stdio.h>'
        echo "int main(void) { return printf(\"%lld\", (long long)$1) < 0; }"
    } | gcc -xc -Ifcgi -o "$work/limit" - && "$work/limit"
}

nginx_of() { # DIRECTIVE: what stands behind it
    sed -nE "s/^ *$1 ([^;]*);.*/\1/p" deploy/nginx.conf
}

lighttpd_of() { # OPTION
    sed -nE "s/^ *$1 = ([^ ]*).*/\1/p" deploy/lighttpd.conf
}

bytes() { # 24k
    case $1 in
        *k) echo $((${1%k} * 1024)) ;;
        *m) echo $((${1%m} * 1024 * 1024)) ;;
        *) echo "$1" ;;
    esac
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

method_max=32
line=$(($(limit PATH_MAX_BYTES) + $(limit QUERY_MAX_BYTES) + method_max))
header=$(($(limit HEADER_VALUE_MAX) + 256))
read -r count size <<<"$(nginx_of large_client_header_buffers)"
buffer=$(bytes "$size")
[ "$buffer" -ge $line ] || complain "nginx: a request line of $line bytes does not fit in $size"
[ "$buffer" -ge $header ] || complain "nginx: a header of $header bytes does not fit in $size"
all=$(lighttpd_of server.max-request-field-size)
[ "$all" -ge $((line + header)) ] || complain "lighttpd: $all bytes are too few for line and header"
[ $((count * buffer)) -ge "$all" ] || complain "nginx takes fewer header bytes than lighttpd"

# Bodies: those of the control pool are bounded, past what its routes take; the bulk pool's routes
# have their own bounds.
small=$(limit '(JSON_BODY_MAX > OXEN_LIST_WIRE_MAX ? JSON_BODY_MAX : OXEN_LIST_WIRE_MAX)')
nginx_small=$(nginx_of client_max_body_size | sort -u | grep -v '^0$')
lighttpd_small=$(lighttpd_of server.max-request-size | head -n 1) # the last is of chunked bodies
[ "$(bytes "$nginx_small")" -gt "$small" ] || complain "nginx: $nginx_small is too little for JSON"
[ "$(bytes "$nginx_small")" -eq $((lighttpd_small * 1024)) ] ||
    complain "small bodies end at $nginx_small in nginx and at $lighttpd_small KiB in lighttpd"

# A stalled body is aborted by whichever of the two notices first, after the same time.
stall=$(sed -nE 's/^SETTING_NUMBER\(body_timeout_s, "[A-Z_]*", ([0-9]+),.*/\1/p' \
    fcgi/base/config.def)
[ "$(nginx_of client_body_timeout)" = "${stall}s" ] ||
    complain "nginx: client_body_timeout is not $stall s"
[ "$(lighttpd_of server.max-read-idle | tail -n 1)" = "$stall" ] ||
    complain "lighttpd: max-read-idle of a body is not $stall s"
[ "$(nginx_of client_header_timeout)" = "$(lighttpd_of server.max-read-idle | head -n 1)s" ] ||
    complain "the two wait for a head for different times"

# What the design page asks for, by name.
for wanted in 'underscores_in_headers on' 'fastcgi_request_buffering off' \
    'client_body_buffer_size 256k' 'fastcgi_keep_conn off' 'server_tokens off'; do
    grep -qE "^ *$wanted;" deploy/nginx.conf || complain "nginx: no '$wanted'"
done
grep -q 'server.stream-response-body = 2' deploy/lighttpd.conf ||
    complain "lighttpd: answers wait on the disk"
grep -q 'fastcgi_max_temp_file_size 0;' deploy/nginx.conf ||
    complain "nginx: answers wait on the disk"
for file in deploy/nginx.conf deploy/lighttpd.conf; do
    grep -qE '^ *@TLS@ *(ssl_certificate |ssl\.engine)' $file || complain "$file: no TLS block"
done

# Where nginx finds whole contents is where the program sends it.
accel=$(sed -nE 's/^#define ACCEL_PREFIX "([^"]*)".*/\1/p' fcgi/http/reply_content.c)
grep -qE "location $accel \{" deploy/nginx.conf || complain "nginx: no location '$accel'"

# The servers themselves take what deploy/fill makes, with and without contents of their own to
# send, in a folder whose name has to be quoted.
PATH=$PATH:/usr/sbin:/sbin
folder="$work/a folder"
mkdir -p "$folder/spool"
filled() { # SERVER BLOBS
    deploy/fill "$1" "$folder" ADDRESS=127.0.0.1 PORT=8080 "SOCKETS=$folder" \
        "SPOOL=$folder/spool" USER= "LOG=$folder/log" "BLOBS=$2"
    case $1 in
        lighttpd) lighttpd -tt -f "$folder/lighttpd.conf" ;;
        nginx) nginx -t -q -e stderr -c "$folder/nginx.conf" -g "pid \"$folder/pid\";" ;;
    esac
}
for server in lighttpd nginx; do
    command -v $server >/dev/null || continue
    for blobs in '' "$folder"; do
        said=$(filled $server "$blobs" 2>&1) || complain "$server: $said"
    done
done

# The same patterns, wherever they stand, lead to the same pools in both.
nginx_routes() {
    sed -nE 's/^ *"~\^(\(?[A-Z|]+\)?) (\/.*)" (bulk|read);/\3 \1 \2/p' deploy/nginx.conf | sort
}
lighttpd_routes() {
    awk -F'"' '
        /request-method/ { method = $4; gsub(/[\^$]/, "", method) }
        /HTTP\["url"\] =~/ { pattern = $4; sub(/^\^/, "", pattern) }
        /fastcgi.server = var.bulk$/ { print "bulk " method " " pattern }
        /fastcgi.server = var.read$/ { print "read " method " " pattern }' deploy/lighttpd.conf |
        sort
}
if ! diff <(nginx_routes) <(lighttpd_routes); then
    complain "the two send different requests to a pool"
fi
exit $status
