#!/bin/bash
# Measures the store in a fresh PostgreSQL with the settings that a new one has, so that commits are on the disk before
# they count: bench-postgres.sh CANDLECAST-BENCH CANDLES OUT.json [--only NAME]
set -euo pipefail
bench=$1 candles=$2 out=$3
binaries=$(pg_config --bindir 2>/dev/null || echo /usr/lib/postgresql/15/bin)
[[ -x $binaries/initdb ]] || binaries=/usr/lib/postgresql/15/bin
folder=$(mktemp -d "${TMPDIR:-/tmp}/candlecast-bench-pg-XXXXXX")
redis=

# As the user postgres when root would.
as_server() { if ((EUID == 0)); then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi; }

finish() {
  [[ -z $redis ]] || { kill "$redis" && wait "$redis"; } || true
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

# Where the role that collects tells of what it has stored.
export CANDLECAST_REDIS_HOST=127.0.0.1
CANDLECAST_REDIS_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export CANDLECAST_REDIS_PORT
redis-server --port "$CANDLECAST_REDIS_PORT" --bind 127.0.0.1 --dir "$folder" --save "" --appendonly yes >"$folder/redis.log" &
redis=$!
"$bench" "$candles" "$out" --postgres "postgres://candlecast@${folder//\//%2F}/postgres" "${@:4}"
