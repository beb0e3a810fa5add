#!/bin/bash
# Measures the store in a fresh PostgreSQL with the settings that a new one has, so that commits are on the disk before
# they count: bench-postgres.sh CANDLECAST-BENCH CANDLES OUT.json
set -euo pipefail
bench=$1 candles=$2 out=$3
binaries=$(pg_config --bindir 2>/dev/null || echo /usr/lib/postgresql/15/bin)
[[ -x $binaries/initdb ]] || binaries=/usr/lib/postgresql/15/bin
folder=$(mktemp -d "${TMPDIR:-/tmp}/candlecast-bench-pg-XXXXXX")

# As the user postgres when root would.
as_server() { if ((EUID == 0)); then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi; }

finish() {
  as_server "$binaries/pg_ctl" -D "$folder/data" -m fast -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
((EUID)) || chown postgres "$folder"
cd "$folder"
as_server "$binaries/initdb" --auth=trust --username=candlecast --encoding=UTF8 --no-locale -D "$folder/data" >/dev/null
as_server "$binaries/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w start \
  -o "-c listen_addresses='' -c unix_socket_directories='$folder'" >/dev/null
cd - >/dev/null
"$bench" "$candles" "$out" --postgres "postgres://candlecast@${folder//\//%2F}/postgres"
