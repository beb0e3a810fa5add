"""Cuts a recorded Binance session down to what the tests of the order book and of candles made of trades need.

    binance_recording.py RECORDING.gz CANDLES.csv.zst OUT_FOLDER

RECORDING: lines `<local receive time, ns> <raw frame>`, as in hftbacktest's examples/spot/btcusdt_20240808.gz (MIT).
CANDLES: the same market's minutes, one row each, open time in milliseconds first.
Trades, book changes and the snapshot stay as they are; of the best bids and asks those stay that a book change ends with.
"""

import gzip
import json
import sys
from pathlib import Path

import zstandard


def data(line):
    return json.loads(line.split(" ", 1)[1])["data"]


def main(recording, candles, folder):
    folder = Path(folder)
    with gzip.open(recording, "rt") as file:
        lines = file.readlines()
    ends = {data(line)["u"] for line in lines if "@depth" in line[:60]}
    kept = [line for line in lines if "@bookTicker" not in line[:60] or data(line)["u"] in ends]
    minutes = {data(line)["T"] // 60_000 for line in lines if "@trade" in line[:60]}
    compressor = zstandard.ZstdCompressor(level=22)
    (folder / "btcusdt_20240808.txt.zst").write_bytes(compressor.compress("".join(kept).encode()))
    # The first and the last minute are not whole.
    whole = sorted(minutes)[1:-1]
    text = zstandard.ZstdDecompressor().stream_reader(open(candles, "rb")).read().decode().splitlines()
    rows = [row for row in text[1:] if int(row.split(",")[0]) // 60_000 in whole]
    (folder / "btcusdt_20240808.csv").write_text("\n".join([text[0], *rows]) + "\n")
    print(len(kept), "lines,", len(rows), "of", len(whole), "minutes")


main(*sys.argv[1:])
