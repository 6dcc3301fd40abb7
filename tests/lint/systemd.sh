#!/bin/bash
# Fails when systemd would not take the units, or calls one of them exposed.
set -euo pipefail
cd "$(dirname "$0")/../.."
exposure_max=10 # of 100; systemd calls less than 20 safe

if ! command -v systemd-analyze >/dev/null; then
    echo "systemd: systemd-analyze is not here, nothing is checked"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# The program need not be installed where the units look for it, nor the web server's group exist.
cp -r deploy/systemd/. "$work"
cd "$work"
sed -i 's|/usr/local/sbin/sluice|/bin/true|' ./*.service
said=$(systemd-analyze verify --man=no ./*.{service,socket,target,timer} 2>&1 || true)
if grep -F sluice <<<"$said"; then
    echo "systemd: verify complains" >&2
    status=1
fi
for unit in *.service; do
    if ! systemd-analyze security --offline=yes --threshold=$exposure_max "./$unit" >said 2>&1; then
        echo "systemd: $unit is exposed: $(tail -n 1 said)" >&2
        status=1
    fi
done
exit $status
