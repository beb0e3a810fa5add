#!/bin/bash
# The same work in TA-Lib, XGBoost and PyTorch, then ours, with ratios: bench-peers.sh CANDLECAST-BENCH CANDLES OUT.json
set -euo pipefail
bench=$1 candles=$2 out=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/peers/venv.sh")

mkdir -p "$(dirname "$out")"
peers=$(dirname "$out")/peers.json
"$python" "$here/peers/bench.py" "$candles" --out "$peers"
"$bench" "$candles" "$out" "$peers"
