# packages.sh - installs what is missing from Debian's packages, for deploy/run and tests/run.
# shellcheck shell=bash
#
# Two functions for callers.  packages_of USE... prints the packages of packages.txt for these uses.
# packages_install WHY PACKAGE... asks nothing, names what it installs, and does nothing (in a few
# milliseconds) when everything is there.  On failure it has printed one line that says what to do,
# and returns 1.
#
# Debian starts a service as soon as it is installed, and a web server would take port 80.  While
# packages are unpacked a policy-rc.d (the interface that Debian gives for this purpose) forbids
# it, and a web server that came new is not started at boot either.

packages_list=$(dirname "${BASH_SOURCE[0]}")/packages.txt
packages_log= # a name that nobody foresees, once there is something to write
packages_policy=/usr/sbin/policy-rc.d
packages_sudo=()

packages_of() { # USE...
    local use packages why
    while IFS='|' read -r use packages why; do
        [[ $use != '#'* ]] && [[ " $* " = *" ${use% } "* ]] || continue
        printf '%s\n' $packages
    done <"$packages_list"
}

packages_missing() { # PACKAGE...: prints those that are not installed
    local package
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
            installed) ;;
            *) printf '%s\n' "$package" ;;
        esac
    done
}

packages_guard() { # from here on no package starts a service; an answer of 101 forbids it
    local answer=0
    if [ -x "$packages_policy" ]; then
        "$packages_policy" nginx start >/dev/null 2>&1 || answer=$?
        [ "$answer" -ne 101 ] || return 0
    fi
    if [ -e "$packages_policy" ]; then
        "${packages_sudo[@]}" mv "$packages_policy" "$packages_policy.kept-by-sluice" || return 1
    fi
    printf '#!/bin/sh\n# put here by sluice while it installs packages\nexit 101\n' |
        "${packages_sudo[@]}" tee "$packages_policy" >/dev/null &&
        "${packages_sudo[@]}" chmod 755 "$packages_policy"
}

packages_unguard() {
    if grep -qs 'put here by sluice' "$packages_policy"; then
        "${packages_sudo[@]}" rm -f "$packages_policy"
    fi
    if [ -e "$packages_policy.kept-by-sluice" ]; then
        "${packages_sudo[@]}" mv "$packages_policy.kept-by-sluice" "$packages_policy"
    fi
}

packages_apt() { # ARGUMENT...: apt-get that asks nothing
    "${packages_sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
        -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 "$@" \
        >>"$packages_log" 2>&1 </dev/null
}

packages_fetch() { # PACKAGE...: the lists are fetched only when they do not have the packages
    local install=(install --no-install-recommends "$@")
    if apt-cache show --no-all-versions "$@" >/dev/null 2>&1 && packages_apt "${install[@]}"; then
        return 0
    fi
    packages_apt update && packages_apt "${install[@]}"
}

packages_install() { # WHY PACKAGE...
    local why=$1 missing server done_well=true
    shift
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "$why: this is not Debian; install what these packages hold: $*" >&2
        return 1
    fi
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    packages_log=$(mktemp -t sluice-packages.XXXXXXXX.log) || return 1

    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "$why: packages are missing, and this is neither root nor somebody with sudo;" \
                "ask for: apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        packages_sudo=(sudo -n)
    fi

    echo "$why: installing from Debian's packages: ${missing[*]}"
    trap packages_unguard EXIT
    packages_guard && packages_fetch "${missing[@]}" || done_well=false
    for server in lighttpd nginx; do
        case " ${missing[*]} " in
            *" $server "*)
                "${packages_sudo[@]}" update-rc.d "$server" disable >>"$packages_log" 2>&1 || true
                ;;
        esac
    done
    packages_unguard
    trap - EXIT
    if ! $done_well; then
        echo "$why: installing ${missing[*]} failed; apt-get's messages are in $packages_log" >&2
        return 1
    fi
    rm -f "$packages_log"
}
