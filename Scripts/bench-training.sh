#!/bin/bash
# A whole training of direction-15m and its refit, then the same fits in Python: bench-training.sh CANDLECAST CANDLES [TO]
# Needs a quiet machine. TO is the candle after the last one used; without it all are.
set -euo pipefail
candlecast=$(realpath "$1") candles=$(realpath "$2") to=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$("$here/peers/venv.sh")

# What the trainer sets for itself, so that both sides have it.
export OMP_WAIT_POLICY=passive MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=536870912

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$candlecast" import "$candles" --quiet
"$candlecast" train --json --quiet --refit ${to:+--to "$to"} >ours.json
version=$("$python" -c 'import json; print(json.load(open("ours.json"))["versions"][0])')
cp models/*/"$version"/card.json .
"$python" "$here/peers/train_peer.py" feature_store/datasets/*.dataset card.json >python.json

"$python" - <<'REPORT'
import json

ours, python = json.load(open("ours.json")), json.load(open("python.json"))
libraries = ours["xgboost_seconds"] + ours["torch_seconds"]
print(f"decisions                 {python['decisions']:10d}")
for name, seconds in [
    ("candlecast train", ours["seconds"]), ("  trainer", ours["trainer_seconds"]),
    ("    inside XGBoost", ours["xgboost_seconds"]), ("    inside libtorch", ours["torch_seconds"]),
    ("Python, fits alone", python["seconds"]),
    *((f"  {part}", seconds) for part, seconds in python["seconds_by_part"].items()),
]:
    print(f"{name:25} {seconds:10.2f} s")
print(f"{'trainer / libraries':25} {ours['trainer_seconds'] / libraries:10.2f}")
print(f"{'trainer / Python':25} {ours['trainer_seconds'] / python['seconds']:10.2f}")
print(f"{'candlecast train / Python':25} {ours['seconds'] / python['seconds']:10.2f}")
print(f"trainer's peak memory     {ours['trainer_peak_resident_bytes'] / 2**20:10.0f} MiB")
print("last fold, ours and Python's:", end=" ")
sizes = json.load(open("card.json"))["recipe"]["sizes"]
print(", ".join(f"{name} {sizes[name]} and {size}" for name, size in python["sizes"].items()))
REPORT
