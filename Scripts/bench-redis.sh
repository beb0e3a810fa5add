#!/bin/bash
# What Redis costs, on a server started for it: bench-redis.sh CANDLECAST_BENCH OUT.json
set -euo pipefail
bench=$(realpath "$1") out=$(realpath -m "$2")

work=$(mktemp -d)
server=
trap '[[ -n $server ]] && kill "$server" && wait "$server" || true; rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --dir "$work" --save "" --appendonly yes >"$work/log" &
server=$!
until redis-cli -p "$port" ping >/dev/null 2>&1; do
  kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  sleep 0.05
done
"$bench" redis "redis://127.0.0.1:$port" "$out"
