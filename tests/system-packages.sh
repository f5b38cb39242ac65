#!/bin/sh
# Installs the programs and libraries that the tests use, where it may; otherwise says in one line what is missing.
# mbpoll: a Modbus master of another family (libmodbus), which reads our simulated machines.
# cc, pkg-config and libmodbus: a Modbus server of that family is built, which our side reads and writes.
# tshark: Wireshark's dissectors read what our recorder captures.
# mosquitto and its clients: the broker that telemetry goes to, and subscribers of another family.
# postgresql: the store where a plant keeps it in a server.
# iproute2: network namespaces, in which a campaign pulls cables.
# Pango and HarfBuzz: they draw the PDF of a certificate.
set -eu
PATH="$PATH:/sbin:/usr/sbin" # where ldconfig is, also for those who are not root
missing=""
for pair in mbpoll:mbpoll tshark:tshark pkg-config:pkg-config cc:gcc mosquitto:mosquitto mosquitto_sub:mosquitto-clients ip:iproute2; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
for pair in modbus/modbus.h:libmodbus-dev stdio.h:libc6-dev; do
    [ -e "/usr/include/${pair%%:*}" ] || missing="$missing ${pair##*:}"
done
for pair in libpango-1.0.so:libpango-1.0-0 libpangoft2-1.0.so:libpangoft2-1.0-0 libharfbuzz-subset.so:libharfbuzz-subset0; do
    ldconfig -p 2>/dev/null | grep -qF "${pair%%:*}" || missing="$missing ${pair##*:}"
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
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
echo "the tests need these packages; please install them (Debian: sudo apt-get install$missing):$missing" >&2
exit 1
