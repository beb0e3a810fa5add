#!/bin/bash
# The main job on the bundled candles: report.sh CANDLECAST
set -euo pipefail
candlecast=$1
data=Data/BTCUSDT_binance_spot_1m_20240117_20240331.csv.zst
# Training sees nothing from here on; the replay and the evaluation see nothing before it.
split=2024-03-25
end=2024-04-01

step() { printf '\n== %s\n' "$*"; }

step "candles"
"$candlecast" import "$data"
"$candlecast" gaps
for target in direction-15m window-15m; do
  step "train $target on everything before $split"
  "$candlecast" train --target "$target" --to "$split"
done
for target in direction-15m window-15m; do
  step "replay $target from $split to $end"
  "$candlecast" replay --target "$target" --from "$split" --to "$end" --quiet
done
for target in direction-15m window-15m; do
  step "results of $target from $split to $end"
  "$candlecast" evaluate --target "$target" --from "$split" --to "$end"
done
