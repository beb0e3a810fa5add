#!/bin/bash
# Makes the Python environment of the peers unless it is there, and prints its interpreter.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${CANDLECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/candlecast}/venv
python=$venv/bin/python

if ! "$python" -c 'import fastapi, pandas, talib, torch, uvicorn, xgboost, zstandard' 2>/dev/null; then
  echo "making $venv with pandas, TA-Lib, XGBoost, PyTorch and FastAPI (some gigabytes, once)" >&2
  python3 -m venv "$venv" >&2 || { echo "python3 -m venv failed: install python3-venv" >&2; exit 4; }
  "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2 ||
    { echo "pip could not install the peers: is there a network or a proxy to set?" >&2; exit 4; }
fi
echo "$python"
