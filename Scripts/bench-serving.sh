#!/bin/bash
# The server on one core under wrk on another, beside FastAPI with the same trees and beside a bare loop that looks at
# nothing, then WebSockets beside such a loop, wherever the kernel puts them: bench-serving.sh CANDLECAST-BENCH OUT.json.
# $PEER_PYTHON needs fastapi, uvicorn, uvloop, httptools, xgboost, numpy.
set -euo pipefail
bench=$(realpath "$1") out=$(realpath -m "$2")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command -v wrk >/dev/null || { echo "wrk is not installed: apt-get install wrk" >&2; exit 1; }

work=$(mktemp -d)
started=()
finish() { for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done; wait; rm -rf "$work"; }
trap finish EXIT

cat >"$work/post.lua" <<LUA
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open("$work/body.json")
wrk.body = file:read("*a")
file:close()
LUA

# Requests a second, after a short warming up.
rate() {
  taskset -c 1 wrk -t1 -c32 -d1 -s "$work/post.lua" "$1" >/dev/null
  taskset -c 1 wrk -t1 -c32 -d5 -s "$work/post.lua" "$1" | tee -a "$work/wrk.txt" |
    awk '/Requests\/sec/ { print $2 } /Non-2xx/ { print "answers are not 200" > "/dev/stderr"; exit 1 }'
}

load() { cut -d ' ' -f 1 /proc/loadavg; }
resident() { awk '/VmRSS/ { print $2 }' "/proc/$1/status"; }
divided() { awk "BEGIN { print $1 / $2 }"; }

python=${PEER_PYTHON:-$("$here/peers/venv.sh")}
"$python" "$here/peers/serve_peer.py" "$work/trees.json" make "$("$bench" serve-width)"
# Both servers, as the words before say: serve [WORD …]
serve() {
  rm -rf "$work"/port "$work"/bare-port "$work"/2024*
  "$@" "$bench" serve "$work" & started+=($!); ours=$!
  until [[ -s $work/port ]]; do kill -0 "$ours"; sleep 0.05; done
  port=$(cat "$work/port")
  idle=$(resident "$ours")
  answer=$(curl -sS --data-binary "@$work/body.json" "http://127.0.0.1:$port/predict" | wc -c)
  "$@" "$bench" serve-bare "$work" "$answer" & started+=($!); bare=$!
  until [[ -s $work/bare-port ]]; do kill -0 "$bare"; sleep 0.05; done
  bare_port=$(cat "$work/bare-port")
}

serve taskset -c 0
before=$(load)
mine=$(rate "http://127.0.0.1:$port/predict")
most=$(rate "http://127.0.0.1:$bare_port/predict")
other=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
taskset -c 0 "$python" "$here/peers/serve_peer.py" "$work/trees.json" "$other" & started+=($!); peer=$!
until (exec 3<>"/dev/tcp/127.0.0.1/$other") 2>/dev/null; do kill -0 "$peer"; sleep 0.1; done
theirs=$(rate "http://127.0.0.1:$other/predict")
kill "$peer" "$ours" "$bare"
# A message for thousands is sent by all processors.
serve

listen() { # NAME PROCESS PORT CLIENTS all|spread
  local line
  line=$("$bench" listen "$1" "$2" "$3" "$4" 10 "$5")
  echo "${line%\}},\"load\":$(load)}"
}

{
  echo "{\"name\":\"serving.predict\",\"unit\":\"1/s\",\"value\":$mine,\"peer\":$theirs,\"ratio\":$(divided "$mine" "$theirs"),\"bare\":$most,\"share_of_bare\":$(divided "$mine" "$most"),\"load\":$before}"
  listen serving.websocket "$ours" "$port" 100 all
  for kind in all spread; do
    # Memory is looked at when all have connected.
    (sleep 15; resident "$ours" >"$work/resident") & looking=$!
    listen serving.websocket "$ours" "$port" 10000 "$kind"
    wait "$looking"
    listen serving.bare_websocket "$bare" "$bare_port" 10000 "$kind"
  done
  echo "{\"name\":\"serving.websocket_memory_10000\",\"unit\":\"MB\",\"value\":$((($(cat "$work/resident") - idle) / 1024))}"
} | tee "$work/results"
mkdir -p "$(dirname "$out")"
{ echo "["; sed '$!s/$/,/' "$work/results"; echo "]"; } >"$out"
