#!/bin/bash
# The same work in TA-Lib, XGBoost and PyTorch, then ours, with ratios: bench-peers.sh CANDLECAST-BENCH CANDLES OUT.json
set -euo pipefail
bench=$1 candles=$2 out=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${CANDLECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/candlecast}/venv
python=$venv/bin/python

if ! "$python" -c 'import pandas, talib, torch, xgboost, zstandard' 2>/dev/null; then
  echo "making $venv with pandas, TA-Lib, XGBoost and PyTorch (some gigabytes, once)" >&2
  python3 -m venv "$venv" || { echo "python3 -m venv failed: install python3-venv" >&2; exit 4; }
  "$python" -m pip install --quiet --disable-pip-version-check -r "$here/peers/requirements.txt" ||
    { echo "pip could not install the peers: is there a network or a proxy to set?" >&2; exit 4; }
fi

mkdir -p "$(dirname "$out")"
peers=$(dirname "$out")/peers.json
"$python" "$here/peers/bench.py" "$candles" --out "$peers"
"$bench" "$candles" "$out" "$peers"
