#!/bin/sh
# Installs the programs that the tests use as foreign peers, where it may; otherwise says in one line what is missing.
# mbpoll: a Modbus master of another family (libmodbus), which reads our simulated machines.
set -eu
missing=""
for program in mbpoll; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing system packages for the tests:$missing"
    # shellcheck disable=SC2086 # a list of names
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
        exit 0
    fi
fi
echo "the tests need these programs; please install them (Debian: sudo apt-get install$missing):$missing" >&2
exit 1
